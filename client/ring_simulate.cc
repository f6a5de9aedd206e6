#include "client/ring_simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace cloakroom {
namespace {

double TotalWeight(const ShardList& shards) {
  double total = 0;
  for (const auto& shard : shards) total += shard.weight;
  return total;
}

// The part of all keys that `id` should have; 0 when it is not in the list.
double FairPart(const ShardList& shards, ShardId id) {
  const auto at = std::ranges::lower_bound(shards, id, {}, &WeightedShard::id);
  return at == shards.end() || at->id != id ? 0 : at->weight / TotalWeight(shards);
}

double Largest(const ShardList& shards, const std::vector<uint64_t>& count, uint64_t keys) {
  const double total = TotalWeight(shards);
  double largest = 0;
  for (const auto [id, weight] : shards) {
    if (weight == 0 || keys == 0) continue;
    const double fair = static_cast<double>(keys) * weight / total;
    largest = std::max(largest, static_cast<double>(count[id]) / fair);
  }
  return largest;
}

}  // namespace

Result<RingSimulation> RingSimulation::Make(std::span<const Strategy> strategies,
                                            const ShardList& before, const ShardList& after,
                                            uint32_t vnodes) {
  TRY_VOID(CheckShards(before));
  TRY_VOID(CheckShards(after));
  RingSimulation simulation(before, after);
  const size_t ids = size_t{std::max(before.back().id, after.back().id)} + 1;
  for (const Strategy strategy : strategies) {
    Track track{strategy, MakeSharding(strategy, vnodes), MakeSharding(strategy, vnodes), {}, {}};
    TRY_VOID(track.before->Reshard(before));
    TRY_VOID(track.after->Reshard(before));  // the plan goes on from what is
    TRY_VOID(track.after->Reshard(after));
    track.count_before.resize(ids);
    track.count_after.resize(ids);
    simulation.tracks_.push_back(std::move(track));
  }
  return simulation;
}

void RingSimulation::Add(std::string_view key) {
  ++keys_;
  for (Track& track : tracks_) {
    const ShardId before = track.before->OwnerOf(key);
    const ShardId after = track.after->OwnerOf(key);
    ++track.count_before[before];
    ++track.count_after[after];
    track.moved += before != after ? 1 : 0;
  }
}

std::vector<ShardingOutcome> RingSimulation::Outcomes() const {
  double shrunk = 0;
  for (const auto& shard : before_)
    shrunk += std::max(0.0, FairPart(before_, shard.id) - FairPart(after_, shard.id));
  const auto optimum = static_cast<uint64_t>(std::llround(static_cast<double>(keys_) * shrunk));
  std::vector<ShardingOutcome> outcomes;
  for (const Track& track : tracks_)
    outcomes.push_back({track.strategy, keys_, track.moved, optimum,
                        Largest(before_, track.count_before, keys_),
                        Largest(after_, track.count_after, keys_)});
  return outcomes;
}

void AddDrawnKeys(RingSimulation& simulation, uint64_t count, uint64_t seed) {
  constexpr char kDigits[] = "0123456789abcdef";
  char key[] = "session:0000000000000000";
  uint64_t state = seed;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t bits = state += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    for (size_t at = 8; at < 24; ++at, bits >>= 4) key[at] = kDigits[bits & 15];
    simulation.Add({key, 24});
  }
}

std::string OutcomeText(const ShardingOutcome& outcome) {
  return fmt::format("moved {} of {}\noptimum {}\nlargest {:.2f} before, {:.2f} after\n",
                     outcome.moved, outcome.keys, outcome.optimum, outcome.largest_before,
                     outcome.largest_after);
}

std::string OutcomeTable(std::span<const ShardingOutcome> outcomes) {
  std::string out = fmt::format("{:<9}{:>24}{:>12}{:>17}{:>15}\n", "strategy", "moved", "optimum",
                                "largest before", "largest after");
  for (const auto& o : outcomes)
    out += fmt::format("{:<9}{:>24}{:>12}{:>17.2f}{:>15.2f}\n", StrategyName(o.strategy),
                       fmt::format("{} of {}", o.moved, o.keys), o.optimum, o.largest_before,
                       o.largest_after);
  return out;
}

}  // namespace cloakroom
