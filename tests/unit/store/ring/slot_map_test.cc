#include "store/ring/slot_map.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/base/position.h"

namespace cloakroom {
namespace {

// The ring and the table's index order slots alike, so what lies together moves together.
TEST(SlotMapTest, ASlotStandsWhereItsIndexPrefixBegins) {
  for (const uint16_t slot : {0, 1, 777, 16383})
    EXPECT_EQ(SlotPoint(slot), (Position{slot, 0}.Prefix()));
}

TEST(SlotMapTest, AtFirstNobodyOwnsASlot) {
  const SlotMap map;
  EXPECT_EQ(map.CountOf(kNoShard), kSlotCount);
  EXPECT_EQ(SlotMap::OnRing(HashRing({})), map);
}

// The pass over slots and nodes must give what a search for each slot gives.
TEST(SlotMapTest, OnTheRingEachSlotIsAtItsNaturalOwner) {
  for (const uint32_t vnodes : {1U, 7U, 256U}) {
    const HashRing ring(EqualShards(5), vnodes);
    const SlotMap map = SlotMap::OnRing(ring);
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
      const auto s = static_cast<uint16_t>(slot);
      ASSERT_EQ(map.OwnerOf(s), ring.OwnerOf(SlotPoint(s))) << "slot " << slot;
    }
    for (ShardId id = 0; id < 5; ++id) sum += map.CountOf(id);
    EXPECT_EQ(sum, kSlotCount);
  }
}

TEST(SlotMapTest, MovesAreCarriedOut) {
  SlotMap map;
  map.Apply(std::vector<SlotMove>{{3, kNoShard, 1}, {9, kNoShard, 2}, {3, 1, 2}});
  EXPECT_EQ(map.OwnerOf(3), 2U);
  EXPECT_EQ(map.CountOf(2), 2U);
  EXPECT_EQ(map.CountOf(kNoShard), kSlotCount - 2);
}

// A move from somebody who does not own the slot is a plan for another state: stop.
TEST(SlotMapDeathTest, AMoveFromAWrongOwnerIsRefused) {
  SlotMap map;
  EXPECT_DEATH(map.Apply(std::vector<SlotMove>{{3, 7, 1}}), "broken invariant");
}

}  // namespace
}  // namespace cloakroom
