#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/ring/slot_map.h"

namespace cloakroom {

/// The slots that must move so that every shard's load is level, and no slot more.
///
/// From any state (slots that nobody owns, owners that are gone from `shards`, drained shards of
/// weight 0) to one in which a shard whose fair share is s = 16384 x weight / total weight owns
/// floor(s) or ceil(s) slots. Least moves: every slot without an owner in `shards` moves once, and
/// each shard gives up what it has beyond its target, where the targets that round up go to those
/// who already have as much. No plan can do with fewer.
///
/// Among those plans it follows the ring of `shards`: again and again, the slot that would pass
/// the fewest virtual nodes to reach a shard in need moves there. So a slot goes to its natural
/// owner where it can, and one that stands at its natural owner leaves last.
///
///   vnodes   virtual nodes per weight one, above 0; must be the same on all nodes
///   returns  the moves, by slot; the same list for the same arguments, on any machine
///   errors   those of CheckShards
///   cost     O(slots + virtual nodes), each times a logarithm: 1 ms for 10 shards, 40 for 1000
[[nodiscard]] Result<std::vector<SlotMove>> RebalancePlan(const SlotMap& owners,
                                                          std::span<const WeightedShard> shards,
                                                          uint32_t vnodes = kVirtualNodes);

}  // namespace cloakroom
