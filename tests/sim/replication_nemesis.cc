// What goes wrong in a run, and what people do meanwhile.

#include "tests/sim/replication_simulator.h"

namespace cloakroom {

void ReplicationSimulator::Trouble() {
  const int64_t until_us =
      cluster_->now_us() + 3'000'000 + static_cast<int64_t>(random_.Below(6'000'000));
  while (cluster_->now_us() < until_us && good()) {
    Step(1 + static_cast<TimeMs>(random_.Below(12)));
    if (good() && Chance(5)) Act();
    if (good()) Harass();
    if (good() && Chance(25)) Work();
  }
}

void ReplicationSimulator::Act() {
  switch (random_.Below(4)) {
    case 0:
    case 1:
      return ActOnNetwork();
    case 2:
      return ActOnMachine();
    default:
      return ActAsPeople();
  }
}

/// Of all that a node does a full sync is the rarest, and what has most to be interrupted.
void ReplicationSimulator::Harass() {
  for (const auto& each : nodes_) {
    Node& node = *each;
    if (!node.syncing || !node.follows || !good()) continue;
    Node& other = Any();
    if (!node.sync_slowed) {
      node.sync_slowed = true;
      if (Chance(40))
        cluster_->direction(*node.follows, node.index).delay_us =
            static_cast<int64_t>(20'000 << random_.Below(4));
    }
    if (!Chance(5)) continue;
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
        cluster_->direction(*node.follows, node.index).delay_us =
            static_cast<int64_t>(20'000 << random_.Below(4));
        ++result_.counts.delays;
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        Follow(other, node);
        break;
      case 7:
        Promote(node);
        break;
      case 8:
        if (cluster_->CutAny(false)) Trace("a connection breaks");
        break;
      default:
        if (node.process != nullptr) End(node, Chance(50));
    }
  }
}

void ReplicationSimulator::ActOnNetwork() {
  const size_t from = Any().index;
  const size_t to = Any().index;
  SimCluster::Direction& way = cluster_->direction(from, to);
  switch (random_.Below(8)) {
    case 0:
      way.delay_us = static_cast<int64_t>(100 << random_.Below(12));
      ++result_.counts.delays;
      return Trace("from {} to {} it takes {} us", from, to, way.delay_us);
    case 1:
      way.blocked = true;
      ++result_.counts.blocks;
      return Trace("nothing comes from {} to {}", from, to);
    case 2:
    case 3:
      way = {};
      return Trace("from {} to {} all is well", from, to);
    case 4:
      Any().machine.refuses = Chance(50);
      return;
    case 5:
      if (cluster_->CutAny(true)) Trace("a connection breaks, one side does not notice");
      return;
    default:
      if (cluster_->CutAny(false)) Trace("a connection breaks");
  }
}

void ReplicationSimulator::ActOnMachine() {
  Node* const node = &Any();
  if (node->process == nullptr) return;
  switch (random_.Below(10)) {
    case 0:
      return End(*node, false);
    case 1:
      return End(*node, true);
    case 2:
      node->disk.power_left = random_.Below(15);
      return Trace("the power of node {} is about to go", node->index);
    case 3:
      node->machine.stopped = true;
      node->back_us = cluster_->now_us() + static_cast<int64_t>(random_.Below(6'000'000));
      ++result_.counts.stops;
      return Trace("node {} stops for {} ms", node->index,
                   (node->back_us - cluster_->now_us()) / 1000);
    case 4:
    case 5: {
      const auto step_ms = static_cast<TimeMs>(random_.Below(6000)) - 3000;
      node->machine.clock.JumpWall(step_ms);
      ++result_.counts.clock_steps;
      return Trace("the clock of node {} goes by {} ms", node->index, step_ms);
    }
    case 6:
      node->disk.faults.sync_fails = 200;
      return Trace("syncs fail at node {}", node->index);
    case 7:
    case 8:
      node->disk.faults = {};
      node->disk.faults.slow = 500;
      node->disk.faults.slow_ms = 20 + static_cast<TimeMs>(random_.Below(300));
      ++result_.counts.slow_disks;
      return Trace("the disk of node {} is slow", node->index);
    default:
      node->disk.faults = {};
  }
}

void ReplicationSimulator::ActAsPeople() {
  Node& node = Any();
  switch (random_.Below(8)) {
    case 0:
      return Promote(node);
    case 1:
    case 2: {  // a new primary, and all that are up follow it
      Promote(node);
      for (const auto& each : nodes_)
        if (each.get() != &node && good() && !node.follows) Follow(*each, node);
      return;
    }
    case 3:  // who is down will come back as a replica
      if (node.process == nullptr) {
        Node* const primary = AnyUp(true);
        if (primary != nullptr) node.follows = primary->index;
      }
      return;
    case 4:
      if (node.process == nullptr || node.process->shard.loading()) return;
      if (node.process->persistence.BeginImage()) ++result_.counts.images;
      return;
    default:
      return Follow(node, Any());
  }
}

void ReplicationSimulator::Promote(Node& node) {
  if (node.process == nullptr || node.machine.stopped || node.process->is_primary()) return;
  const bool second = AnyUp(true) != nullptr;
  const bool syncing = node.process->replication.syncing();
  Trace("node {} is promoted at {}{}", node.index, Where(node.at), syncing ? ", in a sync" : "");
  const Result<void> promoted = node.process->replication.Promote();
  if (!promoted) return Trace("that fails: {}", promoted.error().message);
  node.follows.reset();
  ++result_.counts.promotions;
  result_.counts.second_primaries += second ? 1 : 0;
  result_.counts.given_up += syncing ? 1 : 0;
  Observe(node);
}

void ReplicationSimulator::Follow(Node& node, const Node& target) {
  if (&node == &target || node.process == nullptr || node.machine.stopped) return;
  if (node.follows == target.index) return;
  Trace("node {} is to follow {}", node.index, target.index);
  ++(node.process->is_primary() ? result_.counts.demotions : result_.counts.followings);
  if (target.process != nullptr && !target.process->is_primary()) ++result_.counts.chains;
  node.follows = target.index;
  node.process->replication.Follow(SimCluster::AddressOf(target.index));
}

}  // namespace cloakroom
