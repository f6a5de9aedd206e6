#include "tests/sim/replication_simulation.h"

#include "store/base/check.h"
#include "store/base/log.h"
#include "tests/sim/replication_simulator.h"

namespace cloakroom {
namespace {

constexpr TimeMs kConvergeMs = 12'000;  // beyond the timeout of a connection

}  // namespace

ReplicationSimulator::ReplicationSimulator(uint64_t seed, bool trace)
    : random_(seed), seed_(seed), trace_(trace) {}

ReplicationSimulation ReplicationSimulator::Run() {
  Draw();
  for (uint64_t rounds = 2 + random_.Below(2); rounds > 0 && good(); --rounds) {
    Trouble();
    if (good()) Heal();
  }
  const SimClusterCounts& network = cluster_->counts();
  result_.counts.cuts = network.cuts;
  result_.counts.halves = network.halves;
  result_.counts.refusals = network.refused;
  result_.counts.full = network.full;
  result_.records = oracle_.size();
  result_.virtual_ms = cluster_->now_us() / 1000;
  result_.hash = cluster_->hash();
  for (const auto& node : nodes_) node->process.reset();
  return result_;
}

void ReplicationSimulator::Draw() {
  Persistence::Options& disk = options_.persistence;
  disk.directory = ClusterProcess::kDirectory;
  disk.log_name = "log";
  disk.sync = static_cast<SyncPolicy>(random_.Below(3));
  disk.log_segment_bytes = 2000 + random_.Below(20'000);
  disk.log_reserve_bytes = 500 + random_.Below(4000);
  disk.images_kept = static_cast<uint32_t>(1 + random_.Below(2));
  disk.zstd_level = 0;
  disk.log_growth_percent = Chance(50) ? 100 : 0;
  disk.log_bytes_min = 5000 + random_.Below(50'000);
  if (Chance(50)) disk.log_keep_bytes = random_.Below(50'000);
  if (Chance(30))
    disk.save_rules = {{static_cast<TimeMs>(random_.Below(5000)), 1 + random_.Below(100)}};
  options_.replication.timeout_ms = 2000 + static_cast<TimeMs>(random_.Below(2500));
  options_.replication.heartbeat_ms = 200 + static_cast<TimeMs>(random_.Below(800));
  if (Chance(50)) options_.backlog_bytes = 200 + random_.Below(6000);

  const size_t count = Chance(20) ? 2 : Chance(70) ? 3 : 4;
  cluster_ = std::make_unique<SimCluster>(seed_ + 1, count,
                                          200 + random_.Below(Chance(50) ? 2000 : 30'000));
  for (size_t i = 0; i < count; ++i) {
    nodes_.push_back(std::make_unique<Node>(cluster_->machine(i), i, seed_ * 31 + i * 7 + 2));
    Node& node = *nodes_.back();
    CHECK(node.disk.MakeDirectoryNow(std::string(ClusterProcess::kDirectory)) &&
          node.disk.SyncDirectoryNow("/"));
    if (i > 0) node.follows = 0;
    Start(node);
  }
}

ReplicationSimulator::Node* ReplicationSimulator::AnyUp(bool primary) {
  std::vector<Node*> up;
  for (const auto& node : nodes_)
    if (node->process != nullptr && node->process->is_primary() == primary)
      up.push_back(node.get());
  return up.empty() ? nullptr : up[random_.Below(up.size())];
}

std::string ReplicationSimulator::Where(At at) const {
  if (at == ClusterOracle::kEmpty) return "nothing";
  const ClusterOracle::Record& record = oracle_.record(at);
  return fmt::format("record {} of {}", record.header.sequence,
                     HistoryText(record.history).substr(0, 6));
}

// Time

void ReplicationSimulator::Step(TimeMs span_ms) {
  cluster_->Advance(span_ms);
  const size_t first = random_.Below(nodes_.size());
  for (size_t i = 0; i < nodes_.size() && good(); ++i) {
    Node& node = *nodes_[(first + i) % nodes_.size()];
    BringBack(node);
    if (!node.machine.stopped) node.disk.Poll();
    if (node.process == nullptr) continue;
    Promises(node);
    node.machine.Poll();
    EndIfFailed(node);
  }
}

void ReplicationSimulator::Pass(TimeMs span_ms, TimeMs step_ms) {
  const int64_t until_us = cluster_->now_us() + span_ms * 1000;
  while (cluster_->now_us() < until_us && good()) {
    Step(step_ms);
    if (Chance(3)) Work();
  }
}

void ReplicationSimulator::Work() {
  for (const auto& node : nodes_) {
    if (node->process == nullptr || node->machine.stopped || node->process->shard.loading())
      continue;
    // A replica refuses them.
    if (node->process->is_primary() || Chance(3)) node->process->Execute(1 + random_.Below(4));
  }
}

// Processes

void ReplicationSimulator::Start(Node& node) {
  node.disk.faults = {};
  node.disk.power_left = UINT64_MAX;
  node.machine.off = node.machine.stopped = false;
  const std::string mark = std::string(ClusterProcess::kDirectory) + "/replaced";
  const bool marked = node.disk.OpenNow(mark, Disk::Mode::kRead).has_value();
  ClusterNodeOptions options = options_;
  options.replication.port = SimCluster::AddressOf(node.index).port;
  node.process = std::make_unique<ClusterProcess>(node.machine, node.disk, node.random, options,
                                                  [this, &node] { Observe(node); });
  node.full_syncs = node.partial = 0;
  node.acks.clear();
  node.syncing = node.sync_goes_on = false;
  const Result<void> loaded = node.process->Load();
  if (!loaded)
    return Problem("node {}: the start is refused: {}", node.index, loaded.error().message);
  node.process->shard.BeginTurn();
  LookAtRecovered(node, marked);
  std::optional<PeerAddress> primary;
  if (node.follows) primary = SimCluster::AddressOf(*node.follows);
  Trace("node {} starts with {}, as {}", node.index, Where(node.at),
        node.follows ? fmt::format("a replica of {}", *node.follows) : "a primary");
  const Result<void> begun = node.process->Begin(primary);
  if (!begun) return Problem("node {} does not begin: {}", node.index, begun.error().message);
  Observe(node);
}

void ReplicationSimulator::End(Node& node, bool power) {
  Promises(node);
  Trace("node {} {} at {}; promised are {} and, on disk, {}", node.index,
        power ? "loses its power" : "is killed", Where(node.at), node.os, node.disk_at);
  if (node.syncing) ++result_.counts.ended_in_sync;
  node.ended.push_back(node.at);
  ++(power ? result_.counts.power_cuts : result_.counts.kills);
  node.machine.vanishes = power || Chance(20);
  node.process.reset();
  node.machine.vanishes = false;
  if (power) {
    node.disk.Crash();
    node.os = node.disk_at;
  } else {
    node.disk.KillProcess();
  }
  node.disk.power_left = UINT64_MAX;
  node.machine.off = power;
  node.machine.stopped = false;
  node.back_us = cluster_->now_us() + static_cast<int64_t>(random_.Below(4'000'000));
}

void ReplicationSimulator::EndIfFailed(Node& node) {
  if (node.process == nullptr) return;
  if (node.disk.power_left == 0) {
    ++result_.counts.cut_blocking;
    return End(node, true);
  }
  if (node.process->failure.empty()) return;
  ++result_.counts.failed_syncs;
  End(node, false);
}

void ReplicationSimulator::BringBack(Node& node) {
  if (node.back_us > cluster_->now_us()) return;
  if (node.process == nullptr) Start(node);
  node.machine.stopped = false;
}

// All is well again

void ReplicationSimulator::Heal() {
  Trace("all is well again");
  cluster_->Heal();
  for (const auto& node : nodes_) {
    node->disk.faults = {};
    node->disk.power_left = UINT64_MAX;
    node->back_us = 0;
    if (good()) BringBack(*node);
  }
  if (!good()) return;
  Node* primary = AnyUp(true);
  if (primary == nullptr) {
    primary = &Any();
    Promote(*primary);
  }
  for (const auto& node : nodes_)
    if (node.get() != primary && good()) Follow(*node, *primary);
  Converge(*primary);
  if (!good()) return;
  Pass(4000 + static_cast<TimeMs>(random_.Below(12'000)), 40);
  if (good()) Converge(*primary);
}

bool ReplicationSimulator::Level(const Node& primary) {
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    if (node->process == nullptr || node->syncing) return false;
    if (node.get() == &primary) return node->process->is_primary();
    const ReplicaLink* const link = node->process->replication.link();
    return link != nullptr && link->online() && node->at == primary.at;
  });
}

void ReplicationSimulator::Converge(Node& primary) {
  const int64_t until_us =
      cluster_->now_us() + (options_.replication.timeout_ms + kConvergeMs) * 1000;
  while (good() && !Level(primary) && cluster_->now_us() < until_us)
    Step(1 + static_cast<TimeMs>(random_.Below(8)));
  if (!good()) return;
  if (!Level(primary)) {
    std::string all;
    for (const auto& node : nodes_)
      all += fmt::format(" {}: {}{};", node->index, node->process == nullptr ? "down " : "",
                         Where(node->at));
    return Problem("they do not become equal to {}:{}", primary.index, all);
  }
  ++result_.counts.converged;
  Trace("all are at {}", Where(primary.at));
  for (const auto& node : nodes_) CheckState(*node, "once all is well");
}

ReplicationSimulation SimulateReplication(uint64_t seed, bool trace) {
  if (trace)
    SetLogSink([](LogLevel, std::string_view line) { fmt::print("          {}\n", line); });
  return ReplicationSimulator(seed * 6151 + 11, trace).Run();
}

}  // namespace cloakroom
