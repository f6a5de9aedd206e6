#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/wal/wal_format.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {

inline constexpr HistoryId kTestHistory = {'a', ' ', 'h', 'i', 's', 't', 'o', 'r',
                                           'y', ' ', 'o', 'f', ' ', 'o', 'u', 'r'};

/// What a record of tests carries: told from its number.
inline std::string OpsOf(uint64_t sequence, size_t size_bytes = 20) {
  std::string ops = "record " + std::to_string(sequence) + " ";
  ops.resize(size_bytes, static_cast<char>('a' + sequence % 26));
  return ops;
}
inline RecordHeader HeaderOf(uint64_t sequence) {
  return {.sequence = sequence, .epoch = 1, .time_ms = static_cast<TimeMs>(1000 + sequence)};
}

/// Makes a segment's bytes by hand.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(uint64_t first, uint64_t synced = 0)
      : first_(first),
        bytes_(EncodeWalHeader(
            {.history = kTestHistory, .first = first, .synced = synced, .newest_time = 0})) {}

  SegmentBuilder& Records(uint64_t from, uint64_t to, size_t size_bytes = 20) {
    for (uint64_t i = from; i <= to; ++i) Record(HeaderOf(i), OpsOf(i, size_bytes));
    return *this;
  }
  SegmentBuilder& Record(const RecordHeader& header, std::string_view ops) {
    offsets_.push_back(bytes_.size());
    AppendWalRecord(bytes_, WalSalt(kTestHistory), header, ops);
    return *this;
  }
  SegmentBuilder& Mark(uint64_t synced) {
    AppendWalMark(bytes_, WalSalt(kTestHistory), synced);
    return *this;
  }
  SegmentBuilder& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  /// What a preallocated file has behind its records.
  SegmentBuilder& Zeros(size_t size) {
    bytes_.append(size, '\0');
    return *this;
  }

  [[nodiscard]] std::string& bytes() { return bytes_; }
  /// Where the nth record added begins, from 0.
  [[nodiscard]] size_t OffsetOf(size_t nth) const { return offsets_[nth]; }
  [[nodiscard]] std::string path() const { return "/log/" + WalSegmentName(first_); }
  std::string PutOn(Disk& disk) {
    CHECK(disk.MakeDirectoryNow("/log").has_value());
    CHECK((*disk.OpenNow(path(), Disk::Mode::kCreate))->WriteNow(0, bytes_).has_value());
    return path();
  }

 private:
  uint64_t first_;
  std::string bytes_;
  std::vector<size_t> offsets_;
};

}  // namespace cloakroom
