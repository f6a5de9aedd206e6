#include "store/node/replica_link.h"

#include <fmt/format.h>

#include <utility>

#include "store/base/log.h"

namespace cloakroom {
namespace {

constexpr size_t kWaitingMax = size_t{4} << 20;  // then no more is read before it is worked on
constexpr size_t kStepBytes = size_t{64} << 10;  // between two looks at the clock
constexpr int64_t kAckEachUs = 1'000'000;        // though nothing has changed

}  // namespace

ReplicaLink::ReplicaLink(const Env& env, ReplicaTarget& target, PeerAddress primary,
                         const Options& options, std::function<void()> wake)
    : env_(env),
      target_(target),
      primary_(std::move(primary)),
      options_(options),
      wake_(std::move(wake)),
      retry_timer_(env.scheduler.MakeTimer([this] { Connect(); })),
      down_since_us_(env.clock.MonotonicUs()),
      level_us_(down_since_us_) {
  Connect();
}
ReplicaLink::~ReplicaLink() = default;

void ReplicaLink::Connect() {
  heard_us_ = env_.clock.MonotonicUs();
  Log(LogLevel::kNotice, "Connecting to the primary {}:{}", primary_.host, primary_.port);
  connecting_ = env_.network.Connect(
      primary_, [this](Result<StreamPtr> stream) { Connected(std::move(stream)); });
}

void ReplicaLink::Connected(Result<StreamPtr> stream) {
  heard_us_ = env_.clock.MonotonicUs();
  if (!stream) return Lose(stream.error().message);
  stream_ = *std::move(stream);
  stream_->SetEvents(this);
  session_ = std::make_unique<ReplicaSession>(target_, options_.auth, out_);
  told_ = {};
  told_us_ = heard_us_;
  stream_->StartReading();
  wake_();
}

std::span<char> ReplicaLink::ReadSpace() {
  if (session_ == nullptr || session_->waiting_bytes() > kWaitingMax) return {};
  return space_;
}

void ReplicaLink::Received(size_t size_bytes) {
  heard_us_ = env_.clock.MonotonicUs();
  session_->Receive({space_.data(), size_bytes});
  wake_();
}

void ReplicaLink::Lose(std::string reason) {
  if (!lost_) lost_ = std::move(reason);
  wake_();
}

void ReplicaLink::Disconnect(std::string reason) {
  Lose(std::move(reason));
  Drop();
}

/// What came before the end is worth having.
bool ReplicaLink::Step(int64_t slice_us) {
  const int64_t until_us = env_.clock.MonotonicUs() + slice_us;
  const bool was_online = online();
  bool more = session_ != nullptr;
  while (more && env_.clock.MonotonicUs() < until_us) {
    const Result<bool> stepped = session_->Step(kStepBytes, out_);
    more = stepped.has_value() && *stepped;
    if (!stepped) lost_ = stepped.error().message;
  }
  if (online()) {
    if (!was_online) Log(LogLevel::kNotice, "In step with the primary's records");
    if (target_.newest().sequence >= session_->primary_newest()) level_us_ = heard_us_;
  }
  if (more) return true;
  if (lost_) {
    Drop();
    return false;
  }
  Send();
  return false;
}

void ReplicaLink::Drop() {
  last_error_ = *std::exchange(lost_, std::nullopt);
  if (session_ != nullptr) {
    if (online()) down_since_us_ = env_.clock.MonotonicUs();
    found_redis_ = session_->is_redis();
  }
  Log(LogLevel::kWarning, "The link to the primary {}:{} is down: {}", primary_.host, primary_.port,
      last_error_);
  connecting_.reset();
  stream_.reset();
  session_.reset();
  out_.clear();
  if (!found_redis_) retry_timer_->Start(options_.retry_ms);
}

void ReplicaLink::Send() {
  if (stream_ == nullptr || out_.empty() || stream_->Unwritten() > 0) return;
  const size_t sent = stream_->TryWrite(out_);
  if (sent < out_.size())
    stream_->Write(std::exchange(out_, {}), sent);
  else
    out_.clear();
}

/// Until records come we have nothing to acknowledge but that we are there: an image may take
/// longer than the primary puts up with silence.
void ReplicaLink::Acknowledge(const Ack& newest) {
  if (session_ == nullptr || session_->state() < ReplicaSession::State::kWelcome) return;
  const Ack ack = online() ? newest : Ack();
  const int64_t now_us = env_.clock.MonotonicUs();
  const bool news = ack.applied != told_.applied || ack.disk != told_.disk;
  if (!news && now_us - told_us_ < kAckEachUs) return;
  told_ = ack;
  told_us_ = now_us;
  AppendAck(out_, ack);
  Send();
}

void ReplicaLink::Housekeep() {
  const bool waits = connecting_ != nullptr || stream_ != nullptr;
  if (!waits || lost_) return;
  const int64_t silent_ms = (env_.clock.MonotonicUs() - heard_us_) / 1000;
  if (silent_ms > options_.timeout_ms)
    Lose(fmt::format("nothing was heard for {} ms (repl-timeout)", silent_ms));
}

}  // namespace cloakroom
