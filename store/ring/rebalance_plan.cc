#include "store/ring/rebalance_plan.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

// Stands for a slot's owner that is not in the list of shards.
constexpr uint32_t kOutside = UINT32_MAX;

/// The virtual nodes of the shards in need, in ring order. As shards are filled their nodes are
/// taken out, by links that lead past them (path halving, as in union-find).
class NeedyRing {
 public:
  NeedyRing(std::vector<uint32_t> shard_of_node, const std::vector<uint32_t>& need)
      : shard_of_node_(std::move(shard_of_node)), need_(need), next_(shard_of_node_.size() + 1) {
    std::iota(next_.begin(), next_.end(), 0U);
  }

  // How many nodes past `node`, going round, the first in need stands. Some shard must be in need.
  uint32_t StepsFrom(uint32_t node) {
    const auto size = static_cast<uint32_t>(shard_of_node_.size());
    const uint32_t found = Find(node);
    return found < size ? found - node : size - node + Find(0);
  }
  [[nodiscard]] uint32_t ShardAt(uint32_t node) const {
    return shard_of_node_[node % shard_of_node_.size()];
  }

 private:
  // The first node at or after `node` whose shard is in need; one past the last if there is none.
  uint32_t Find(uint32_t node) {
    while (node < shard_of_node_.size()) {
      if (next_[node] == node) {
        if (need_[shard_of_node_[node]] > 0) return node;
        next_[node] = node + 1;
      }
      next_[node] = next_[next_[node]];
      node = next_[node];
    }
    return node;
  }

  std::vector<uint32_t> shard_of_node_;
  const std::vector<uint32_t>& need_;
  std::vector<uint32_t> next_;
};

/// One plan in the making. Shards go by their index in the list.
class Planner {
 public:
  Planner(const SlotMap& owners, std::span<const WeightedShard> shards, const HashRing& ring)
      : owners_(owners), shards_(shards), first_node_(FirstNodeOfSlots(ring)) {
    shard_of_node_.reserve(ring.nodes().size());
    for (const auto& node : ring.nodes()) shard_of_node_.push_back(IndexOf(node.shard));
    count_.resize(shards.size());
    natural_count_.resize(shards.size());
    for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
      owner_[slot] = IndexOf(owners.OwnerOf(static_cast<uint16_t>(slot)));
      natural_[slot] = shard_of_node_[first_node_[slot] % shard_of_node_.size()];
      if (owner_[slot] != kOutside) ++count_[owner_[slot]];
      ++natural_count_[natural_[slot]];
    }
  }

  std::vector<SlotMove> Plan() {
    SetTargets();
    return Move();
  }

 private:
  // What brings a slot to the front: least is first. A slot at its natural owner comes last (its
  // next shard is never as near as the first), then the walk along the ring, then the slot number.
  struct Candidate {
    bool at_natural;
    uint32_t steps;
    uint16_t slot;
    bool operator>(const Candidate& other) const {
      return std::tie(at_natural, steps, slot) >
             std::tie(other.at_natural, other.steps, other.slot);
    }
  };

  [[nodiscard]] uint32_t IndexOf(ShardId id) const {
    const auto at = std::ranges::lower_bound(shards_, id, {}, &WeightedShard::id);
    if (at == shards_.end() || at->id != id) return kOutside;
    return static_cast<uint32_t>(at - shards_.begin());
  }

  // Splits each shard's distance from its target into need_ and surplus_. The slots that are left
  // when every share is rounded down go, one each, to shards whose share has a fraction: first to
  // those who have one more than the floor anyway (each saves a move), then to those whom the
  // ring gives the most beyond their floor.
  void SetTargets() {
    uint64_t total_weight = 0;
    for (const auto& shard : shards_) total_weight += shard.weight;
    std::vector<uint32_t> target(shards_.size());
    std::vector<uint32_t> fractional;
    uint32_t left = kSlotCount;
    for (uint32_t i = 0; i < shards_.size(); ++i) {
      const uint64_t share = uint64_t{kSlotCount} * shards_[i].weight;
      target[i] = static_cast<uint32_t>(share / total_weight);
      left -= target[i];
      if (share % total_weight != 0) fractional.push_back(i);
    }
    CHECK(left <= fractional.size());
    std::ranges::sort(fractional, {}, [&](uint32_t i) {
      return std::tuple(count_[i] <= target[i], int64_t{target[i]} - int64_t{natural_count_[i]}, i);
    });
    for (uint32_t k = 0; k < left; ++k) ++target[fractional[k]];

    need_.resize(shards_.size());
    surplus_.resize(shards_.size());
    for (uint32_t i = 0; i < shards_.size(); ++i) {
      need_[i] = target[i] > count_[i] ? target[i] - count_[i] : 0;
      surplus_[i] = count_[i] > target[i] ? count_[i] - target[i] : 0;
      missing_ += need_[i];
    }
  }

  // Takes the slot with the shortest way to a shard in need until none is in need. A way only
  // grows longer, as shards are filled, so an outdated candidate goes back with its new way.
  std::vector<SlotMove> Move() {
    std::vector<SlotMove> moves;
    if (missing_ == 0) return moves;
    moves.reserve(missing_);
    NeedyRing needy(shard_of_node_, need_);
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    for (uint32_t slot = 0; slot < kSlotCount; ++slot)
      if (owner_[slot] == kOutside || surplus_[owner_[slot]] > 0)
        queue.push({owner_[slot] == natural_[slot], needy.StepsFrom(first_node_[slot]),
                    static_cast<uint16_t>(slot)});
    while (missing_ > 0) {
      CHECK(!queue.empty());
      Candidate next = queue.top();
      queue.pop();
      const uint32_t from = owner_[next.slot];
      if (from != kOutside && surplus_[from] == 0) continue;
      const uint32_t steps = needy.StepsFrom(first_node_[next.slot]);
      if (steps != next.steps) {
        next.steps = steps;
        queue.push(next);
        continue;
      }
      const uint32_t to = needy.ShardAt(first_node_[next.slot] + steps);
      if (from != kOutside) --surplus_[from];
      --need_[to];
      --missing_;
      moves.push_back({next.slot, owners_.OwnerOf(next.slot), shards_[to].id});
    }
    std::ranges::sort(moves, {}, &SlotMove::slot);
    return moves;
  }

  const SlotMap& owners_;
  std::span<const WeightedShard> shards_;
  std::vector<uint32_t> first_node_;
  std::vector<uint32_t> shard_of_node_;
  std::array<uint32_t, kSlotCount> owner_;
  std::array<uint32_t, kSlotCount> natural_;
  std::vector<uint32_t> count_;
  std::vector<uint32_t> natural_count_;
  std::vector<uint32_t> need_;
  std::vector<uint32_t> surplus_;
  uint32_t missing_ = 0;
};

}  // namespace

Result<std::vector<SlotMove>> RebalancePlan(const SlotMap& owners,
                                            std::span<const WeightedShard> shards,
                                            uint32_t vnodes) {
  TRY_VOID(CheckShards(shards));
  const HashRing ring(shards, vnodes);
  return Planner(owners, shards, ring).Plan();
}

}  // namespace cloakroom
