// Another state takes the place of the one that was kept: what a full sync does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/image/image_files.h"
#include "tests/support/persistent_shard.h"

namespace cloakroom {
namespace {

using testing::Contains;
using testing::EndsWith;
using testing::Not;

class ReplacingTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(node.Start()); }
  /// As a replica does when its primary sends an image, of an empty state here.
  void Begin() {
    node.shard->set_loading(true);
    ASSERT_TRUE(node.persistence->BeginReplacing());
    node.shard->keys().Reset();
  }
  void End() {
    node.shard->Restart({.sequence = 0, .epoch = 1, .time_ms = 0});
    ASSERT_TRUE(node.persistence->EndReplacing());
    node.shard->set_loading(false);
  }

  PersistentShard node;
};

// What is there meanwhile is half a state: an image of it would be loaded by the next start.
TEST_F(ReplacingTest, MeanwhileNoImageIsTaken) {
  node.Put("a");
  Persistence::Options options = node.options;
  options.save_rules = {{0, 1}};
  Begin();
  node.persistence->SetOptions(options);
  node.Pass(500);
  EXPECT_FALSE(node.persistence->SaveNow());
  EXPECT_THAT(node.Files(), Not(Contains(EndsWith(".img"))));
  EXPECT_THAT(node.Files(), Contains("replaced"));
  End();
  node.Pass(500);
  EXPECT_THAT(node.Files(), Contains(EndsWith(".img")));
}

// A start that finds the mark begins empty, so until it is gone the log's word is worth nothing.
TEST_F(ReplacingTest, UntilItsFirstImageIsSafeNothingCountsAsOnDisk) {
  node.Put("a");
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 1U);
  Begin();
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 0U);
  End();
  node.Put("b");
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 0U);
  EXPECT_EQ(node.shard->Reached(AckLevel::kOs), 0U);
  node.Pass(500);
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 1U);
  EXPECT_THAT(node.Files(), Not(Contains("replaced")));
  node.End();
  node.machine.disk.Crash();
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("b"));
  EXPECT_FALSE(node.Has("a"));
}

// The image that was about to get its name would be the newest, with numbers of a state that is
// given up.
TEST_F(ReplacingTest, AnImageThatWasUnderWayDoesNotComeBack) {
  node.Put("a");
  node.machine.disk.faults = {.slow = 1000, .slow_ms = 100};
  ASSERT_TRUE(node.persistence->BeginImage());
  const std::string unfinished = ImageName(1) + std::string(kUnfinishedSuffix);
  for (int i = 0; i < 200 && node.Files() != std::vector<std::string>{unfinished}; ++i)
    node.Pass(10);
  Begin();
  End();
  EXPECT_THAT(node.Files(), Not(Contains(unfinished)));
  node.Pass(3000);
  EXPECT_THAT(node.Files(), Contains(ImageName(0)));
  EXPECT_THAT(node.Files(), Not(Contains(ImageName(1))));
}

}  // namespace
}  // namespace cloakroom
