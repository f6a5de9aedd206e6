#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "store/env/clock.h"
#include "store/env/network.h"
#include "store/env/scheduler.h"
#include "store/replication/replica_session.h"

namespace cloakroom {

/// A replica's connection to its primary, made anew whenever it ends. It does nothing by itself but
/// connect and receive: the turn works on what came.
class ReplicaLink final : public StreamEvents {
 public:
  struct Options {
    ReplicaSession::Options auth;
    TimeMs timeout_ms = 60'000;  // of silence
    TimeMs retry_ms = 1000;      // after a connection has ended
  };
  struct Env {
    Clock& clock;
    Scheduler& scheduler;
    Network& network;
  };

  /// `wake` is called when Step has work.
  ReplicaLink(const Env& env, ReplicaTarget& target, PeerAddress primary, const Options& options,
              std::function<void()> wake);
  ~ReplicaLink() override;
  ReplicaLink(const ReplicaLink&) = delete;
  ReplicaLink& operator=(const ReplicaLink&) = delete;

  /// Works for about `slice_us` on what came. True: there is more.
  bool Step(int64_t slice_us);
  /// Says how far we have come, if the primary does not know yet.
  void Acknowledge(const Ack& newest);
  /// Ends the connection, with what has come of an image; it is made anew after a while.
  void Disconnect(std::string reason);
  /// Looks at the time; to be called some ten times a second.
  void Housekeep();

  [[nodiscard]] const PeerAddress& primary() const { return primary_; }
  void set_options(const Options& options) { options_ = options; }
  /// nullptr: there is no connection.
  [[nodiscard]] const ReplicaSession* session() const { return session_.get(); }
  [[nodiscard]] bool connecting() const { return connecting_ != nullptr; }
  /// Records come.
  [[nodiscard]] bool online() const {
    return session_ != nullptr && session_->state() == ReplicaSession::State::kRecords;
  }
  /// Since when the link has been down, by the monotonic clock.
  [[nodiscard]] int64_t down_since_us() const { return down_since_us_; }
  [[nodiscard]] int64_t heard_us() const { return heard_us_; }
  /// When we last heard of the primary and had all that it has: so much a read may be behind.
  [[nodiscard]] int64_t level_us() const { return level_us_; }
  /// Why the last connection ended.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  /// The peer turned out to be a Redis.
  [[nodiscard]] bool found_redis() const { return found_redis_; }

  // StreamEvents
  [[nodiscard]] std::span<char> ReadSpace() override;
  void Received(size_t size_bytes) override;
  void Ended() override { Lose("the primary closed the connection"); }
  void Broken() override { Lose("the connection broke"); }
  void Written() override { wake_(); }

 private:
  void Connect();
  void Connected(Result<StreamPtr> stream);
  void Lose(std::string reason);
  void Drop();
  void Send();

  Env env_;
  ReplicaTarget& target_;
  PeerAddress primary_;
  Options options_;
  std::function<void()> wake_;
  std::unique_ptr<Timer> retry_timer_;
  ConnectingPtr connecting_;
  StreamPtr stream_;
  std::unique_ptr<ReplicaSession> session_;
  std::string out_;
  std::optional<std::string> lost_;  // why, until the turn has seen it
  Ack told_;
  int64_t heard_us_ = 0;
  int64_t told_us_ = 0;
  int64_t down_since_us_ = 0;
  int64_t level_us_ = 0;
  std::string last_error_;
  bool found_redis_ = false;
  std::array<char, size_t{64} << 10> space_{};
};

}  // namespace cloakroom
