#include "redis_compat/migrate/follower_link.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"

namespace cloakroom {
namespace {

constexpr size_t kInputBytes = size_t{1} << 20;
constexpr size_t kReadBytesMin = size_t{64} << 10;
constexpr TimeMs kTickMs = 1000;
constexpr TimeMs kRetryMs = 1000;
constexpr size_t kRepliesMax = size_t{1} << 20;  // that the primary does not read
constexpr int kKeepAliveSeconds = 60;

}  // namespace

FollowerLink::FollowerLink(Clock& clock, Scheduler& scheduler, Network& network,
                           MigrationTarget& target, Options options, Events events)
    : clock_(clock),
      scheduler_(scheduler),
      network_(network),
      target_(target),
      options_(std::move(options)),
      events_(std::move(events)),
      follower_(options_.follower, target),
      timer_(scheduler.MakeTimer([this] {
        tick_due_ = true;
        scheduler_.RequestTurn();
      })),
      down_since_ms_(NowMs()) {}

FollowerLink::~FollowerLink() { Stop(); }

void FollowerLink::Start() {
  CHECK(!started_);
  started_ = true;
  Connect();
}

void FollowerLink::Stop() {
  if (!std::exchange(started_, false)) return;
  timer_->Stop();
  Close();
  up_ = false;
}

void FollowerLink::Connect() {
  Log(LogLevel::kNotice, "Connecting to the primary {}:{}", options_.primary.host,
      options_.primary.port);
  connecting_since_ms_ = NowMs();
  timer_->Start(kTickMs);
  connecting_ = network_.Connect(options_.primary, [this](Result<StreamPtr> stream) {
    connecting_.reset();
    Connected(std::move(stream));
  });
}

void FollowerLink::Connected(Result<StreamPtr> stream) {
  scheduler_.RequestTurn();
  if (!stream) return Lose(stream.error());
  stream_ = *std::move(stream);
  stream_->SetEvents(this);
  stream_->SetKeepAlive(kKeepAliveSeconds);
  gone_.clear();
  heard_ = writing_ = starved_ = false;
  begin_ = end_ = 0;
  follower_.Connected(NowMs());
  reading_ = true;
  stream_->StartReading();
}

// Bytes

std::span<char> FollowerLink::ReadSpace() {
  if (input_ == nullptr) {
    capacity_ = kInputBytes;
    input_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < kReadBytesMin && begin_ > 0) {
    std::memmove(input_.get(), input_.get() + begin_, Unread());
    end_ = Unread();
    begin_ = 0;
  }
  // One command may be larger than all there is room for.
  if (capacity_ == end_ && starved_) {
    capacity_ = std::max(2 * capacity_, std::min(follower_.BytesNeeded(), 8 * capacity_));
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    std::memcpy(larger.get(), input_.get(), end_);
    input_ = std::move(larger);
  }
  return {input_.get() + end_, capacity_ - end_};
}

void FollowerLink::Received(size_t size_bytes) {
  end_ += size_bytes;
  heard_ = true;
  starved_ = false;
  scheduler_.RequestTurn();
}

void FollowerLink::Gone(std::string reason) {
  gone_ = std::move(reason);
  scheduler_.RequestTurn();
}

void FollowerLink::Written() {
  writing_ = false;
  scheduler_.RequestTurn();
}

void FollowerLink::Flush() {
  if (stream_ == nullptr || writing_ || follower_.output().empty()) return;
  std::string& output = follower_.output();
  const size_t taken = stream_->TryWrite(output);
  if (taken == output.size()) {
    output.clear();
    return;
  }
  writing_ = true;
  stream_->Write(std::exchange(output, std::string()), taken);
}

// A turn

bool FollowerLink::Turn() {
  if (!started_) return false;
  const int64_t began_us = clock_.MonotonicUs();
  bool more = false;
  Result<void> fine;
  if (stream_ != nullptr) {
    if (std::exchange(heard_, false)) follower_.Heard(began_us / 1000);
    fine = Work(began_us, more);
    if (fine && !gone_.empty() && (!more || !target_.Ready()))
      fine = Fail(Code::kUnavailable, "{}", gone_);
  }
  if (fine) fine = TickIfDue(began_us / 1000);
  if (!fine) {
    Lose(fine.error());
    return false;
  }
  Flush();
  TellChange();
  return more;
}

/// Sets `more` when there is something left that could be done at once.
Result<void> FollowerLink::Work(int64_t began_us, bool& more) {
  const TimeMs now = began_us / 1000;
  const bool ready = target_.Ready();
  // What is not taken waits with the primary; for that it is not to blame.
  if (!ready) follower_.Heard(now);
  if (gone_.empty() && ready != reading_) {
    reading_ = ready;
    ready ? stream_->StartReading() : stream_->StopReading();
  }
  if (!ready) return {};
  while (!starved_ && Unread() > 0) {
    const std::string_view input(input_.get() + begin_, Unread());
    TRY(const size_t used, follower_.Feed(input, now, starved_));
    begin_ += used;
    if (clock_.MonotonicUs() - began_us >= kSliceUs) break;
  }
  if (Unread() == 0 && capacity_ > kInputBytes) {  // one huge command's room is not kept
    input_.reset();
    capacity_ = begin_ = end_ = 0;
  }
  more = !starved_ && Unread() > 0 && target_.Ready();
  if (!more) follower_.CaughtUp(now);
  return {};
}

Result<void> FollowerLink::TickIfDue(TimeMs now) {
  if (!std::exchange(tick_due_, false)) return {};
  timer_->Start(kTickMs);
  if (stream_ != nullptr) {
    if (writing_ && follower_.output().size() > kRepliesMax)
      return Fail(Code::kUnavailable, "the primary does not read what it is told");
    return follower_.Tick(now);
  }
  if (connecting_ == nullptr) {
    Connect();
  } else if (now - connecting_since_ms_ > options_.follower.timeout_ms) {
    return Fail(Code::kUnavailable, "no connection within {} s",
                options_.follower.timeout_ms / 1000);
  }
  return {};
}

void FollowerLink::Lose(const Error& error) {
  error_ = error.message;
  Close();
  TellChange();
  if (follower_.state() != RedisFollower::State::kStopped) {
    Log(LogLevel::kWarning, "The primary {}:{} is not followed: {}; trying again",
        options_.primary.host, options_.primary.port, error.message);
    timer_->Start(kRetryMs);
    return;
  }
  Log(LogLevel::kWarning, "The primary {}:{} is followed no more: {}", options_.primary.host,
      options_.primary.port, error.message);
  started_ = false;
  timer_->Stop();
  events_.stopped(error_);
}

void FollowerLink::Close() {
  connecting_.reset();
  stream_.reset();
  follower_.Disconnected();
  input_.reset();
  capacity_ = begin_ = end_ = 0;
  tick_due_ = false;
  scheduler_.RequestTurn();
}

void FollowerLink::TellChange() {
  const bool up = follower_.state() == RedisFollower::State::kStream;
  if (up == up_) return;
  up_ = up;
  if (up)
    error_.clear();
  else
    down_since_ms_ = NowMs();
  events_.changed(up);
}

FollowerLink::Status FollowerLink::status() const {
  using State = RedisFollower::State;
  const State state = follower_.state();
  Status status;
  status.up = state == State::kStream;
  status.connecting = stream_ == nullptr;
  status.syncing = state == State::kWaiting || state == State::kDump;
  status.stopped = state == State::kStopped;
  status.error = error_;
  if (stream_ != nullptr) status.heard_s = (NowMs() - follower_.heard_ms()) / 1000;
  if (!status.up) status.down_s = (NowMs() - down_since_ms_) / 1000;
  status.offset = follower_.offset();
  status.read_offset = status.offset + (status.up ? Unread() : 0);
  status.replication_id = follower_.replication_id();
  status.full_syncs = follower_.counters().full_syncs;
  status.partial_syncs = follower_.counters().partial_syncs;
  if (const SyncPayload* const payload = follower_.payload(); payload != nullptr) {
    status.sync_bytes = payload->frame().size;
    status.sync_read_bytes = payload->read_bytes();
  }
  return status;
}

}  // namespace cloakroom
