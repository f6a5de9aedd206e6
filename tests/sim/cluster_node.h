#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "store/node/persistence.h"
#include "store/node/replication.h"
#include "store/node/shard.h"
#include "tests/sim/random_commands.h"
#include "tests/support/fake_server_control.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_cluster.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {

/// What all processes of a cluster are given.
struct ClusterNodeOptions {
  Persistence::Options persistence;
  Replication::Options replication;
  uint64_t backlog_bytes = uint64_t{1} << 20;  // of records in memory, after each turn
};

/// A process of a cluster: a shard with all commands, its log and images, its role, and one client.
/// It ends when it is destroyed.
class ClusterProcess {
 public:
  static constexpr uint32_t kDatabases = 2;
  static constexpr std::string_view kDirectory = "/data";

  /// `turned` is called after whatever may have made or applied records.
  ClusterProcess(SimCluster::Machine& machine, SimDisk& disk, SeededRandom& random,
                 const ClusterNodeOptions& options, std::function<void()> turned);
  ~ClusterProcess();
  ClusterProcess(const ClusterProcess&) = delete;
  ClusterProcess& operator=(const ClusterProcess&) = delete;

  /// Loads what is on disk.
  [[nodiscard]] Result<void> Load() { return persistence.LoadNow(); }
  /// And takes up its role.
  [[nodiscard]] Result<void> Begin(const std::optional<PeerAddress>& primary);

  /// A few random commands; on a replica they are refused.
  void Execute(uint64_t commands);

  [[nodiscard]] bool is_primary() const { return !replication.is_replica(); }

  Shard shard;
  Persistence persistence;
  Replication replication;
  std::string failure;  // a sync has failed: the process must stop

 private:
  class Greeter;
  bool Turn();
  void Tell();
  void Housekeep();

  SimCluster::Machine& machine_;
  SeededRandom& random_;
  const uint64_t backlog_bytes_;
  std::function<void()> turned_;
  FakeServerControl control_;
  Dispatcher dispatcher_;
  ClientState client_;
  RandomCommands commands_;
  std::vector<std::unique_ptr<Greeter>> greeters_;
  std::unique_ptr<Timer> housekeeping_;
  ListenerPtr listener_;
  bool begun_ = false;
};

}  // namespace cloakroom
