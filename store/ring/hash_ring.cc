#include "store/ring/hash_ring.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "store/base/check.h"
#include "store/base/hash.h"

namespace cloakroom {

uint64_t RingPoint(std::string_view bytes) { return HashBytes(bytes, 0); }

uint32_t VirtualNodesOf(Weight weight, uint32_t per_weight) {
  if (weight == 0) return 0;
  const uint64_t count = (uint64_t{weight} * per_weight + kWeightOne / 2) / kWeightOne;
  return static_cast<uint32_t>(std::max<uint64_t>(count, 1));
}

HashRing::HashRing(std::span<const WeightedShard> shards, uint32_t vnodes) {
  CHECK(vnodes > 0);
  size_t total = 0;
  for (const auto& shard : shards) total += VirtualNodesOf(shard.weight, vnodes);
  nodes_.reserve(total);
  fmt::memory_buffer name;
  for (const auto [id, weight] : shards) {
    const uint32_t count = VirtualNodesOf(weight, vnodes);
    for (uint32_t i = 0; i < count; ++i) {
      name.clear();
      fmt::format_to(fmt::appender(name), "{}/{}", id, i);
      nodes_.push_back({RingPoint({name.data(), name.size()}), id});
    }
  }
  std::ranges::sort(nodes_, {}, [](const VirtualNode& n) { return std::tuple(n.point, n.shard); });
}

ShardId HashRing::OwnerOf(uint64_t point) const {
  if (nodes_.empty()) return kNoShard;
  const auto at = std::ranges::lower_bound(nodes_, point, {}, &VirtualNode::point);
  return at == nodes_.end() ? nodes_.front().shard : at->shard;
}

}  // namespace cloakroom
