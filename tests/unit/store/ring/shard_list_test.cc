#include "store/ring/shard_list.h"

#include <gtest/gtest.h>

namespace cloakroom {
namespace {

TEST(ShardListTest, ChecksIdsAndWeights) {
  EXPECT_TRUE(CheckShards(EqualShards(3)));
  EXPECT_TRUE(CheckShards(ShardList{{1, 0}, {2, 1}}));
  EXPECT_EQ(CheckShards({}).error().message, "no shard of 0 has a weight above 0");
  EXPECT_EQ(CheckShards(ShardList{{1, 0}, {2, 0}}).error().code, Code::kOutOfRange);
  EXPECT_EQ(CheckShards(ShardList{{2, 1}, {1, 1}}).error().message,
            "shard 1 after shard 2: ids must ascend");
  EXPECT_EQ(CheckShards(ShardList{{2, 1}, {2, 1}}).error().code, Code::kInvalid);
  EXPECT_EQ(CheckShards(ShardList{{kNoShard, 1}}).error().code, Code::kInvalid);
  EXPECT_EQ(CheckShards(ShardList{{1, kWeightMax + 1}}).error().code, Code::kOutOfRange);
}

TEST(ShardListTest, AJoinKeepsTheOrderOfIds) {
  const ShardList shards = {{1, 1000}, {5, 1000}};
  EXPECT_EQ(Join(shards, {3, 500}), (ShardList{{1, 1000}, {3, 500}, {5, 1000}}));
  EXPECT_EQ(Join(shards, {5, 500}).error().message, "shard 5 is there already");
  EXPECT_EQ(Join({}, {5, 500}), (ShardList{{5, 500}}));
}

TEST(ShardListTest, LeaveReweighAndDrainNeedTheShard) {
  const ShardList shards = {{1, 1000}, {5, 1000}};
  EXPECT_EQ(Leave(shards, 1), (ShardList{{5, 1000}}));
  EXPECT_EQ(Reweigh(shards, 1, 30), (ShardList{{1, 30}, {5, 1000}}));
  EXPECT_EQ(Drain(shards, 5), (ShardList{{1, 1000}, {5, 0}}));
  EXPECT_EQ(Leave(shards, 2).error().message, "there is no shard 2");
  EXPECT_EQ(Reweigh(shards, 9, 1).error().code, Code::kInvalid);
  EXPECT_EQ(Drain(shards, 0).error().code, Code::kInvalid);
}

// Slots must be somewhere: the last shard that takes any can neither leave nor be drained.
TEST(ShardListTest, TheLastShardStays) {
  EXPECT_EQ(Leave(ShardList{{1, 1000}}, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(Drain(ShardList{{1, 1000}, {2, 0}}, 1).error().code, Code::kOutOfRange);
}

}  // namespace
}  // namespace cloakroom
