#include "store/ring/sharding.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cloakroom {
namespace {

constexpr int kKeys = 20000;

std::string Key(int i) { return "user:" + std::to_string(i); }

std::map<ShardId, int> Counts(const Sharding& sharding) {
  std::map<ShardId, int> counts;
  for (int i = 0; i < kKeys; ++i) ++counts[sharding.OwnerOf(Key(i))];
  return counts;
}

TEST(ShardingTest, NamesGoBothWays) {
  for (const Strategy strategy : kStrategies)
    EXPECT_EQ(StrategyNamed(StrategyName(strategy)), strategy);
  EXPECT_EQ(StrategyNamed("Ring"), std::nullopt);
  EXPECT_EQ(StrategyNamed(""), std::nullopt);
}

// For equal shards the two simple ways are what their names say, whatever unit weights have.
TEST(ShardingTest, ModuloAndRangesAreWhatTheySay) {
  const auto modulo = MakeSharding(Strategy::kModulo);
  const auto ranges = MakeSharding(Strategy::kRanges);
  ASSERT_TRUE(modulo->Reshard(EqualShards(7)));
  ASSERT_TRUE(ranges->Reshard(EqualShards(8)));
  for (int i = 0; i < 1000; ++i) {
    const std::string key = Key(i);
    EXPECT_EQ(modulo->OwnerOf(key), RingPoint(key) % 7);
    EXPECT_EQ(ranges->OwnerOf(key), RingPoint(key) >> 61);
  }
}

// All four keep to the weights: 1 to 3, and nothing for who is drained.
TEST(ShardingTest, SharesFollowTheWeights) {
  for (const Strategy strategy : kStrategies) {
    const auto sharding = MakeSharding(strategy);
    ASSERT_TRUE(sharding->Reshard(ShardList{{3, 1000}, {4, 0}, {8, 3000}}));
    auto counts = Counts(*sharding);
    EXPECT_NEAR(counts[3], kKeys / 4, kKeys / 25) << StrategyName(strategy);
    EXPECT_EQ(counts[4], 0) << StrategyName(strategy);
    EXPECT_EQ(counts[3] + counts[8], kKeys) << StrategyName(strategy);
  }
}

// What each costs when an eleventh shard joins ten: modulo moves 10 of 11 keys, ranges about half,
// ring and plan one of 11, of which the plan alone leaves everybody level.
TEST(ShardingTest, AJoinCostsWhatIsKnownOfEach) {
  const std::map<Strategy, double> expected = {{Strategy::kModulo, 10.0 / 11},
                                               {Strategy::kRanges, 0.5},
                                               {Strategy::kRing, 1.0 / 11},
                                               {Strategy::kPlan, 1.0 / 11}};
  for (const auto& [strategy, fraction] : expected) {
    const auto sharding = MakeSharding(strategy);
    ASSERT_TRUE(sharding->Reshard(EqualShards(10)));
    std::vector<ShardId> before;
    for (int i = 0; i < kKeys; ++i) before.push_back(sharding->OwnerOf(Key(i)));
    ASSERT_TRUE(sharding->Reshard(EqualShards(11)));
    int moved = 0;
    for (int i = 0; i < kKeys; ++i) moved += sharding->OwnerOf(Key(i)) != before[i] ? 1 : 0;
    EXPECT_NEAR(moved, kKeys * fraction, kKeys * 0.02) << StrategyName(strategy);
  }
}

TEST(ShardingTest, ARefusedChangeChangesNothing) {
  for (const Strategy strategy : kStrategies) {
    const auto sharding = MakeSharding(strategy);
    ASSERT_TRUE(sharding->Reshard(EqualShards(3)));
    const auto before = Counts(*sharding);
    EXPECT_EQ(sharding->Reshard({}).error().code, Code::kOutOfRange);
    EXPECT_EQ(Counts(*sharding), before) << StrategyName(strategy);
  }
}

// A tag names the sharding key, so that what belongs together is found together.
TEST(ShardingTest, TagsKeepKeysTogetherWhereSlotsRule) {
  for (const Strategy strategy : {Strategy::kRing, Strategy::kPlan}) {
    const auto sharding = MakeSharding(strategy);
    ASSERT_TRUE(sharding->Reshard(EqualShards(100)));
    EXPECT_EQ(sharding->OwnerOf("{ana}.cart"), sharding->OwnerOf("{ana}.seen"));
  }
}

}  // namespace
}  // namespace cloakroom
