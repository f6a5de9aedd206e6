#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "redis_compat/command/args.h"
#include "redis_compat/command/client_state.h"
#include "redis_compat/command/context.h"
#include "redis_compat/command/pubsub.h"
#include "redis_compat/command/registry.h"
#include "redis_compat/command/reply.h"
#include "store/node/shard.h"

namespace cloakroom {

/// Executes commands: looks the name up, checks arity, auth, MULTI and pause, calls the handler,
/// commits its batch on success and drops it on failure, counts, and feeds SLOWLOG and MONITOR.
class Dispatcher {
 public:
  Dispatcher(const Registry& registry, Shard& shard, ServerControl& server, Clock& clock,
             Random& random);
  ~Dispatcher();

  /// What the caller must know of the command that was executed.
  struct Outcome {
    /// The newest record the reply depends on: its own, or for a read the newest applied.
    uint64_t depends_on = 0;
    AckLevel level = AckLevel::kMemory;
    /// What it took, refused or not.
    int64_t duration_us = 0;
    /// CLIENT PAUSE holds the command back, or it waits for an image: nothing was done and nothing
    /// replied. Keep its words and execute it again once the pause is over, or an image is done;
    /// read no further until then.
    bool postponed = false;
    /// The command needs so much memory that evicting for it takes more turns: nothing was done
    /// and nothing replied. Keep its words and execute it again in the next turn.
    bool waits_for_memory = false;
    /// The same, for space in the log on disk: execute it again in any later turn. The log asks for
    /// one when it has come further.
    bool waits_for_log = false;
  };

  /// What a turn works out for a command before it executes any: found once, used again.
  struct Prepared {
    const Command* command = nullptr;  // nullptr: unknown
    KeyRef first_key;                  // bytes empty: the command has no key
    SessionKey first_token;            // what first_key is kept as, when has_token
    bool has_token = false;
    uint32_t db = 0;
  };
  /// Resolves the command, hashes its first key and prefetches its bucket. O(1).
  [[nodiscard]] Prepared Prepare(const ClientState& client, Args args) const;
  /// Second step: prefetches the entry, when the bucket has had time to arrive.
  void PrefetchEntry(const Prepared& prepared) const;

  /// Executes one command for `client`; appends its reply (none under CLIENT REPLY OFF or SKIP) to
  /// `out`. `prepared` must be of these very args.
  Outcome Execute(ClientState& client, Args args, const Prepared& prepared, std::string& out);

  /// Executes a command that the primary which this shard follows has sent: none of the checks of a
  /// client's (auth, role, memory, pause), as of the log's time, and without a reply. The shard's
  /// time is held meanwhile, so that nothing has died that lives there.
  ///   command    that `args` name; it writes
  ///   first_key  of one of the words, if it was hashed already
  ///   errors     wrong number of words; the handler's. Then nothing was changed
  [[nodiscard]] Result<void> ExecuteForPrimary(ClientState& client, Args args,
                                               const Command& command, const KeyRef& first_key);

  /// Forgets a client's watches and queue.
  void Forget(ClientState& client);
  /// The same, and its subscriptions; called when it goes and by RESET.
  void Leave(ClientState& client);

  /// Who is subscribed to what.
  [[nodiscard]] PubSub& pubsub();
  /// notify-keyspace-events: bits of EventClass.
  void SetEventClasses(uint32_t classes);
  /// Whether somebody may be told when keys or sessions expire.
  [[nodiscard]] bool HearsExpiry() const;

  // For the transactions family.
  /// WATCH: from now on a change of `key` in the client's database marks the client dirty.
  void Watch(ClientState& client, std::string_view key);
  void Unwatch(ClientState& client);
  /// Whether a key that the client watches was changed, or has expired meanwhile.
  [[nodiscard]] bool WatchBroken(const ClientState& client) const;
  /// Before EXEC runs anything: sees to it that all of the queue fits into memory, if need be by
  /// evicting, and into the log.
  ///   errors  kNoMemory   it takes more turns: the client waits for them, EXEC is to run again
  ///           kRefused    the same, for the log
  ///           kExecAbort  it does not fit; the queue and MULTI state are gone
  [[nodiscard]] Result<void> MakeRoomForQueue(ClientState& client);
  /// Runs what the client queued as one record and writes EXEC's array; the queue and MULTI state
  /// are gone when it returns.
  Result<void> ExecuteQueue(ClientState& client, Reply& reply);

  /// What INFO stats and errorstats say. The server may count its own error replies here too.
  struct Counters {
    uint64_t commands = 0;
    uint64_t error_replies = 0;
    std::map<std::string, uint64_t, std::less<>> errors;  // by the reply's first word
    uint64_t expired_keys_before = 0;                     // the keyspace's count at the last reset
    uint64_t freed_before = 0;                            // the same of what it freed in slices
    int64_t longest_us = 0;                               // what one command took at the most
    const Command* longest = nullptr;                     // that command
  };
  [[nodiscard]] const Counters& counters() const;
  /// Counts an error reply that was sent without the dispatcher (a protocol error, a limit).
  void CountError(std::string_view reply);
  /// CONFIG RESETSTAT: all of this, the lookups, and the counts of every command.
  void ResetStats();

  /// When the last command ended, by the monotonic clock: a reading that costs nothing more.
  [[nodiscard]] int64_t LastReadingUs() const;

  [[nodiscard]] const Registry& registry() const;
  [[nodiscard]] Shard& shard();
  [[nodiscard]] LookupCounters& lookups();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
