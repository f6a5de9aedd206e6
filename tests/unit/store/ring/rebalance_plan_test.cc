#include "store/ring/rebalance_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

// The least number of moves, by trying every way to round the fair shares that adds up: slots
// without an owner must all move, and so must what a shard has beyond its rounded share.
uint64_t LeastMoves(const SlotMap& owners, const ShardList& shards) {
  uint64_t total_weight = 0;
  for (const auto& shard : shards) total_weight += shard.weight;
  std::map<ShardId, uint64_t> count;
  for (uint32_t slot = 0; slot < kSlotCount; ++slot)
    ++count[owners.OwnerOf(static_cast<uint16_t>(slot))];
  uint64_t owned = 0;
  for (const auto& shard : shards) owned += count[shard.id];
  uint64_t least = UINT64_MAX;
  for (uint32_t up = 0; up < (1U << shards.size()); ++up) {
    uint64_t sum = 0, surplus = 0;
    bool possible = true;
    for (size_t i = 0; i < shards.size(); ++i) {
      const uint64_t share = uint64_t{kSlotCount} * shards[i].weight;
      uint64_t target = share / total_weight;
      if ((up >> i) & 1) {
        possible = possible && share % total_weight != 0;
        ++target;
      }
      sum += target;
      if (count[shards[i].id] > target) surplus += count[shards[i].id] - target;
    }
    if (possible && sum == kSlotCount) least = std::min(least, surplus);
  }
  return kSlotCount - owned + least;
}

void ExpectLevel(const SlotMap& map, const ShardList& shards) {
  uint64_t total_weight = 0, sum = 0;
  for (const auto& shard : shards) total_weight += shard.weight;
  for (const auto [id, weight] : shards) {
    const double share =
        static_cast<double>(kSlotCount) * weight / static_cast<double>(total_weight);
    EXPECT_LT(std::abs(map.CountOf(id) - share), 1.0) << "shard " << id << " of weight " << weight;
    sum += map.CountOf(id);
  }
  EXPECT_EQ(sum, kSlotCount);
}

// Plans, carries out, and checks all that a plan promises. Returns the moves.
std::vector<SlotMove> Rebalance(SlotMap& map, const ShardList& shards) {
  const uint64_t least = LeastMoves(map, shards);
  const auto moves = RebalancePlan(map, shards, 64).value();
  EXPECT_EQ(moves.size(), least);
  for (size_t i = 0; i < moves.size(); ++i) {
    EXPECT_NE(moves[i].from, moves[i].to);
    EXPECT_TRUE(i == 0 || moves[i - 1].slot < moves[i].slot) << "each slot moves once";
  }
  map.Apply(moves);
  ExpectLevel(map, shards);
  EXPECT_TRUE(RebalancePlan(map, shards, 64)->empty()) << "what is level must stay";
  return moves;
}

Weight AnyWeight(SeededRandom& random) {
  switch (random.Below(4)) {
    case 0:
      return 0;
    case 1:
      return kWeightOne;
    case 2:
      return static_cast<Weight>(1 + random.Below(10)) * 500;
    default:
      return static_cast<Weight>(1 + random.Below(random.Below(2) == 0 ? 20 : kWeightMax));
  }
}

// From any owners at all to any shards at all: level, and not one move too many.
TEST(RebalancePlanTest, FromAnyStateIsLevelWithTheLeastMoves) {
  for (uint64_t seed = 1; seed <= SeedCount(150); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    ShardList shards;
    const uint64_t count = 1 + random.Below(9);
    for (ShardId id = 0; shards.size() < count; ++id)
      if (random.Below(3) > 0) shards.push_back({id, AnyWeight(random)});
    shards[random.Below(count)].weight = kWeightOne;

    // Owners: some of the shards, some that left, nobody; in runs, or strewn; some with most.
    SlotMap map;
    const uint64_t kinds = 1 + random.Below(16);
    const uint64_t run = 1 + random.Below(300);
    ShardId owner = kNoShard;
    for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
      if (random.Below(run) == 0) {
        const uint64_t kind = std::min(random.Below(kinds), random.Below(kinds));
        owner = kind == 0 && random.Below(2) == 0 ? kNoShard : static_cast<ShardId>(kind);
      }
      map.Assign(static_cast<uint16_t>(slot), owner);
    }
    Rebalance(map, shards);
  }
}

// A long life of one cluster, always level, always at the least cost.
TEST(RebalancePlanTest, JoinLeaveReweighAndDrainEachMoveTheLeast) {
  for (uint64_t seed = 1; seed <= SeedCount(10); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    ShardList shards = EqualShards(3);
    ShardId next_id = 3;
    SlotMap map;
    Rebalance(map, shards);
    for (int step = 0; step < 20; ++step) {
      const ShardId any = shards[random.Below(shards.size())].id;
      Result<ShardList> changed = shards;
      switch (shards.size() < 10 ? random.Below(5) : 1 + random.Below(4)) {
        case 0:
        case 4:
          changed = Join(shards, {next_id++, AnyWeight(random)});
          break;
        case 1:
          changed = Leave(shards, any);
          break;
        case 2:
          changed = Drain(shards, any);
          break;
        default:
          changed = Reweigh(shards, any, AnyWeight(random));
      }
      if (!changed) continue;
      shards = *changed;
      Rebalance(map, shards);
    }
  }
}

// The first placement follows the ring: whoever the ring gives no more than its share has all of
// its natural slots.
TEST(RebalancePlanTest, TheFirstPlacementIsTheRingMadeLevel) {
  const ShardList shards = EqualShards(10);
  SlotMap map;
  map.Apply(RebalancePlan(map, shards).value());
  ExpectLevel(map, shards);
  const SlotMap natural = SlotMap::OnRing(HashRing(shards));
  std::set<ShardId> short_of;
  for (const auto& shard : shards)
    if (natural.CountOf(shard.id) <= kSlotCount / 10) short_of.insert(shard.id);
  uint32_t kept = 0, at_most = 0;
  for (const auto& shard : shards)
    at_most += std::min(natural.CountOf(shard.id), map.CountOf(shard.id));
  for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
    const ShardId owner = natural.OwnerOf(static_cast<uint16_t>(slot));
    const bool stays = map.OwnerOf(static_cast<uint16_t>(slot)) == owner;
    EXPECT_TRUE(stays || !short_of.contains(owner)) << "slot " << slot;
    kept += stays ? 1 : 0;
  }
  EXPECT_EQ(kept, at_most) << "a level placement cannot leave more slots to the ring";
}

// A newcomer is given what the ring says is its own, as far as each giver has it to give.
TEST(RebalancePlanTest, AJoinTakesWhatTheRingSays) {
  SlotMap map;
  map.Apply(RebalancePlan(map, EqualShards(10)).value());
  const ShardList shards = Join(EqualShards(10), {10, kWeightOne}).value();
  const SlotMap natural = SlotMap::OnRing(HashRing(shards));
  std::map<ShardId, uint32_t> wanted, given, natural_given;
  for (uint32_t slot = 0; slot < kSlotCount; ++slot)
    if (natural.OwnerOf(static_cast<uint16_t>(slot)) == 10)
      ++wanted[map.OwnerOf(static_cast<uint16_t>(slot))];
  const auto moves = RebalancePlan(map, shards).value();
  for (const auto& move : moves) {
    EXPECT_EQ(move.to, 10U) << "nobody else needs a slot";
    ++given[move.from];
    natural_given[move.from] += natural.OwnerOf(move.slot) == 10 ? 1 : 0;
  }
  for (const auto& [from, count] : given)
    EXPECT_EQ(natural_given[from], std::min(wanted[from], count)) << "shard " << from;
}

// Equal input, equal plan: nodes that compute it apart must agree. The sum pins it for all time.
TEST(RebalancePlanTest, ThePlanIsTheSameEverywhere) {
  SlotMap map;
  map.Apply(RebalancePlan(map, EqualShards(7)).value());
  uint64_t sum = 0;
  const auto moves = RebalancePlan(map, EqualShards(9)).value();
  for (const auto& move : moves) sum = sum * 31 + move.slot * 100 + move.from * 10 + move.to;
  EXPECT_EQ(sum, 9222418881211575238U);
}

// More shards than slots: some have one, the others none.
TEST(RebalancePlanTest, MoreShardsThanSlots) {
  const ShardList shards = EqualShards(kSlotCount + 100);
  SlotMap map;
  const auto moves = RebalancePlan(map, shards, 4).value();
  EXPECT_EQ(moves.size(), kSlotCount);
  std::set<ShardId> owners;
  for (const auto& move : moves) EXPECT_TRUE(owners.insert(move.to).second);
}

TEST(RebalancePlanTest, RefusesShardsThatCannotOwn) {
  EXPECT_EQ(RebalancePlan({}, {}).error().code, Code::kOutOfRange);
  EXPECT_EQ(RebalancePlan({}, ShardList{{1, 0}}).error().code, Code::kOutOfRange);
  EXPECT_EQ(RebalancePlan({}, ShardList{{1, 5}, {1, 5}}).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace cloakroom
