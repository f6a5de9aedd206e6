#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/all_modules.h"
#include "store/node/persistence.h"
#include "store/node/shard.h"
#include "tests/sim/node_oracle.h"
#include "tests/support/fake_server_control.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_machine.h"

namespace cloakroom {

/// One process: a shard with all commands, kept on the machine's disk, with one client. It does per
/// turn what a server does, as far as it happens to come. It ends when it is destroyed; what the
/// disk then makes of it see SimDisk.
class SimProcess {
 public:
  using Words = std::vector<std::string>;

  SimProcess(SimMachine& machine, SeededRandom& random, NodeOracle& oracle, uint32_t databases,
             const Persistence::Options& options)
      : shard(machine.clock, random,
              Shard::Options{.databases = databases, .backlog_bytes_max = kBacklogBytes}),
        persistence(machine.clock, random, machine.loop, machine.disk, shard, options),
        machine_(machine),
        random_(random),
        oracle_(oracle),
        dispatcher_(Registered(), shard, control_, machine.clock, random) {
    client_.authenticated = true;
    persistence.SetEvents({.changed = [this] { machine_.loop.RequestTurn(); },
                           .job_done = [] {},
                           .failed = [this](const Error& error) { failure = error.message; }});
    machine_.loop.SetTurn([this] { return Turn(); });
  }
  ~SimProcess() {
    machine_.loop.SetTurn({});
    dispatcher_.Forget(client_);
  }
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;

  /// Executes a command in a turn of its own. Its reply leaves when what it waits for is there:
  /// then the oracle is told.
  std::string Run(const Words& words) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    const Args args(views);
    std::string out;
    Dispatcher::Outcome outcome;
    do {
      shard.BeginTurn();
      const Dispatcher::Prepared prepared = dispatcher_.Prepare(client_, args);
      dispatcher_.PrefetchEntry(prepared);
      outcome = dispatcher_.Execute(client_, args, prepared, out);
      if (!outcome.waits_for_log) continue;
      shard.EndTurn();
      machine_.clock.Advance(1);
      machine_.disk.Poll();
    } while ((outcome.waits_for_memory || outcome.waits_for_log) && failure.empty());
    held_.push_back({outcome.level, outcome.depends_on});
    oracle_.Tap(shard);
    return out;
  }

  /// The replies leave whose records have come far enough.
  void Release() {
    std::erase_if(held_, [this](const Held& held) {
      if (shard.Reached(held.level) < held.sequence) return false;
      oracle_.Promise(held.level, held.sequence);
      return true;
    });
  }
  [[nodiscard]] size_t held() const { return held_.size(); }

  /// What a turn does besides commands.
  bool Turn() {
    if (!persistence.started() || !failure.empty()) return false;
    shard.BeginTurn();
    if (random_.Below(3) == 0) static_cast<void>(shard.Sweep(1 + random_.Below(20)));
    if (random_.Below(3) == 0) persistence.Step();
    shard.EndTurn();
    oracle_.Tap(shard);
    Release();
    return false;
  }

  Shard shard;
  Persistence persistence;
  std::string failure;  // a sync has failed: the process must stop

 private:
  struct Held {
    AckLevel level;
    uint64_t sequence;
  };
  static constexpr uint64_t kBacklogBytes = uint64_t{64} << 20;

  static const Registry& Registered() {
    static const Registry* const registry = [] {
      auto* const made = new Registry;
      RegisterAllModules(*made);
      return made;
    }();
    return *registry;
  }

  SimMachine& machine_;
  SeededRandom& random_;
  NodeOracle& oracle_;
  FakeServerControl control_;
  Dispatcher dispatcher_;
  ClientState client_;
  std::vector<Held> held_;
};

}  // namespace cloakroom
