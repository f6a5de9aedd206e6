#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "store/base/time.h"

namespace cloakroom {

/// The absolute changes of the keyspace. On the wire and in the log an op is
///   kind u8 | db varint | key (varint size, bytes) | payload by kind
/// with integers little-endian or LEB128 varints. Numbers are part of the format: never reuse one.
enum class OpKind : uint8_t {
  kPutString = 1,     // deadline varint, value (rest-sized: varint size, bytes)
  kAppendString = 2,  // offset varint (the current length), bytes
  kWriteString = 3,   // offset varint, bytes: overwrite, zero-filling a gap
  kSetDeadline = 4,   // deadline varint, 0 = none
  kDelete = 5,        //
  kRename = 6,        // db2 varint, key2: moves entry with its deadline; an entry at key2 goes
  kCopy = 7,          // db2 varint, key2: the same, leaving the first
  kHashSet = 8,       // count varint, then field, value each
  kHashDelete = 9,    // count varint, then fields; an emptied hash goes
  kSetAdd = 10,       // count varint, then members
  kSetRemove = 11,    // count varint, then members; an emptied set goes
  kFlushDb = 12,      // no key
  kFlushAll = 13,     // no key, db 0: every database, and every session
  kSwapDb = 14,       // no key; db2 varint
  kPutText = 15,      // as kPutString, for a value that is never called an integer
  // 64 and up: the sessions' own, see store/op/session_op.h. Payload: varint size, bytes.
  kSessionFirst = 64,
};

/// What every record carries besides its ops.
struct RecordHeader {
  uint64_t sequence = 0;  // 1, 2, 3, ... with no gap
  uint64_t epoch = 0;     // counts the primaries of the shard
  TimeMs time_ms = 0;     // the primary's time; never goes back
};

}  // namespace cloakroom
