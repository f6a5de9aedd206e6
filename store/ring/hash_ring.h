#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "store/ring/shard_list.h"

namespace cloakroom {

/// How many virtual nodes a shard of weight one has. The shares of the circle then spread by about
/// 1/sqrt(256) = 6 %; the plan levels what is left.
inline constexpr uint32_t kVirtualNodes = 256;

/// The most that --vnodes may ask for, and the most points a ring may have in all (256 MiB).
inline constexpr uint32_t kVirtualNodesMax = 1 << 16;
inline constexpr uint64_t kRingPointsMax = 1 << 24;

/// The point of `bytes`: XXH3-64 with seed 0 (`xxhsum -H3` prints the same). Part of what nodes of
/// different versions must agree on, so it never changes.
[[nodiscard]] uint64_t RingPoint(std::string_view bytes);

/// How many virtual nodes a weight gets: `per_weight` x weight, rounded to the nearest; at least
/// one, unless the weight is 0.
[[nodiscard]] uint32_t VirtualNodesOf(Weight weight, uint32_t per_weight = kVirtualNodes);

/// The circle of points 0 .. 2^64-1 with the virtual nodes of some shards on it (Karger et al.,
/// "Consistent hashing and random trees", 1997). Virtual node i of shard s stands at
/// RingPoint("s/i"), both in decimal. A shard owns the arcs that end at its virtual nodes:
///
///        arc of s2         arc of s1        arc of s2
///   ----(------------- s2](---------- s1](------------ s2](---->  clockwise, 2^64-1 then 0
///
/// So a shard that joins takes points, and one that leaves gives points; no other point changes
/// hands, and a heavier weight only adds virtual nodes to those that are there.
class HashRing {
 public:
  struct VirtualNode {
    uint64_t point = 0;
    ShardId shard = kNoShard;
  };

  /// Preconditions: no shard is listed twice; `vnodes` (per weight one) is above 0.
  /// Cost: O(n log n) in the virtual nodes, about 0.2 ms for ten shards.
  explicit HashRing(std::span<const WeightedShard> shards, uint32_t vnodes = kVirtualNodes);

  /// Whose arc `point` lies in: the shard of the first virtual node at or after it, clockwise.
  /// kNoShard when the ring has none. Cost: a binary search.
  [[nodiscard]] ShardId OwnerOf(uint64_t point) const;

  /// In order of their points; those of equal points (never seen) by shard.
  [[nodiscard]] std::span<const VirtualNode> nodes() const { return nodes_; }

 private:
  std::vector<VirtualNode> nodes_;
};

}  // namespace cloakroom
