#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "redis_compat/migrate/migration_target.h"
#include "redis_compat/migrate/redis_follower.h"
#include "store/base/result.h"
#include "store/env/clock.h"
#include "store/env/network.h"
#include "store/env/scheduler.h"

namespace cloakroom {

/// Follows a Redis over the network: connects, and connects again a second after whatever went
/// wrong, until it is stopped or has stopped for good. What comes is executed in Turn alone, which
/// its owner calls in each turn between Shard::BeginTurn and Shard::EndTurn.
class FollowerLink final : private StreamEvents {
 public:
  struct Options {
    PeerAddress primary;
    RedisFollower::Options follower;
  };
  struct Events {
    /// It follows the stream now, or no more. Called from Turn.
    std::function<void(bool up)> changed = [](bool) {};
    /// It has stopped for good: the primary holds or sends what cannot be taken over. Called at the
    /// end of Turn; the link may be destroyed only later.
    std::function<void(const std::string& reason)> stopped = [](const std::string&) {};
  };

  FollowerLink(Clock& clock, Scheduler& scheduler, Network& network, MigrationTarget& target,
               Options options, Events events);
  ~FollowerLink() override;
  FollowerLink(const FollowerLink&) = delete;
  FollowerLink& operator=(const FollowerLink&) = delete;

  void Start();
  /// Ends the connection. A full sync under way is given up: the state is empty then.
  void Stop();

  /// Executes what has come, for at most about kSliceUs. Returns whether there is more.
  bool Turn();
  static constexpr int64_t kSliceUs = 2000;

  /// For the connections to come.
  void SetPrimaryAuth(std::string user, std::string password) {
    follower_.SetAuth(std::move(user), std::move(password));
  }

  /// For INFO replication.
  struct Status {
    bool up = false;                     // master_link_status
    bool connecting = false;             // no connection yet
    bool syncing = false;                // master_sync_in_progress
    bool stopped = false;                // for good
    int64_t heard_s = -1;                // master_last_io_seconds_ago; -1: not connected
    int64_t down_s = 0;                  // master_link_down_since_seconds, while it is down
    uint64_t offset = 0;                 // slave_repl_offset
    uint64_t read_offset = 0;            // slave_read_repl_offset
    std::optional<uint64_t> sync_bytes;  // master_sync_total_bytes, when the primary said it
    uint64_t sync_read_bytes = 0;        // master_sync_read_bytes
    uint64_t full_syncs = 0;
    uint64_t partial_syncs = 0;
    std::string replication_id;  // of the primary's history; empty: nothing was read of it
    std::string error;           // why it is down; empty when it is up

    [[nodiscard]] uint64_t sync_left_bytes() const {
      return sync_bytes ? *sync_bytes - sync_read_bytes : 0;
    }
    [[nodiscard]] double sync_percent() const {
      return sync_bytes
                 ? 100.0 * static_cast<double>(sync_read_bytes) / static_cast<double>(*sync_bytes)
                 : 0;
    }
  };
  [[nodiscard]] Status status() const;
  [[nodiscard]] const PeerAddress& primary() const { return options_.primary; }

 private:
  [[nodiscard]] std::span<char> ReadSpace() override;
  void Received(size_t size_bytes) override;
  void Ended() override { Gone("the primary closed the connection"); }
  void Broken() override { Gone("the connection to the primary broke"); }
  void Written() override;

  void Connect();
  void Connected(Result<StreamPtr> stream);
  void Gone(std::string reason);
  [[nodiscard]] Result<void> Work(int64_t began_us, bool& more);
  [[nodiscard]] Result<void> TickIfDue(TimeMs now);
  void Lose(const Error& error);
  void Close();
  void Flush();
  void TellChange();
  [[nodiscard]] TimeMs NowMs() const { return clock_.MonotonicUs() / 1000; }
  [[nodiscard]] size_t Unread() const { return end_ - begin_; }

  Clock& clock_;
  Scheduler& scheduler_;
  Network& network_;
  MigrationTarget& target_;
  const Options options_;
  const Events events_;
  RedisFollower follower_;
  std::unique_ptr<Timer> timer_;  // ticks; and begins to connect

  bool started_ = false;
  bool up_ = false;
  ConnectingPtr connecting_;
  TimeMs connecting_since_ms_ = 0;
  StreamPtr stream_;
  std::string gone_;    // why the stream is of no use; empty: it is
  bool heard_ = false;  // something came since the last turn
  bool reading_ = false;
  bool starved_ = false;  // nothing can be done before more comes
  bool writing_ = false;
  bool tick_due_ = false;
  TimeMs down_since_ms_ = 0;
  std::string error_;

  // What came and is not done with: input_[begin_, end_).
  std::unique_ptr<char[]> input_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace cloakroom
