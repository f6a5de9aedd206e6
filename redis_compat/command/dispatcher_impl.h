#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/key_events.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/command/watch.h"

namespace cloakroom {

/// Of a record, for each word that a command brings, and for the command.
inline constexpr uint64_t kLoggedBesidesWord = 32;
inline constexpr uint64_t kLoggedBesidesCommand = 128;
/// Whether it may log far more than it brings: what stands in the keys that it reads.
[[nodiscard]] bool CopiesValues(const CommandSpec& spec);

/// Whether a row's arity takes so many words.
[[nodiscard]] inline bool ArityFits(int arity, size_t words) {
  return arity >= 0 ? words == static_cast<size_t>(arity) : words >= static_cast<size_t>(-arity);
}

/// What a Dispatcher is made of: private to dispatcher.cc (the life of a command),
/// dispatcher_room.cc (what memory and the log on disk have room for) and dispatcher_primary.cc
/// (the commands of a primary).
struct Dispatcher::Impl {
  Impl(Dispatcher& owner, const Registry& commands, Shard& its_shard, ServerControl& its_server,
       Clock& its_clock, Random& its_random)
      : self(owner),
        registry(commands),
        shard(its_shard),
        server(its_server),
        clock(its_clock),
        random(its_random),
        budget(its_shard.budget()),
        watches(its_shard),
        pubsub(its_server, its_shard.keys()),
        key_events(pubsub, its_shard) {}

  Dispatcher& self;
  const Registry& registry;
  Shard& shard;
  ServerControl& server;
  Clock& clock;
  Random& random;
  MemoryBudget& budget;
  WatchTable watches;
  PubSub pubsub;
  KeyEvents key_events;
  WriteBatch batch;
  std::string dropped;  // the reply to a primary, which gets none
  LookupCounters lookups;
  Counters counters;
  // One reading of the clock both ends a command and starts the next. The first command after a
  // Prepare has waited for the rest of its turn, so it takes a reading of its own.
  int64_t last_reading_us = 0;
  bool chained = false;
  // Of the command at hand, or of all that EXEC runs.
  std::optional<AckLevel> asked;  // how far a policy wants its record to come
  bool unasked = false;           // a change was made that no policy speaks of
  bool waits = false;             // the handler waits for something

  /// The clock as a command begins.
  int64_t Begin() {
    if (!std::exchange(chained, true)) last_reading_us = clock.MonotonicUs();
    return last_reading_us;
  }

  [[nodiscard]] std::optional<Error> Refusal(const ClientState& client, Args args,
                                             const Command* command) const;
  [[nodiscard]] std::optional<Error> RoleRefusal(const ClientState& client,
                                                 const Command& command) const;
  [[nodiscard]] bool TakesWrite(const ClientState& client, Args args, const Command& command) const;
  [[nodiscard]] bool RefusesMemory(const ClientState& client, const Command& command);
  [[nodiscard]] bool GoesOnWaiting(ClientState& client);
  [[nodiscard]] Result<void> Fit(CommandContext& ctx, Args args, Reply& reply, size_t start);
  [[nodiscard]] bool GoesOnWaitingForLog(ClientState& client);
  [[nodiscard]] Result<void> FitLog(const CommandContext& ctx);
  [[nodiscard]] Result<void> FitQueueInMemory(ClientState& client);
  [[nodiscard]] Result<void> FitQueueInLog(ClientState& client);
  void Refuse(ClientState& client, const Command* command, Error error, std::string& out);
  [[nodiscard]] bool Postpones(const ClientState& client, const Command& command) const;
  /// Whether a command that is queued has one of `flags`.
  [[nodiscard]] bool QueueHas(const ClientState& client, uint32_t flags) const;
  [[nodiscard]] bool QueueWrites(const ClientState& client) const {
    return QueueHas(client, kWrite);
  }
  void Queue(ClientState& client, Args args, const Command& command, std::string& out);
  void Call(ClientState& client, Args args, const Command& command, const Prepared& prepared,
            std::string& out);
  void Observe(const ClientState& client, uint32_t db, Args args, const Command& command,
               int64_t duration_us);
  static void SetClock(const CommandContext& ctx, std::string_view key);
  void CountError(std::string_view reply);
};

}  // namespace cloakroom
