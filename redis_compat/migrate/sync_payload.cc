#include "redis_compat/migrate/sync_payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "store/base/number.h"

namespace cloakroom {
namespace {

// Small, so that a record takes a small part of a turn.
constexpr size_t kBatchBytes = size_t{64} << 10;
constexpr std::string_view kMarkWord = "EOF:";

/// As in Redis, what has expired is taken over too: the primary says when it ends.
RdbImport::Options ImportOptions() { return {.now = 0, .batch_bytes_max = kBatchBytes}; }

}  // namespace

std::optional<DumpFrame> DumpFrame::Parse(std::string_view line) {
  if (!line.starts_with('$')) return std::nullopt;
  line.remove_prefix(1);
  DumpFrame frame;
  if (line.starts_with(kMarkWord)) {
    if (line.size() != kMarkWord.size() + kMarkBytes) return std::nullopt;
    frame.mark = line.substr(kMarkWord.size());
    return frame;
  }
  int64_t size = 0;
  if (!ParseInteger(line, size) || size <= 0) return std::nullopt;
  frame.size = static_cast<uint64_t>(size);
  return frame;
}

SyncPayload::SyncPayload(DumpFrame frame, MigrationTarget& target, bool refuse_others)
    : frame_(std::move(frame)),
      target_(target),
      refuse_others_(refuse_others),
      import_(target.keys(), ImportOptions(),
              [this](WriteBatch& batch) { return CommitBatch(batch); }),
      reader_(import_) {}

Result<void> SyncPayload::CommitBatch(WriteBatch& batch) {
  if (refuse_others_ && HasOthers())
    batch.Clear();
  else
    target_.Commit(batch);
  return {};
}

bool SyncPayload::HasOthers() const {
  const RdbImport::Report& report = import_.report();
  return report.other_keys > 0 || report.fields_with_deadline > 0 ||
         reader_.counters().functions > 0 || reader_.counters().module_data > 0;
}

/// What there is no type for, named.
Result<void> SyncPayload::Judge() const {
  if (!refuse_others_ || !HasOthers()) return {};
  const RdbImport::Report& report = import_.report();
  const RdbReader::Counters& read = reader_.counters();
  std::string text;
  const auto add = [&text](std::string_view what) {
    text.append(text.empty() ? "" : "; ") += what;
  };
  if (report.other_keys > 0) add(DescribeOthers(report));
  if (report.fields_with_deadline > 0)
    add(fmt::format("{} hash fields with a deadline of their own, the first in key {}",
                    report.fields_with_deadline, report.key_with_fields));
  if (read.functions > 0) add(fmt::format("{} libraries of functions", read.functions));
  if (read.module_data > 0) add(fmt::format("{} data of modules", read.module_data));
  return Fail(
      Code::kUnavailable,
      "the primary holds what there is no type for here: {}. Nothing was taken over; option "
      "import-other-types skip leaves it out",
      text);
}

Result<size_t> SyncPayload::Feed(std::string_view bytes) {
  size_t taken = 0;
  if (!reader_.done()) {
    std::string_view piece = bytes;
    if (frame_.size)
      piece = piece.substr(0, std::min<uint64_t>(piece.size(), *frame_.size - read_));
    const uint64_t before = read_;
    TRY_VOID(FeedReader(piece));
    taken = static_cast<size_t>(read_ - before);
    if (!reader_.done()) return taken;
  }
  if (frame_.size) {
    if (read_ != *frame_.size)
      return Fail(Code::kInvalid, "the dump ends after {} bytes of {}", read_, *frame_.size);
    done_ = true;
    return taken;
  }
  TRY(const size_t marked, FeedMark(bytes.substr(taken)));
  return taken + marked;
}

Result<void> SyncPayload::FeedReader(std::string_view bytes) {
  TRY(const size_t used, reader_.Feed(bytes));
  read_ += used;
  // With so many named, the rest need not be read.
  if (refuse_others_ && import_.report().others.size() == RdbImport::kListedMax) TRY_VOID(Judge());
  if (reader_.done()) {
    TRY_VOID(import_.Finish());
    return Judge();
  }
  return frame_.size && read_ == *frame_.size ? reader_.Finish() : Result<void>();
}

Result<size_t> SyncPayload::FeedMark(std::string_view bytes) {
  const std::string_view wanted = std::string_view(frame_.mark).substr(mark_read_);
  const size_t size = std::min(bytes.size(), wanted.size());
  if (bytes.substr(0, size) != wanted.substr(0, size))
    return Fail(Code::kInvalid, "the mark behind the dump, after {} bytes, is not as announced",
                read_);
  mark_read_ += size;
  done_ = mark_read_ == frame_.mark.size();
  return size;
}

}  // namespace cloakroom
