#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/ring/sharding.h"

namespace cloakroom {

/// What a change of the shards did to the keys under one strategy.
struct ShardingOutcome {
  Strategy strategy = Strategy::kPlan;
  uint64_t keys = 0;
  /// Keys whose shard is another one now.
  uint64_t moved = 0;
  /// The least number of keys that must move between two level placements: what the fair shares
  /// of all shards shrink by, summed up and rounded. For shards that join, their part of the new
  /// total weight times `keys`; for shards that leave, their part of the old one. It is the same
  /// for each strategy; one that never was level, or does not become so, may move fewer.
  uint64_t optimum = 0;
  /// The fullest shard: its keys over its fair share by weight. 1.00 is fair.
  double largest_before = 0;
  double largest_after = 0;
};

/// Shows keys to the strategies before and after a change of the shards, and counts. Keeps no key.
class RingSimulation {
 public:
  /// Shard ids should be small: counters are indexed by them.
  ///   errors  those of CheckShards, for `before` and for `after`
  [[nodiscard]] static Result<RingSimulation> Make(std::span<const Strategy> strategies,
                                                   const ShardList& before, const ShardList& after,
                                                   uint32_t vnodes);

  /// Counts one key. Cost: two look-ups a strategy, about 0.2 us for all four.
  void Add(std::string_view key);

  /// One a strategy, in the order given to Make.
  [[nodiscard]] std::vector<ShardingOutcome> Outcomes() const;
  [[nodiscard]] uint64_t keys() const { return keys_; }

 private:
  struct Track {
    Strategy strategy;
    std::unique_ptr<Sharding> before;
    std::unique_ptr<Sharding> after;
    std::vector<uint64_t> count_before;  // by shard id
    std::vector<uint64_t> count_after;
    uint64_t moved = 0;
  };
  RingSimulation(ShardList before, ShardList after)
      : before_(std::move(before)), after_(std::move(after)) {}

  ShardList before_;
  ShardList after_;
  std::vector<Track> tracks_;
  uint64_t keys_ = 0;
};

/// Adds `count` keys drawn by `seed`, all of them different: "session:" and 16 hexadecimal digits
/// (SplitMix64 of Steele, Lea and Flood, 2014, which visits each 64-bit value once).
void AddDrawnKeys(RingSimulation& simulation, uint64_t count, uint64_t seed);

/// The one-strategy form: `moved N of M`, `optimum N` and `largest A before, B after` on a line
/// each.
[[nodiscard]] std::string OutcomeText(const ShardingOutcome& outcome);

/// The table, a row a strategy.
[[nodiscard]] std::string OutcomeTable(std::span<const ShardingOutcome> outcomes);

}  // namespace cloakroom
