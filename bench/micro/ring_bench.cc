#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/ring/hash_ring.h"
#include "store/ring/rebalance_plan.h"
#include "store/ring/shard_list.h"
#include "store/ring/sharding.h"
#include "store/ring/slot_map.h"

namespace cloakroom {
namespace {

constexpr size_t kKeys = 1024;

std::vector<std::string> Keys() {
  std::vector<std::string> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back("session:" + std::to_string(i * 2654435761U));
  return keys;
}

/// A level cluster of `count` shards.
SlotMap Level(const ShardList& shards) {
  SlotMap owners;
  const Result<std::vector<SlotMove>> moves = RebalancePlan(owners, shards);
  CHECK(moves);
  owners.Apply(*moves);
  return owners;
}

void MeasurePlan(benchmark::State& state, const SlotMap& owners, const ShardList& shards) {
  size_t moved = 0;
  for (auto _ : state) {
    const Result<std::vector<SlotMove>> moves = RebalancePlan(owners, shards);
    CHECK(moves);
    moved = moves->size();
  }
  state.counters["moved"] = static_cast<double>(moved);
}

/// Question: what does it cost to place the virtual nodes of a cluster?
/// Arg: shards.
void BM_RingBuild(benchmark::State& state) {
  const ShardList shards = EqualShards(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(HashRing(shards).nodes().data());
}
BENCHMARK(BM_RingBuild)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

/// Question: how long does a cluster think before it moves slots to a shard that joins?
/// Arg: shards before.
void BM_PlanJoin(benchmark::State& state) {
  const auto count = static_cast<uint32_t>(state.range(0));
  const ShardList shards = EqualShards(count);
  MeasurePlan(state, Level(shards), *Join(shards, {count, kWeightOne}));
}
BENCHMARK(BM_PlanJoin)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

/// Question: and before it shares out the slots of one that leaves?
/// Arg: shards before.
void BM_PlanLeave(benchmark::State& state) {
  const ShardList shards = EqualShards(static_cast<uint32_t>(state.range(0)));
  MeasurePlan(state, Level(shards), *Leave(shards, 0));
}
BENCHMARK(BM_PlanLeave)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

/// Question: and for the first placement of all slots?
/// Arg: shards.
void BM_PlanFirst(benchmark::State& state) {
  MeasurePlan(state, SlotMap(), EqualShards(static_cast<uint32_t>(state.range(0))));
}
BENCHMARK(BM_PlanFirst)->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);

/// Question: what does each way to shard cost a client for every key?
/// Args: the strategy, as in Strategy; shards.
void BM_OwnerOf(benchmark::State& state) {
  const Strategy strategy = kStrategies[state.range(0)];
  const std::unique_ptr<Sharding> sharding = MakeSharding(strategy);
  CHECK(sharding->Reshard(EqualShards(static_cast<uint32_t>(state.range(1)))));
  const std::vector<std::string> keys = Keys();
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sharding->OwnerOf(keys[i]));
    i = (i + 1) % keys.size();
  }
  state.SetLabel(std::string(StrategyName(strategy)));
}
BENCHMARK(BM_OwnerOf)->ArgsProduct({{0, 1, 2, 3}, {10, 1000}});

}  // namespace
}  // namespace cloakroom
