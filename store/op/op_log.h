#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/op/op.h"

namespace cloakroom {

/// The newest records of a shard in order, in a bounded backlog of bytes. Writers append; readers
/// (a replica's feed, a disk writer, a test's oracle) hold a sequence number and read from there.
///
/// A record is  size u32 | sequence u64 | epoch u64 | time u64 | ops,  size being that of the ops.
/// Records lie whole in chunks of memory. The oldest chunk goes when the backlog is full, and its
/// memory becomes the newest one: once the backlog is full, appending allocates nothing.
class OpLog {
 public:
  static constexpr size_t kHeaderBytes = 28;

  /// Holds at most `backlog_bytes_max` of memory; 0: no record is kept.
  explicit OpLog(uint64_t backlog_bytes_max);
  ~OpLog();

  /// Appends a record. Precondition: header.sequence is last() + 1 and the time does not go back.
  /// A record larger than the whole backlog, or than its size can say (4 GB: an EXEC of many large
  /// SUNIONSTOREs), is counted and not kept. O(size of the ops).
  void Append(const RecordHeader& header, std::string_view ops);

  /// Goes on behind `newest`, which lies elsewhere: in an image, or a log on disk. Nothing is held
  /// any more. Precondition: neither its sequence number nor its time goes back.
  void Continue(const RecordHeader& newest);

  /// The same of another history: its numbers and times may be lower.
  void Restart(const RecordHeader& newest);

  [[nodiscard]] uint64_t first() const;  // the oldest sequence number still held, or last() + 1
  [[nodiscard]] uint64_t last() const;   // 0 before the first record
  [[nodiscard]] TimeMs last_time() const;
  [[nodiscard]] uint64_t bytes() const;           // of the records held
  [[nodiscard]] uint64_t capacity_bytes() const;  // of the memory that they lie in
  /// Records that no longer fit go at once, oldest first.
  void set_backlog_bytes_max(uint64_t bytes_max);

  /// Visits the records from `sequence` on. Returns false when it is older than first(). To find
  /// the first one costs a walk over at most one chunk. `visit` must not append.
  bool Read(uint64_t sequence,
            FunctionRef<void(const RecordHeader& header, std::string_view ops)> visit) const;
  /// The same for as long as `visit` returns true.
  bool ReadSome(uint64_t sequence,
                FunctionRef<bool(const RecordHeader& header, std::string_view ops)> visit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
