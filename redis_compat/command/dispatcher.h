#pragma once

#include <string>

#include "redis_compat/command/args.h"
#include "redis_compat/command/client_state.h"
#include "redis_compat/command/context.h"
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
  };

  /// Executes one command for `client`; appends its reply (none under CLIENT REPLY OFF or SKIP) to
  /// `out`. `first_key` is the key the turn hashed already, or empty.
  Outcome Execute(ClientState& client, Args args, const KeyRef& first_key, std::string& out);

  /// The command of `args` and the position in args of its first key (0: none), for the turn's
  /// prefetch. O(1).
  [[nodiscard]] size_t FirstKeyIndex(Args args) const;

  /// Forgets a client's watches and queue; called when it goes and by RESET.
  void Forget(ClientState& client);

  [[nodiscard]] const Registry& registry() const;
  [[nodiscard]] Shard& shard();
  [[nodiscard]] LookupCounters& lookups();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
