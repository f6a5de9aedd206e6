#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/image/rdb_format.h"

namespace cloakroom {

/// A key of a dump file, and what stands there of it beside the value. The view holds until the
/// key's End.
struct RdbKey {
  uint32_t db = 0;
  std::string_view key;
  RdbKind kind = RdbKind::kString;
  TimeMs deadline = kNoDeadline;  // at most kDeadlineMax, and never below 1 when there is one
  int64_t idle_s = -1;            // seconds since its last use; -1: not said
  int32_t frequency = -1;         // how often it is used, 0 to 255; -1: not said
};

/// Takes what a dump holds, in its order. An error from here stops the reading, and is what the
/// reader answers.
class RdbSink {
 public:
  virtual ~RdbSink() = default;

  /// Something about the file as a whole: redis-ver, ctime, repl-id, ...
  virtual Result<void> Aux(std::string_view /*name*/, std::string_view /*value*/) { return {}; }

  /// A string, hash or set begins. Then come its parts, then End. What is empty never begins.
  virtual Result<void> Begin(const RdbKey& key) = 0;
  /// The whole of a string, one word; or so many more fields and values (field, value, field, ...),
  /// or members. Words hold during the call. A field may come again: then the last value holds.
  virtual Result<void> Part(std::span<const std::string_view> words) = 0;
  /// A field of a hash that has a deadline of its own (Redis 7.4, Valkey 9), unix milliseconds.
  virtual Result<void> FieldWithDeadline(std::string_view field, std::string_view value,
                                         TimeMs deadline) = 0;
  virtual Result<void> End() = 0;

  /// A key whose type we do not have. It is passed over, unless an error comes from here.
  ///   type  "list", "zset", "stream", "module"
  virtual Result<void> Other(const RdbKey& key, std::string_view type) = 0;
};

}  // namespace cloakroom
