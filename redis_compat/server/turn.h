#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/server/client_memory.h"
#include "redis_compat/server/connection.h"
#include "redis_compat/server/connection_list.h"
#include "redis_compat/server/loop_meter.h"
#include "redis_compat/server/output_buffer.h"
#include "redis_compat/server/read_arena.h"
#include "redis_compat/server/settings.h"
#include "store/env/scheduler.h"

namespace cloakroom {

/// Executes what came in. Between two turns the connections only fill; then a turn takes requests
/// of all of them, in groups: it parses and hashes a group, prefetches its entries, executes it.
/// At its end each connection is written once.
///
/// Nobody waits long behind a deep pipeline: a connection whose requests just came goes first, but
/// for at most kQuantum of them; what is left over is executed in rounds of one group. One pick in
/// four is a left-over one, so that these do not starve either. While more than one connection is
/// served, each has a share of the turn's time, however heavy its requests are; and before the
/// left-overs begin, the others get their replies. So whoever asks now and then waits for about one
/// share of a left-over one.
class Turn final : public ConnectionEvents {
 public:
  static constexpr uint32_t kGroup = 32;          // requests whose cache misses overlap
  static constexpr uint32_t kQuantum = 128;       // of one connection before it is left over
  static constexpr uint32_t kRequestsMax = 1024;  // then no more left-overs this turn
  static constexpr int64_t kLastingUs = 500;      // then no more of anything
  static constexpr int64_t kFreshUs = 200;        // of one connection that goes first
  static constexpr int64_t kLeftOverUs = 50;      // and of one with left-overs,
  static constexpr int64_t kAloneUs = 1'000'000;  // unless no other came for so long
  /// Who sends so much at once has no use for being first.
  static constexpr size_t kDeepBytes = size_t{32} << 10;

  /// Once this much was written for a connection in a turn, it is flushed before it goes on.
  static constexpr size_t kOutputEnough = size_t{1} << 20;
  /// A client that does not read its replies is not served further beyond this much, if its limits
  /// do not end it before; or beyond kOutputEnough once all together have kOutputTotalMax.
  static constexpr size_t kOutputMax = size_t{64} << 20;
  static constexpr size_t kOutputTotalMax = size_t{256} << 20;

  struct Counters {
    uint64_t reads = 0;
    uint64_t writes = 0;
    uint64_t net_input_bytes = 0;
    uint64_t net_output_bytes = 0;
    uint64_t query_buffer_limit_disconnections = 0;
    uint64_t output_buffer_limit_disconnections = 0;
    uint64_t evicted_clients = 0;
  };

  /// `settings` is read anew in every turn. `bury` takes a connection that has gone, to destroy it.
  Turn(Dispatcher& dispatcher, LoopMeter& meter, Scheduler& scheduler, const ServerControl& control,
       const Settings& settings, std::function<void(Connection&)> bury);

  /// Executes, writes and buries. Returns whether there is more to do at once.
  bool Run();
  /// How many requests the last Run executed.
  [[nodiscard]] uint32_t executed() const { return executed_; }

  /// `adopt` takes the stream of a connection that has become a replica's, with what was read of it
  /// and not executed. It is called from the turn.
  void OnReplica(std::function<void(StreamPtr stream, std::string_view received)> adopt) {
    adopt_ = std::move(adopt);
  }

  /// From now on nothing is executed, only written.
  void StopExecuting() { stopped_ = true; }

  /// Drops a connection with all it has: at the end of this turn, or of the next.
  void Doom(Connection& connection);
  /// Lets the output leave, then drops the connection.
  void CloseAfterReply(Connection& connection);
  /// Something was added to its output, by others than its own requests.
  void NeedsFlush(Connection& connection);
  /// Sends a message to a client whose command is not running; over its limit, that ends it.
  void Push(Connection& connection, std::string_view message);
  /// Something was pushed since the last Run flushed: the next should come at once.
  [[nodiscard]] bool pushed_late() const { return pushed_late_; }
  /// After CLIENT PAUSE has ended: those who waited go on.
  void ResumePaused();
  /// Ends it when its unsent output is over the limit. Returns whether it did.
  bool CheckOutputLimit(Connection& connection);

  [[nodiscard]] Counters& counters() { return counters_; }
  /// Memory of the buffers that connections use in turns.
  [[nodiscard]] size_t SharedBufferBytes() const { return arena_.bytes() + pool_.bytes(); }
  [[nodiscard]] ClientMemory& client_memory() { return client_memory_; }
  /// What the process has allocated outside the tables, clients included: from here on the turn
  /// keeps that in step with what clients hold.
  void SetOutsideBytes(size_t bytes);
  /// Connections whose next command waits for the end of a pause. O(that many).
  [[nodiscard]] size_t PausedCount() const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] StringPool& pool() { return pool_; }

  // ConnectionEvents
  [[nodiscard]] ReadArena& arena() override {
    meter_.Wake();  // it is asked for before each read
    return arena_;
  }
  void Readable(Connection& connection, size_t new_bytes) override;
  void Drained(Connection& connection) override;
  void Lost(Connection& connection) override { Doom(connection); }

 private:
  using Place = Connection::Place;

  // Below this no output limit is looked at: it is what the kernel takes at once anyway.
  static constexpr size_t kOutputUnchecked = size_t{16} << 10;

  /// A request of the group, or the end of a connection whose bytes made no sense.
  struct Item {
    Connection* connection;
    size_t first_word;
    size_t words;
    size_t bytes;  // of the input
    bool malformed;
    Dispatcher::Prepared prepared;
  };

  void MoveTo(Connection& connection, Place place, bool front = false);
  [[nodiscard]] ConnectionList& In(Place place) { return places_[static_cast<size_t>(place)]; }

  void EndDue();
  [[nodiscard]] Connection* Pick();
  void FillGroup();
  void Parse(Connection& connection);
  void ExecuteGroup();
  void Execute(const Item& item);
  void ResumeWaiting();
  [[nodiscard]] bool AnyWaitsForMemory();
  void EndMalformed(Connection& connection);
  void AfterGroup();
  void NoteServed(Connection& connection, bool fresh);
  void FlushIdle();
  void Stall(Connection& connection);
  void FlushAll();
  void Flush(Connection& connection);
  void SettleAll();
  void EvictClients();
  void TellMemory();
  void BuryDoomed();
  [[nodiscard]] Args Words(const Item& item) const;
  [[nodiscard]] bool TooMuchUnsent(const Connection& connection) const;
  [[nodiscard]] const OutputLimit& LimitOf(const Connection& connection) const;

  Dispatcher& dispatcher_;
  LoopMeter& meter_;
  Scheduler& scheduler_;
  const ServerControl& control_;
  const Settings& settings_;
  std::function<void(Connection&)> bury_;
  std::function<void(StreamPtr stream, std::string_view received)> adopt_;

  ReadArena arena_;
  StringPool pool_;
  std::array<ConnectionList, static_cast<size_t>(Place::kDoomed) + 1> places_;
  std::vector<Connection*> touched_;
  std::vector<Connection*> flushing_;

  // The group
  std::vector<Item> items_;
  RequestWords words_;
  struct Visit {
    Connection* connection;
    bool more;   // whether requests may be left behind those taken
    bool fresh;  // where it came from
  };
  std::vector<Visit> visits_;

  bool stopped_ = false;
  bool in_run_ = false;
  bool pushed_late_ = false;
  uint32_t executed_ = 0;
  uint32_t picks_ = 0;
  bool late_ = false;
  uint64_t turn_ = 0;
  uint64_t last_id_ = 0;         // who was served last
  int64_t shared_until_us_ = 0;  // since another was, at least so long each has a share
  bool shared_ = false;          // in this turn
  size_t unsent_bytes_ = 0;
  ClientMemory client_memory_;
  size_t outside_bytes_ = 0;  // beside the tables and the clients
  Counters counters_;
};

}  // namespace cloakroom
