#include "store/ring/sharding.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "store/base/check.h"
#include "store/base/random_bits.h"
#include "store/ring/rebalance_plan.h"

namespace cloakroom {
namespace {

/// Weights laid end to end: number n in [0, total) belongs to the shard whose stretch it is in.
/// They are first divided by what they have in common, so that equal shards get one number each.
class Stretches {
 public:
  Result<void> Set(std::span<const WeightedShard> shards) {
    TRY_VOID(CheckShards(shards));
    ids_.clear();
    ends_.clear();
    total_ = 0;
    Weight common = 0;
    for (const auto& shard : shards) common = std::gcd(common, shard.weight);
    for (const auto [id, weight] : shards) {
      if (weight == 0) continue;
      ids_.push_back(id);
      ends_.push_back(total_ += weight / common);
    }
    return {};
  }
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] ShardId At(uint64_t n) const {
    DCHECK(n < total_);
    return ids_[static_cast<size_t>(std::ranges::upper_bound(ends_, n) - ends_.begin())];
  }

 private:
  std::vector<ShardId> ids_;
  std::vector<uint64_t> ends_;
  uint64_t total_ = 0;
};

class Modulo final : public Sharding {
 public:
  ShardId OwnerOf(std::string_view key) const override {
    return stretches_.At(RingPoint(key) % stretches_.total());
  }
  Result<void> Reshard(std::span<const WeightedShard> shards) override {
    return stretches_.Set(shards);
  }

 private:
  Stretches stretches_;
};

class Ranges final : public Sharding {
 public:
  ShardId OwnerOf(std::string_view key) const override {
    return stretches_.At(ScaleBits(RingPoint(key), stretches_.total()));
  }
  Result<void> Reshard(std::span<const WeightedShard> shards) override {
    return stretches_.Set(shards);
  }

 private:
  Stretches stretches_;
};

class Ring final : public Sharding {
 public:
  explicit Ring(uint32_t vnodes) : vnodes_(vnodes) {}
  ShardId OwnerOf(std::string_view key) const override { return owners_.OwnerOf(SlotOf(key)); }
  Result<void> Reshard(std::span<const WeightedShard> shards) override {
    TRY_VOID(CheckShards(shards));
    owners_ = SlotMap::OnRing(HashRing(shards, vnodes_));
    return {};
  }

 private:
  uint32_t vnodes_;
  SlotMap owners_;
};

class Planned final : public Sharding {
 public:
  explicit Planned(uint32_t vnodes) : vnodes_(vnodes) {}
  ShardId OwnerOf(std::string_view key) const override { return owners_.OwnerOf(SlotOf(key)); }
  Result<void> Reshard(std::span<const WeightedShard> shards) override {
    TRY(const std::vector<SlotMove> moves, RebalancePlan(owners_, shards, vnodes_));
    owners_.Apply(moves);
    return {};
  }

 private:
  uint32_t vnodes_;
  SlotMap owners_;
};

constexpr std::string_view kNames[] = {"modulo", "ranges", "ring", "plan"};

}  // namespace

std::string_view StrategyName(Strategy strategy) { return kNames[static_cast<size_t>(strategy)]; }

std::optional<Strategy> StrategyNamed(std::string_view name) {
  for (const Strategy strategy : kStrategies)
    if (StrategyName(strategy) == name) return strategy;
  return std::nullopt;
}

std::unique_ptr<Sharding> MakeSharding(Strategy strategy, uint32_t vnodes) {
  switch (strategy) {
    case Strategy::kModulo:
      return std::make_unique<Modulo>();
    case Strategy::kRanges:
      return std::make_unique<Ranges>();
    case Strategy::kRing:
      return std::make_unique<Ring>(vnodes);
    case Strategy::kPlan:
      break;
  }
  return std::make_unique<Planned>(vnodes);
}

}  // namespace cloakroom
