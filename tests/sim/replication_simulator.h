#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/cluster_node.h"
#include "tests/sim/cluster_oracle.h"
#include "tests/sim/replication_simulation.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_cluster.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {

/// The inside of SimulateReplication: one seed, one run.
class ReplicationSimulator {
 public:
  ReplicationSimulator(uint64_t seed, bool trace);
  ReplicationSimulation Run();

 private:
  using At = ClusterOracle::At;

  /// A machine, what survives its processes, and what we know of it.
  struct Node {
    Node(SimCluster::Machine& its_machine, size_t its_index, uint64_t seed)
        : index(its_index), machine(its_machine), disk(machine.clock, seed), random(seed + 1) {}
    const size_t index;
    SimCluster::Machine& machine;
    SimDisk disk;
    SeededRandom random;
    std::unique_ptr<ClusterProcess> process;  // nullptr: down
    std::optional<size_t> follows;            // as people have said
    int64_t back_us = 0;                      // when it starts, or goes on, if it does not now
    At at = ClusterOracle::kEmpty;            // the newest record that it holds
    std::vector<At> past;                     // the newest of states that it had before
    std::vector<At> ended;                    // where its processes were at their end
    bool syncing = false;
    bool sync_goes_on = false;  // its image comes over a connection that is up
    bool sync_slowed = false;
    // Of the turn before.
    uint64_t kept_from = 1;  // the oldest record that can be kept in a file
    uint64_t os = 0;         // promised at this level
    uint64_t disk_at = 0;
    uint64_t full_syncs = 0;
    uint64_t partial = 0;
    std::map<std::string, uint64_t> acks;  // of its replicas' connections
  };

  bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  template <typename... Args>
  void Trace(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_)
      fmt::print("{:>9.3f} {}\n", static_cast<double>(cluster_->now_us()) / 1e6,
                 fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void Problem(fmt::format_string<Args...> format, Args&&... args) {
    if (!result_.problem.empty()) return;
    result_.problem = fmt::format(format, std::forward<Args>(args)...);
    Trace("PROBLEM {}", result_.problem);
  }
  void Expect(const Node& node, const char* what, const std::string& problem) {
    if (!problem.empty()) Problem("node {} {}: {}", node.index, what, problem);
  }
  [[nodiscard]] bool good() const { return result_.problem.empty(); }
  [[nodiscard]] Node& Any() { return *nodes_[random_.Below(nodes_.size())]; }
  [[nodiscard]] Node* AnyUp(bool primary);
  [[nodiscard]] std::string Where(At at) const;

  void Draw();
  void Step(TimeMs span_ms);
  void Pass(TimeMs span_ms, TimeMs step_ms);
  void Work();
  // The nemesis.
  void Trouble();
  void Act();
  void Harass();
  void ActOnNetwork();
  void ActOnMachine();
  void ActAsPeople();
  void Promote(Node& node);
  void Follow(Node& node, const Node& target);
  // Processes.
  void Start(Node& node);
  void End(Node& node, bool power);
  void EndIfFailed(Node& node);
  void BringBack(Node& node);
  // All is well again.
  void Heal();
  [[nodiscard]] bool Level(const Node& primary);
  void Converge(Node& primary);
  // The checks.
  void Observe(Node& node);
  void Tap(Node& node);
  void Jump(Node& node);
  void LookAtSync(Node& node);
  void LookAtKept(Node& node, At lost, At now);
  [[nodiscard]] bool Holds(Node& node, const std::string& directory, At last, uint64_t first);
  void LookAtAcks(Node& primary);
  void LookAtRecovered(Node& node, bool marked);
  void Promises(Node& node);
  void CheckState(Node& node, const char* what);

  SeededRandom random_;
  const uint64_t seed_;
  const bool trace_;
  ReplicationSimulation result_;
  ClusterNodeOptions options_;
  ClusterOracle oracle_{ClusterProcess::kDatabases};
  std::unique_ptr<SimCluster> cluster_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace cloakroom
