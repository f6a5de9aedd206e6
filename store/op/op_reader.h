#pragma once

#include <cstdint>
#include <string_view>

#include "store/base/coding.h"
#include "store/base/time.h"
#include "store/op/op.h"

namespace cloakroom {

/// One op, decoded. What a kind does not have is zero or empty. Views point into the record.
struct Op {
  OpKind kind{};
  uint32_t db = 0;
  uint32_t db2 = 0;
  uint32_t count = 0;  // of pairs, fields or members in `payload`
  std::string_view key;
  std::string_view key2;
  TimeMs deadline = 0;       // kPutString, kPutText, kSetDeadline
  uint64_t offset = 0;       // kAppendString, kWriteString
  std::string_view payload;  // the value; or the elements, see ElementReader; or a session op's own

  /// Ops from kSessionFirst up are the sessions' own.
  [[nodiscard]] bool ForSessions() const { return kind >= OpKind::kSessionFirst; }
};

/// Walks the ops of a record. Bytes may come from a disk or a peer, so nothing about them is
/// believed: whatever they are, no read leaves them, and a malformed op ends the walk as failed.
///
///   OpReader reader(ops);
///   for (Op op; reader.Next(op);) ...
///   if (!reader.ok()) ...
class OpReader {
 public:
  explicit OpReader(std::string_view ops) : bytes_(ops) {}

  /// Reads the next op with all its parts checked. False at the end and on malformed bytes.
  [[nodiscard]] bool Next(Op& op);
  /// Whether all that was read so far was well formed.
  [[nodiscard]] bool ok() const { return bytes_.ok(); }
  /// Bytes not yet read.
  [[nodiscard]] size_t left() const { return bytes_.left(); }

 private:
  void ReadPayload(Op& op);
  void ReadElements(Op& op, uint32_t parts);

  ByteReader bytes_;
};

/// The elements of kHashSet (field, value, field, ...), kHashDelete, kSetAdd and kSetRemove.
class ElementReader {
 public:
  /// `payload` is that of an Op that an OpReader has checked.
  explicit ElementReader(std::string_view payload) : bytes_(payload) {}
  [[nodiscard]] bool more() const { return bytes_.left() > 0; }
  [[nodiscard]] std::string_view Next() { return bytes_.Sized(); }

 private:
  ByteReader bytes_;
};

}  // namespace cloakroom
