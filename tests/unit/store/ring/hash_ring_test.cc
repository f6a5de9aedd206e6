#include "store/ring/hash_ring.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "store/base/hash.h"

namespace cloakroom {
namespace {

// Nodes of different versions must agree on every point, so these values may never change.
// `printf 0/0 | xxhsum -H3` prints the first.
TEST(HashRingTest, PointsAreFixedForAllTime) {
  EXPECT_EQ(RingPoint("0/0"), 0x0ef0e60a32d3e37bU);
  EXPECT_EQ(RingPoint("7/255"), 0xc727c2a7555aa3e7U);
  EXPECT_EQ(RingPoint(""), 0x2d06800538d394c2U);
}

// A weight in thousandths times 256, rounded; whoever is not drained is on the ring.
TEST(HashRingTest, WeightMakesVirtualNodes) {
  EXPECT_EQ(VirtualNodesOf(kWeightOne), 256U);
  EXPECT_EQ(VirtualNodesOf(3 * kWeightOne), 768U);
  EXPECT_EQ(VirtualNodesOf(kWeightOne / 2), 128U);
  EXPECT_EQ(VirtualNodesOf(1), 1U);
  EXPECT_EQ(VirtualNodesOf(0), 0U);
  EXPECT_EQ(VirtualNodesOf(1500, 3), 5U);
  EXPECT_EQ(VirtualNodesOf(kWeightMax, kVirtualNodesMax), 65'536'000U);
}

TEST(HashRingTest, NobodyOwnsAnEmptyRing) {
  EXPECT_EQ(HashRing({}).OwnerOf(12345), kNoShard);
  const WeightedShard drained[] = {{4, 0}};
  EXPECT_EQ(HashRing(drained).OwnerOf(12345), kNoShard);
}

// An arc ends at its virtual node, that point included; past the last one the circle closes.
TEST(HashRingTest, TheFirstNodeClockwiseOwns) {
  const HashRing ring(EqualShards(3), 4);
  const auto nodes = ring.nodes();
  ASSERT_EQ(nodes.size(), 12U);
  for (size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_EQ(ring.OwnerOf(nodes[i].point), nodes[i].shard);
    EXPECT_EQ(ring.OwnerOf(nodes[i].point + 1), nodes[(i + 1) % nodes.size()].shard);
  }
  EXPECT_EQ(ring.OwnerOf(0), nodes.front().shard);
  EXPECT_EQ(ring.OwnerOf(UINT64_MAX), nodes.front().shard);
}

// Against the definition: look at all virtual nodes, and take the one least far clockwise.
TEST(HashRingTest, AgreesWithALookAtEveryNode) {
  const std::vector<WeightedShard> shards = {{2, 1000}, {5, 300}, {9, 2500}};
  const HashRing ring(shards, 20);
  for (uint64_t i = 0; i < 2000; ++i) {
    const uint64_t point = RingPoint("probe" + std::to_string(i));
    uint64_t least = UINT64_MAX;
    ShardId owner = kNoShard;
    for (const auto [id, weight] : shards)
      for (uint32_t k = 0; k < VirtualNodesOf(weight, 20); ++k) {
        const uint64_t node = RingPoint(std::to_string(id) + "/" + std::to_string(k));
        if (node - point <= least) {
          least = node - point;
          owner = id;
        }
      }
    ASSERT_EQ(ring.OwnerOf(point), owner) << "point " << point;
  }
}

// The reason to have a ring: whoever joins only takes, and nobody else's points change hands.
TEST(HashRingTest, AJoinMovesPointsOnlyToTheNewShard) {
  const HashRing before(EqualShards(10));
  const HashRing after(EqualShards(11));
  int moved = 0;
  for (uint64_t i = 0; i < 20000; ++i) {
    const uint64_t point = RingPoint(std::to_string(i));
    if (before.OwnerOf(point) == after.OwnerOf(point)) continue;
    EXPECT_EQ(after.OwnerOf(point), 10U);
    ++moved;
  }
  EXPECT_NEAR(moved, 20000 / 11, 20000 / 11 / 4);
}

// 256 virtual nodes spread the arcs by about 6 %; a weight of two makes twice the arc.
TEST(HashRingTest, ArcsFollowTheWeights) {
  const std::vector<WeightedShard> shards = {{0, 1000}, {1, 2000}, {2, 1000}};
  const HashRing ring(shards);
  std::map<ShardId, double> arc;
  uint64_t last = ring.nodes().back().point;
  for (const auto& node : ring.nodes()) {
    arc[node.shard] += static_cast<double>(node.point - last) * 0x1p-64;
    last = node.point;
  }
  EXPECT_NEAR(arc[0], 0.25, 0.05);
  EXPECT_NEAR(arc[1], 0.50, 0.05);
  EXPECT_NEAR(arc[0] + arc[1] + arc[2], 1.0, 1e-9);
}

}  // namespace
}  // namespace cloakroom
