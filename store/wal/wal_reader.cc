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
    if (segment.has_header) reader.history_ = segment.header.history;
    (segment.empty ? reader.leftovers_ : reader.segments_).push_back(std::move(segment));
  }
  reader.from_ = reader.next_ = reader.expected_ = from;
  const std::vector<WalSegment>& segments = reader.segments_;
  if (segments.empty()) {
    reader.ended_ = true;
    return reader;
  }
  const auto after = std::find_if(segments.begin(), segments.end(),
                                  [from](const WalSegment& s) { return s.first > from; });
  if (after == segments.begin())
    return Fail(Code::kDamaged,
                "the log begins with record {}, in {}: records {} to {} are missing",
                segments[0].first, segments[0].path, from, segments[0].first - 1);
  reader.index_ = static_cast<size_t>(after - segments.begin()) - 1;
  reader.expected_ = segments[reader.index_].first;
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
  else if (!frame.mark && frame.header.sequence != expected_)
    reason = fmt::format("record {} stands where {} should", frame.header.sequence, expected_);
  else if (!frame.mark &&
           (frame.header.time_ms < newest_.time_ms || frame.header.epoch < newest_.epoch))
    reason = fmt::format("record {} is older than the one before", expected_);
  if (!reason.empty()) {
    TRY(more, Broken(std::move(reason), found == WalSegmentReader::Found::kCutOff));
    return false;
  }
  offset_ += kWalFrameBytes + frame.size_bytes;
  if (frame.mark) return false;
  newest_ = header = frame.header;
  ++expected_;
  if (frame.header.sequence < from_) return false;
  next_ = expected_;
  return true;
}

/// The highest record that the head of a segment says to have been durable.
uint64_t WalReader::SyncedByHeaders() const {
  uint64_t synced = 0;
  for (const std::vector<WalSegment>* list : {&segments_, &leftovers_})
    for (const WalSegment& segment : *list)
      if (segment.has_header) synced = std::max(synced, segment.header.synced);
  return synced;
}

/// Returns whether there is a next segment to go on with.
Result<bool> WalReader::EndOfSegment() {
  const bool last = index_ + 1 == segments_.size();
  const bool missing = last ? SyncedByHeaders() >= std::max(expected_, from_)
                            : segments_[index_ + 1].first != expected_;
  if (missing) return Broken(fmt::format("there is no record {}", expected_), false);
  if (last) return false;
  ++index_;
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
  found.cut_off = cut_off;
  found.reason = std::move(reason);
  TRY_VOID(ExamineWalBreak(*disk_, segments_, SyncedByHeaders(), found));
  if (!found.damaged) {
    torn_ = std::move(found);
    return false;
  }
  damage_ = std::move(found);
  return Fail(Code::kDamaged, "{}", Advice(segments_, *damage_));
}

}  // namespace cloakroom
