#include "store/wal/wal_reader.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

std::string Advice(const std::vector<WalSegment>& segments, const WalBreak& found) {
  std::string text = fmt::format("the log is damaged: {} at offset {}: {}",
                                 segments[found.segment].path, found.offset, found.reason);
  if (found.next != 0)
    text += fmt::format("; record {} follows at offset {} of {}", found.next, found.next_offset,
                        found.next_path);
  return text + fmt::format(
                    ". Nothing was changed. cloakroom-server --check-log says what is there; put "
                    "back a good copy of the file, or give up record {} and all after it with "
                    "cloakroom-server --truncate-log-at {}",
                    found.sequence, found.sequence);
}

}  // namespace

Result<WalReader> WalReader::Open(Disk& disk, const std::string& directory, uint64_t from) {
  CHECK(from > 0);
  WalReader reader(disk);
  TRY(std::vector<WalSegment> all, ListWalSegments(disk, directory));
  for (WalSegment& segment : all) {
    if (segment.has_header) {
      reader.history_ = segment.header.history;
      reader.proven_ = std::max(reader.proven_, segment.header.synced);
    }
    const bool blank = segment.empty && !segment.has_header;
    (blank ? reader.leftovers_ : reader.segments_).push_back(std::move(segment));
  }
  reader.from_ = reader.next_ = reader.expected_ = from;
  // One that holds something, if there is one: an empty one may have been begun in vain.
  std::optional<size_t> start;
  bool later = reader.proven_ >= from;
  for (size_t i = 0; i < reader.segments_.size(); ++i) {
    const WalSegment& segment = reader.segments_[i];
    later = later || (segment.first > from && !segment.empty);
    if (segment.first > from) continue;
    if (!segment.empty || !start || reader.segments_[*start].empty) start = i;
  }
  if (!start && later)
    return Fail(
        Code::kDamaged, "the log begins with record {}, in {}: records {} to {} are missing",
        reader.segments_[0].first, reader.segments_[0].path, from, reader.segments_[0].first - 1);
  reader.ended_ = !start;
  reader.index_ = start.value_or(0);
  if (start) reader.expected_ = reader.segments_[*start].first;
  return reader;
}

Result<bool> WalReader::Next(RecordHeader& header, std::string_view& ops) {
  while (!ended_) {
    bool more = true;
    TRY(const bool found, Step(header, ops, more));
    if (found) return true;
    ended_ = !more;
  }
  return false;
}

/// One frame, or the change to the next segment. Returns whether it was a record that is wanted;
/// `more` whether to go on.
Result<bool> WalReader::Step(RecordHeader& header, std::string_view& ops, bool& more) {
  const WalSegment& segment = segments_[index_];
  if (!reader_) {
    if (!segment.has_header) {
      TRY(more, Broken("its header is no header", false));
      return false;
    }
    TRY(WalSegmentReader opened, WalSegmentReader::Open(*disk_, segment.path));
    reader_.emplace(std::move(opened));
    offset_ = kWalHeaderBytes;
  }
  WalFrame frame;
  TRY(const auto found, reader_->Read(offset_, WalSalt(segment.header.history), frame, ops));
  if (found == WalSegmentReader::Found::kEnd) {
    TRY(more, EndOfSegment());
    return false;
  }
  std::string reason;
  if (found == WalSegmentReader::Found::kCutOff)
    reason = fmt::format("record {} is cut off", expected_);
  else if (found == WalSegmentReader::Found::kNoRecord)
    reason = fmt::format("there is no record {}", expected_);
  else if (found == WalSegmentReader::Found::kBadSum)
    reason = fmt::format("record {} does not match its checksum", expected_);
  else if (frame.mark && frame.synced >= expected_)
    reason = fmt::format("a mark speaks of record {} before {}", frame.synced, expected_);
  else if (!frame.mark && frame.header.sequence != expected_)
    reason = fmt::format("record {} stands where {} should", frame.header.sequence, expected_);
  else if (!frame.mark &&
           (frame.header.time_ms < newest_.time_ms || frame.header.epoch < newest_.epoch))
    reason = fmt::format("record {} is older than the one before", expected_);
  if (!reason.empty()) {
    TRY(more, Broken(std::move(reason), found == WalSegmentReader::Found::kCutOff));
    return false;
  }
  const uint64_t begins = std::exchange(offset_, offset_ + kWalFrameBytes + frame.size_bytes);
  if (frame.mark) {
    proven_ = std::max(proven_, frame.synced);
    return false;
  }
  before_ = std::exchange(newest_, frame.header);
  record_place_ = {index_, begins};
  header = frame.header;
  ++expected_;
  if (frame.header.sequence < from_) return false;
  next_ = expected_;
  return true;
}

/// Returns whether there is a next segment to go on with.
Result<bool> WalReader::EndOfSegment() {
  size_t next = index_ + 1;
  // One that is empty and too early was begun in vain, when the disk was full.
  while (next < segments_.size() && segments_[next].empty && segments_[next].first < expected_)
    ++next;
  const bool last = next == segments_.size();
  if (last && proven_ < std::max(expected_, from_)) return false;
  // An image has the records before `from_`.
  const uint64_t first = last ? 0 : segments_[next].first;
  if (first < expected_ || (first > expected_ && first > from_))
    return Broken(fmt::format("there is no record {}", expected_), false);
  expected_ = first;
  index_ = next;
  reader_.reset();
  offset_ = 0;
  return true;
}

/// Returns false where the log ends because its tail is torn.
Result<bool> WalReader::Broken(std::string reason, bool cut_off) {
  WalBreak found;
  found.segment = index_;
  found.offset = offset_;
  found.sequence = expected_;
  found.needed = std::max(expected_, from_);
  found.cut_off = cut_off;
  found.reason = std::move(reason);
  TRY_VOID(ExamineWalBreak(*disk_, segments_, proven_, found));
  if (!found.damaged) {
    torn_ = std::move(found);
    return false;
  }
  damage_ = std::move(found);
  return Fail(Code::kDamaged, "{}", Advice(segments_, *damage_));
}

}  // namespace cloakroom
