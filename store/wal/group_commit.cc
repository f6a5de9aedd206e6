#include "store/wal/group_commit.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/planted.h"

namespace cloakroom {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr TimeMs kRetryMs = 1000;
// Beside a record's ops: its own frame, and that of the mark which may go before it.
constexpr uint64_t kFramesBytes = 2 * kWalFrameBytes;
// Memory that one huge batch needed is not kept.
constexpr size_t kKeepBytesMax = size_t{4} << 20;

}  // namespace

GroupCommit::GroupCommit(Clock& clock, Scheduler& scheduler, Disk& disk, Options options,
                         Events events)
    : clock_(clock),
      options_(std::move(options)),
      events_(std::move(events)),
      writer_(disk, options_.log, [this] { NoteRoom(); }),
      salt_(WalSalt(options_.log.history)),
      sync_timer_(scheduler.MakeTimer([this] { Advance(); })),
      retry_timer_(scheduler.MakeTimer([this] { Retry(); })) {}
GroupCommit::~GroupCommit() = default;

Result<void> GroupCommit::StartNow(const WalEnd& end, uint64_t last) {
  CHECK(last >= end.newest.sequence);
  TRY_VOID(writer_.StartNow(end, last + 1));
  appended_ = written_ = synced_ = marked_ = last;
  appended_time_ = end.newest.time_ms;
  appended_epoch_ = end.newest.epoch;
  sync_began_us_ = clock_.MonotonicUs();
  return {};
}

void GroupCommit::Append(const RecordHeader& header, std::string_view ops) {
  // Invariant: records follow each other with no gap and no repeat, and their time never goes back.
  // Why: recovery takes what it reads for all that happened.
  // Pair: WalReader checks the same on the way back in.
  CHECK(header.sequence == appended_ + 1 && header.time_ms >= appended_time_ &&
        header.epoch >= appended_epoch_ && !stopped_);
  appended_ = header.sequence;
  appended_epoch_ = header.epoch;
  appended_time_ = header.time_ms;
  AppendWalRecord(pending_, salt_, header, ops);
}

void GroupCommit::NeedDisk(uint64_t sequence) { disk_wanted_ = std::max(disk_wanted_, sequence); }

void GroupCommit::EndTurn() {
  if (!pending_.empty() || disk_wanted_ > synced_ || asked_ != 0) Advance();
}

uint64_t GroupCommit::Reached(AckLevel level) const {
  switch (level) {
    case AckLevel::kMemory:
      return appended_;
    case AckLevel::kOs:
      return written_;
    case AckLevel::kDisk:
      return Planted(Plant::kReplyBeforeSync) ? appended_ : synced_;
    case AckLevel::kReplicas:
      break;
  }
  return 0;
}

bool GroupCommit::WantsDisk() const {
  return options_.policy == SyncPolicy::kAlways || disk_wanted_ > synced_;
}

// The state machine: whatever has ended, see what can begin.

void GroupCommit::Advance() {
  if (dead_) {
    if (stopped_) Stopped(cloakroom::Fail(Code::kSyncFailed, "a sync of the log has failed"));
    return;
  }
  WriteIfPossible();
  if (!writer_.full()) writer_.Reserve(PendingBytes(), asked_);
  SyncIfDue();
  StopIfDone();
}

void GroupCommit::WriteIfPossible() {
  if (pending_.empty() || writer_.busy() || write_failing_) return;
  // The sync under way must end before the next can begin; so that each of the syncs to come takes
  // as much with it as it can, the write waits, too.
  if (WantsDisk() && syncing_) return;
  if (writer_.WantsNextSegment() && clock_.MonotonicUs() >= segment_retry_us_) {
    NextSegment();
    return;
  }
  if (pending_.size() + kWalFrameBytes > writer_.RoomBytes()) return;  // Reserve is at it
  WritePending(WantsDisk() && !syncing_ && writer_.OnlyNewestUnsynced());
}

void GroupCommit::WritePending(bool and_sync) {
  if (synced_ > marked_) {
    AppendWalMark(pending_, salt_, synced_);
    marked_ = synced_;
  }
  batch_bytes_ = pending_.size();
  batch_memory_ = pending_.capacity();
  batch_last_ = appended_;
  std::string batch = std::exchange(pending_, std::move(spare_));
  spare_ = std::string();
  if (and_sync) {
    syncing_ = true;
    sync_began_us_ = clock_.MonotonicUs();
  }
  writer_.Write(std::move(batch), and_sync ? DiskFile::Then::kSync : DiskFile::Then::kNothing,
                [this, and_sync](Result<void> result, std::string bytes) {
                  Written(std::move(result), std::move(bytes), and_sync);
                });
}

void GroupCommit::Written(Result<void> result, std::string bytes, bool and_sync) {
  if (and_sync) syncing_ = false;
  if (!result) {
    if (result.error().code == Code::kSyncFailed) return Fail(std::move(result).error());
    // Nobody was told yet that these records are anywhere. They are written again, to the same
    // place, when the disk takes them; until then no others are accepted.
    failed_ = std::move(bytes);
    write_failing_ = true;
    Refuse(std::move(result).error().message);
    StopIfDone();
    return events_.changed();
  }
  write_failing_ = false;
  written_ = batch_last_;
  batch_bytes_ = 0;
  batch_memory_ = 0;
  if (and_sync) synced_ = written_;
  if (bytes.capacity() <= kKeepBytesMax) {
    bytes.clear();
    spare_ = std::move(bytes);
  }
  if (!writer_.full()) Accept();
  Advance();
  events_.changed();
}

void GroupCommit::NextSegment() {
  writer_.NextSegment(written_ + 1, synced_, appended_time_, pending_.size(),
                      [this](const Result<void>& result) {
                        // Else the segment goes on for a while, as far as there is space.
                        if (!result) {
                          segment_retry_us_ = clock_.MonotonicUs() + kSecondUs;
                          Log(LogLevel::kWarning, "The log cannot begin its next segment: {}",
                              result.error().message);
                        }
                        Advance();
                        events_.changed();
                      });
}

void GroupCommit::SyncIfDue() {
  if (syncing_ || dead_) return;
  // While a segment but the newest is not durable, no other can be begun.
  const bool older = !writer_.OnlyNewestUnsynced();
  if (written_ == synced_ && !older) return;
  if (older || WantsDisk() || stopped_) return BeginSync();
  if (options_.policy == SyncPolicy::kNever) return;
  const int64_t left_us = sync_began_us_ + kSecondUs - clock_.MonotonicUs();
  if (left_us <= 0) return BeginSync();
  sync_timer_->Start((left_us + 999) / 1000);
}

void GroupCommit::BeginSync() {
  syncing_ = true;
  sync_began_us_ = clock_.MonotonicUs();
  writer_.Sync([this, up_to = written_](Result<void> result) { Synced(std::move(result), up_to); });
}

void GroupCommit::Synced(Result<void> result, uint64_t up_to) {
  syncing_ = false;
  if (!result) return Fail(std::move(result).error());
  synced_ = std::max(synced_, up_to);
  Advance();
  events_.changed();
}

void GroupCommit::Fail(Error error) {
  dead_ = true;
  sync_timer_->Stop();
  retry_timer_->Stop();
  error.message +=
      ". What was written since the last sync may be lost, and nothing can tell; no reply that "
      "waits for it is sent";
  if (stopped_) Stopped(tl::unexpected(error));
  events_.failed(error);
}

// When the disk refuses

void GroupCommit::NoteRoom() {
  if (writer_.full())
    Refuse(writer_.full_reason());
  else if (!write_failing_)
    Accept();
  NoteAsked();
  Advance();
  events_.changed();
}

/// Whoever waits for space can go on, or is to be refused.
void GroupCommit::NoteAsked() {
  if (asked_ == 0) return;
  if (const uint64_t denied = writer_.denied(); denied != 0) {
    denied_ = denied;
    denied_until_us_ = clock_.MonotonicUs() + kSecondUs;
  } else if (refusal_.empty() && !HasRoom(asked_ - kFramesBytes)) {
    return;  // it was asked for while less was being reserved
  }
  asked_ = 0;
}

void GroupCommit::Refuse(std::string reason) {
  if (refusal_.empty()) Log(LogLevel::kWarning, "Writes are refused: {}", reason);
  refusal_ = std::move(reason);
  retry_timer_->Start(kRetryMs);
}

void GroupCommit::Accept() {
  if (refusal_.empty()) return;
  Log(LogLevel::kNotice, "Writes are accepted again");
  refusal_.clear();
  retry_timer_->Stop();
}

void GroupCommit::Retry() {
  if (dead_ || refusal_.empty()) return;
  retry_timer_->Start(kRetryMs);
  if (write_failing_ && !failed_.empty() && !writer_.busy()) {
    writer_.Write(std::exchange(failed_, std::string()), DiskFile::Then::kNothing,
                  [this](Result<void> result, std::string bytes) {
                    Written(std::move(result), std::move(bytes), false);
                  });
  }
  writer_.Reserve(PendingBytes());
}

bool GroupCommit::CanAccept(uint64_t bytes) const {
  if (refusal_.empty()) [[likely]]
    return true;
  return !write_failing_ && HasRoom(bytes);
}

bool GroupCommit::HasRoom(uint64_t bytes, bool kept) const {
  const uint64_t spare = kept ? options_.log.reserve_bytes / 4 : 0;
  return PendingBytes() + bytes + kFramesBytes + spare <= writer_.RoomBytes();
}

LogRoom GroupCommit::MakeRoom(uint64_t bytes) {
  if (dead_) return LogRoom::kYes;  // no reply leaves any more
  if (write_failing_) return LogRoom::kNo;
  if (HasRoom(bytes)) return LogRoom::kYes;
  if (!refusal_.empty()) return LogRoom::kNo;
  const uint64_t record = bytes + kFramesBytes;
  if (record >= denied_ && clock_.MonotonicUs() < denied_until_us_) return LogRoom::kNo;
  asked_ = std::max(asked_, record);
  return LogRoom::kLater;
}

const std::string& GroupCommit::denied_reason() const {
  return refusal_.empty() ? writer_.denied_reason() : refusal_;
}

bool GroupCommit::Congested() const {
  // While writes are refused no more gathers, and reads go on.
  if (!refusal_.empty()) return false;
  const uint64_t waiting = PendingBytes();
  return waiting > options_.pending_bytes_max || waiting > writer_.RoomBytes();
}

// The end

void GroupCommit::Stop(std::function<void(Result<void> result)> done) {
  CHECK(!stopped_);
  stopped_ = std::move(done);
  // The callback must not come from within this call.
  sync_timer_->Start(0);
}

void GroupCommit::StopIfDone() {
  if (!stopped_ || dead_ || writer_.busy() || syncing_) return;
  if (write_failing_ || (!pending_.empty() && writer_.full())) {
    return Stopped(cloakroom::Fail(Code::kNoSpace, "{}", refusal_));
  }
  if (!pending_.empty() || written_ != synced_) return;
  if (marked_ < synced_ && writer_.RoomBytes() >= kWalFrameBytes) {
    // So that damage to the last records is known for what it is.
    WritePending(true);
    return;
  }
  Stopped({});
}

void GroupCommit::Stopped(Result<void> result) {
  dead_ = true;
  std::exchange(stopped_, nullptr)(std::move(result));
}

void GroupCommit::set_policy(SyncPolicy policy) {
  // Replies wait for these to be at kDisk: under another policy perhaps nothing would take them.
  if (options_.policy == SyncPolicy::kAlways) disk_wanted_ = appended_;
  options_.policy = policy;
  SyncIfDue();
}

std::optional<int64_t> GroupCommit::SyncingSinceUs() const {
  return syncing_ ? std::optional(sync_began_us_) : std::nullopt;
}

}  // namespace cloakroom
