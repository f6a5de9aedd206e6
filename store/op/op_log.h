#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/op/op.h"

namespace cloakroom {

/// The newest records of a shard in order, in a bounded backlog of bytes. Writers append; readers
/// (a replica's feed, a disk writer, a test's oracle) hold a sequence number and read from there.
/// A record is  size u32 | sequence u64 | epoch u64 | time u64 | ops.
class OpLog {
 public:
  explicit OpLog(uint64_t backlog_bytes_max);
  ~OpLog();

  /// Appends a record. Precondition: header.sequence is last() + 1 and the time does not go back.
  void Append(const RecordHeader& header, std::string_view ops);

  [[nodiscard]] uint64_t first() const;  // the oldest sequence number still held, or last() + 1
  [[nodiscard]] uint64_t last() const;   // 0 before the first record
  [[nodiscard]] TimeMs last_time() const;
  [[nodiscard]] uint64_t bytes() const;
  void set_backlog_bytes_max(uint64_t bytes_max);

  /// Visits the records from `sequence` on. Returns false when it is older than first().
  bool Read(uint64_t sequence,
            FunctionRef<void(const RecordHeader& header, std::string_view ops)> visit) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
