#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "store/ring/slot_map.h"

namespace cloakroom {

/// The ways to say which shard owns a key.
///   modulo  the key's hash modulo the number of shards
///   ranges  the hash space cut into equal arcs, one a shard, in the order of their ids
///   ring    the key's slot, at the slot's natural owner on the ring
///   plan    the key's slot, at its owner; owners change by RebalancePlan, from an empty map on
/// Weights make a shard's residues, arc, virtual nodes or slots as many times larger. The hash of
/// modulo and ranges is RingPoint(key).
enum class Strategy : uint8_t { kModulo, kRanges, kRing, kPlan };
inline constexpr Strategy kStrategies[] = {Strategy::kModulo, Strategy::kRanges, Strategy::kRing,
                                           Strategy::kPlan};

[[nodiscard]] std::string_view StrategyName(Strategy strategy);
[[nodiscard]] std::optional<Strategy> StrategyNamed(std::string_view name);

/// One way to shard, over some shards.
class Sharding {
 public:
  virtual ~Sharding() = default;

  /// Cost: modulo and ranges hash the key and search the shards; ring and plan take its CRC16 and
  /// one look into a table.
  [[nodiscard]] virtual ShardId OwnerOf(std::string_view key) const = 0;

  /// From now on the keys are on `shards`. On an error (those of CheckShards) nothing changes.
  [[nodiscard]] virtual Result<void> Reshard(std::span<const WeightedShard> shards) = 0;
};

/// A way to shard that as yet has no shards: call Reshard first. `vnodes` as for HashRing.
[[nodiscard]] std::unique_ptr<Sharding> MakeSharding(Strategy strategy,
                                                     uint32_t vnodes = kVirtualNodes);

}  // namespace cloakroom
