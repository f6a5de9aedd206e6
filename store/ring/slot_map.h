#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "store/base/hash.h"
#include "store/ring/hash_ring.h"

namespace cloakroom {

/// Where a slot stands on the ring. Evenly spaced, so that the slots in an arc are as many as the
/// arc is long; and the order of the points is that of the table's index (Position::Prefix).
[[nodiscard]] inline uint64_t SlotPoint(uint16_t slot) { return uint64_t{slot} << 50; }

/// One slot that changes hands. `from` is kNoShard when nobody served it.
struct SlotMove {
  uint16_t slot = 0;
  ShardId from = kNoShard;
  ShardId to = kNoShard;
  friend bool operator==(const SlotMove&, const SlotMove&) = default;
};

/// Who owns each slot. At first nobody does.
class SlotMap {
 public:
  SlotMap() { owners_.fill(kNoShard); }

  /// Each slot at its natural owner: the first shard clockwise of its point.
  /// Cost: one pass over slots and virtual nodes.
  [[nodiscard]] static SlotMap OnRing(const HashRing& ring);

  /// Precondition: slot < kSlotCount.
  [[nodiscard]] ShardId OwnerOf(uint16_t slot) const { return owners_[slot]; }
  void Assign(uint16_t slot, ShardId shard) { owners_[slot] = shard; }

  /// Carries out `moves`. Each `from` must be the owner at that moment.
  void Apply(std::span<const SlotMove> moves);

  /// How many slots `shard` owns. Cost: a pass over all slots (64 KiB).
  [[nodiscard]] uint32_t CountOf(ShardId shard) const;

  friend bool operator==(const SlotMap&, const SlotMap&) = default;

 private:
  std::array<ShardId, kSlotCount> owners_;
};

/// For each slot the index in ring.nodes() of the first virtual node at or after its point; as
/// many as there are nodes when only the first of all, past zero, is left.
[[nodiscard]] std::vector<uint32_t> FirstNodeOfSlots(const HashRing& ring);

}  // namespace cloakroom
