#include <gtest/gtest.h>

#include "tests/support/persistent_shard.h"

namespace cloakroom {
namespace {

class PersistenceStatusTest : public testing::Test {
 protected:
  PersistentShard node;
};

// Whoever waits for an image polls the time of the last: it must not be there before the image is.
// The rules go by the beginning: what changed since is in no image.
TEST_F(PersistenceStatusTest, AnImageIsOfTheTimeWhenItIsSafe) {
  node.options.save_rules = {{3000, 1}};
  ASSERT_TRUE(node.Start());
  node.Put("a");
  const TimeMs began_ms = node.machine.clock.WallMs();
  const int64_t rules_from_us = node.machine.clock.MonotonicUs();
  ASSERT_TRUE(node.persistence->BeginImage());
  node.machine.clock.Advance(2000);
  EXPECT_LT(node.persistence->status().last_save_ms, began_ms + 1);
  while (node.persistence->status().saves == 0) node.Pass(10);
  EXPECT_GE(node.persistence->status().last_save_ms, began_ms + 2000);
  node.Put("b");
  while (node.persistence->status().saves == 1) node.Pass(10);
  EXPECT_LT(node.machine.clock.MonotonicUs() - rules_from_us, 3'500'000);
}

TEST_F(PersistenceStatusTest, FailuresInARowAreCounted) {
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  node.Put("a");
  node.machine.disk.faults.write_fails = 1000;
  EXPECT_FALSE(node.Save().value());
  EXPECT_FALSE(node.Save().value());
  EXPECT_EQ(node.persistence->status().failed_in_a_row, 2U);
  node.machine.disk.faults = {};
  EXPECT_TRUE(node.Save().value());
  EXPECT_EQ(node.persistence->status().failed_in_a_row, 0U);
  EXPECT_EQ(node.persistence->status().saves, 1U);
  node.persistence->ResetCounters();
  EXPECT_EQ(node.persistence->status().saves, 0U);
}

// What ended while no process was there is not among what a start has loaded.
TEST_F(PersistenceStatusTest, TellsWhatHadExpiredBeforeTheStart) {
  ASSERT_TRUE(node.Start());
  for (const char* key : {"a", "b", "c"}) node.Put(key);
  node.shard->BeginTurn();
  WriteBatch batch;
  for (const char* key : {"short", "shorter"})
    batch.PutString(0, node.shard->keys().Ref(key), "value", node.shard->now() + 5000);
  static_cast<void>(node.shard->Commit(batch));
  node.shard->EndTurn();
  node.machine.Settle();
  ASSERT_TRUE(node.Save().value());
  node.End();
  node.machine.clock.Advance(10'000);
  ASSERT_TRUE(node.Start());
  EXPECT_EQ(node.persistence->status().loaded_entries, 3U);
  EXPECT_EQ(node.persistence->status().loaded_expired, 2U);
}

}  // namespace
}  // namespace cloakroom
