#include "client/ring_simulate.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cloakroom {
namespace {

ShardingOutcome Simulate(Strategy strategy, const ShardList& before, const ShardList& after,
                         uint64_t count = 50'000) {
  auto simulation = RingSimulation::Make({&strategy, 1}, before, after, kVirtualNodes).value();
  AddDrawnKeys(simulation, count, 1);
  return simulation.Outcomes().front();
}

// The counts must be those of a plain count over the same keys.
TEST(RingSimulateTest, CountsWhatMoves) {
  for (const Strategy strategy : kStrategies) {
    auto simulation =
        RingSimulation::Make({&strategy, 1}, EqualShards(3), EqualShards(4), 16).value();
    const auto before = MakeSharding(strategy, 16);
    const auto after = MakeSharding(strategy, 16);
    ASSERT_TRUE(before->Reshard(EqualShards(3)) && after->Reshard(EqualShards(3)));
    ASSERT_TRUE(after->Reshard(EqualShards(4)));
    uint64_t moved = 0;
    std::map<ShardId, uint64_t> count;
    for (int i = 0; i < 1000; ++i) {
      const std::string key = "k" + std::to_string(i);
      simulation.Add(key);
      moved += before->OwnerOf(key) != after->OwnerOf(key) ? 1 : 0;
      ++count[after->OwnerOf(key)];
    }
    uint64_t most = 0;
    for (const auto& [id, n] : count) most = std::max(most, n);
    const auto outcome = simulation.Outcomes().front();
    EXPECT_EQ(outcome.keys, 1000U);
    EXPECT_EQ(outcome.moved, moved) << StrategyName(strategy);
    EXPECT_DOUBLE_EQ(outcome.largest_after, static_cast<double>(most) / 250);
  }
}

// Who joins needs its fair part of all keys; who leaves gives up its own; weights count.
TEST(RingSimulateTest, TheOptimumIsWhatFairSharesShrinkBy) {
  const auto plan = Strategy::kPlan;
  EXPECT_EQ(Simulate(plan, EqualShards(10), EqualShards(11), 11'000).optimum, 1000U);
  EXPECT_EQ(Simulate(plan, EqualShards(10), EqualShards(9), 11'000).optimum, 1100U);
  EXPECT_EQ(Simulate(plan, EqualShards(2), {{0, 1000}, {1, 1000}, {2, 2000}}, 1000).optimum, 500U);
  EXPECT_EQ(Simulate(plan, EqualShards(2), {{0, 1000}, {1, 3000}}, 1000).optimum, 250U);
  EXPECT_EQ(Simulate(plan, EqualShards(2), EqualShards(2), 1000).optimum, 0U);
}

TEST(RingSimulateTest, ThePlanIsNearTheOptimumAndLevel) {
  for (const uint32_t after : {9U, 11U, 15U}) {
    const auto outcome = Simulate(Strategy::kPlan, EqualShards(10), EqualShards(after));
    EXPECT_NEAR(static_cast<double>(outcome.moved), static_cast<double>(outcome.optimum), 700);
    EXPECT_LT(outcome.largest_before, 1.05);
    EXPECT_LT(outcome.largest_after, 1.05);
  }
}

// Drawn keys are part of what a printed figure means: the same seed, the same figure.
TEST(RingSimulateTest, DrawnKeysDependOnTheSeedAlone) {
  const Strategy strategy = Strategy::kModulo;
  std::map<uint64_t, uint64_t> moved;
  for (const uint64_t seed : {1, 2, 1}) {
    auto simulation =
        RingSimulation::Make({&strategy, 1}, EqualShards(10), EqualShards(11), 16).value();
    AddDrawnKeys(simulation, 1000, seed);
    const uint64_t now = simulation.Outcomes().front().moved;
    EXPECT_EQ(moved.emplace(seed, now).first->second, now);
  }
  EXPECT_NE(moved[1], moved[2]);
}

TEST(RingSimulateTest, PrintsALineEachOrATable) {
  const ShardingOutcome outcome{Strategy::kRing, 1000, 95, 91, 1.204, 1.1};
  EXPECT_EQ(OutcomeText(outcome),
            "moved 95 of 1000\noptimum 91\nlargest 1.20 before, 1.10 after\n");
  EXPECT_EQ(OutcomeTable({&outcome, 1}),
            "strategy                    moved     optimum   largest before  largest after\n"
            "ring                   95 of 1000          91             1.20           1.10\n");
}

TEST(RingSimulateTest, RefusesShardsThatCannotOwn) {
  EXPECT_FALSE(RingSimulation::Make(kStrategies, {}, EqualShards(1), 16));
  EXPECT_FALSE(RingSimulation::Make(kStrategies, EqualShards(1), {{0, 0}}, 16));
}

}  // namespace
}  // namespace cloakroom
