#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/env/network.h"
#include "store/env/scheduler.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// What a simulated network did to those who speak over it.
struct SimClusterCounts {
  uint64_t connects = 0;
  uint64_t refused = 0;  // connects that were
  uint64_t cuts = 0;     // connections that broke, with a part of what was under way
  uint64_t halves = 0;   // of which one side was not told
  uint64_t full = 0;     // writes that the kernel did not take whole
  uint64_t held = 0;     // bytes that a blocked direction has held back
};

/// Several machines in one process: a network with kernel buffers, delays and faults, and for each
/// machine its clock and its loop. Time passes when it is told to, at the same pace everywhere; all
/// that happens, happens in Poll of a machine, in an order that the seed decides.
class SimCluster {
 public:
  class Machine;

  /// `buffer_bytes`: what may be under way in each direction of a connection.
  SimCluster(uint64_t seed, size_t machines, size_t buffer_bytes);
  ~SimCluster();
  SimCluster(const SimCluster&) = delete;
  SimCluster& operator=(const SimCluster&) = delete;

  [[nodiscard]] size_t size() const { return machines_.size(); }
  [[nodiscard]] Machine& machine(size_t i) { return *machines_[i]; }
  [[nodiscard]] static PeerAddress AddressOf(size_t i);

  /// Time passes on all machines.
  void Advance(TimeMs span_ms);
  [[nodiscard]] int64_t now_us() const { return now_us_; }

  /// One direction between two machines.
  struct Direction {
    int64_t delay_us = 200;
    bool blocked = false;  // what is sent waits, as if it were sent again and again
  };
  [[nodiscard]] Direction& direction(size_t from, size_t to) {
    return directions_[from * size() + to];
  }

  /// A connection breaks: of what is under way a part arrives that may end anywhere. With `half`
  /// one side hears nothing of it. False: there is none.
  bool CutAny(bool half);
  void Heal();

  /// Sums up all that has happened, in its order.
  void Note(uint64_t value) { hash_ = (hash_ ^ value) * 0x9E3779B97F4A7C15U + (hash_ >> 29); }
  [[nodiscard]] uint64_t hash() const { return hash_; }
  [[nodiscard]] const SimClusterCounts& counts() const { return counts_; }

 private:
  class SimStream;
  struct Connection;
  void Close(Connection& connection, size_t side);
  [[nodiscard]] size_t Put(Connection& connection, size_t side, std::string_view bytes);
  void Tear(Connection& connection, size_t side, bool told);
  std::shared_ptr<Connection> Establish(size_t from, size_t to);

  SeededRandom random_;
  const size_t buffer_bytes_;
  int64_t now_us_ = 0;
  uint64_t hash_ = 1;
  uint64_t next_id_ = 1;
  SimClusterCounts counts_;
  std::vector<Direction> directions_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

/// One machine: what a process on it is given.
class SimCluster::Machine final : public Network, public Scheduler {
 public:
  Machine(SimCluster& cluster, size_t index) : cluster_(cluster), index_(index) {}
  ~Machine() override = default;

  ManualClock clock;
  bool stopped = false;   // the process gets no time; its kernel works on
  bool off = false;       // the machine does: who connects hears nothing
  bool refuses = false;   // connections
  bool vanishes = false;  // while it is set, who closes a connection tells nobody

  /// One pass of the loop: due timers, connections, reads, writes, then the turn.
  void Poll();

  // Network
  [[nodiscard]] Result<ListenerPtr> Listen(const ListenAddress& address,
                                           std::function<void(StreamPtr stream)> accepted) override;
  [[nodiscard]] ConnectingPtr Connect(const PeerAddress& peer,
                                      std::function<void(Result<StreamPtr>)> done) override;
  // Scheduler
  [[nodiscard]] std::unique_ptr<Timer> MakeTimer(std::function<void()> fire) override;
  void SetTurn(std::function<bool()> turn) override { turn_ = std::move(turn); }
  void RequestTurn() override {}  // each pass has one
  void SetPollPause(uint32_t /*pause_us*/) override {}

 private:
  friend class SimCluster;
  class SimListener;
  class SimConnecting;
  class SimTimer;
  void FireTimers();
  void TryConnects();
  void Accept();

  SimCluster& cluster_;
  const size_t index_;
  uint64_t next_timer_ = 1;
  std::function<bool()> turn_;
  std::vector<SimTimer*> timers_;
  std::vector<SimConnecting*> connecting_;
  SimListener* listener_ = nullptr;
  std::deque<StreamPtr> accepted_;  // by the kernel, and not by the process yet
};

}  // namespace cloakroom
