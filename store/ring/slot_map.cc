#include "store/ring/slot_map.h"

#include <algorithm>

#include "store/base/check.h"

namespace cloakroom {

std::vector<uint32_t> FirstNodeOfSlots(const HashRing& ring) {
  const auto nodes = ring.nodes();
  std::vector<uint32_t> first(kSlotCount);
  uint32_t at = 0;
  for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
    while (at < nodes.size() && nodes[at].point < SlotPoint(static_cast<uint16_t>(slot))) ++at;
    first[slot] = at;
  }
  return first;
}

SlotMap SlotMap::OnRing(const HashRing& ring) {
  SlotMap map;
  const auto nodes = ring.nodes();
  if (nodes.empty()) return map;
  const auto first = FirstNodeOfSlots(ring);
  for (uint32_t slot = 0; slot < kSlotCount; ++slot)
    map.owners_[slot] = nodes[first[slot] % nodes.size()].shard;
  return map;
}

void SlotMap::Apply(std::span<const SlotMove> moves) {
  for (const SlotMove& move : moves) {
    CHECK(move.slot < kSlotCount && owners_[move.slot] == move.from);
    owners_[move.slot] = move.to;
  }
}

uint32_t SlotMap::CountOf(ShardId shard) const {
  return static_cast<uint32_t>(std::ranges::count(owners_, shard));
}

}  // namespace cloakroom
