#include "redis_compat/command/watch.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class WatchTest : public ::testing::Test {
 protected:
  void Put(uint32_t db, std::string_view key, TimeMs deadline = kNoDeadline) {
    WriteBatch batch;
    batch.PutString(db, shard_.keys().Ref(key), "v", deadline);
    shard_.Commit(batch);
  }
  template <typename Fill>
  void Commit(Fill&& fill) {
    WriteBatch batch;
    fill(batch);
    shard_.Commit(batch);
  }

  ManualClock clock_;
  SeededRandom random_{1};
  Shard shard_{clock_, random_, Shard::Options{}};
  WatchTable watches_{shard_};
  ClientState client_;
};

TEST_F(WatchTest, AChangedKeyBreaks) {
  watches_.Watch(client_, "a");
  Put(0, "b");
  EXPECT_FALSE(watches_.Broken(client_));
  Put(0, "a");
  EXPECT_TRUE(watches_.Broken(client_));
  watches_.Unwatch(client_);
  EXPECT_FALSE(watches_.Broken(client_));
  EXPECT_TRUE(client_.watched.empty());
}

TEST_F(WatchTest, TheSameNameInAnotherDatabaseIsAnotherKey) {
  watches_.Watch(client_, "a");
  Put(1, "a");
  EXPECT_FALSE(watches_.Broken(client_));
}

// Nobody reports an expiry: the key was there and is not, which is a change all the same.
TEST_F(WatchTest, AKeyThatExpiresBreaks) {
  Put(0, "a", shard_.now() + 100);
  watches_.Watch(client_, "a");
  EXPECT_FALSE(watches_.Broken(client_));
  clock_.Advance(100);
  shard_.BeginTurn();
  EXPECT_TRUE(watches_.Broken(client_));
}

// A client's memory has a limit, and what it watches is part of it: once for each key, and no
// longer than it is watched.
TEST_F(WatchTest, WhatIsWatchedIsTheClientsMemory) {
  watches_.Watch(client_, "a");
  const size_t one = client_.watched_memory_bytes;
  EXPECT_GT(one, sizeof(ClientState::WatchedKey));
  watches_.Watch(client_, "a");
  EXPECT_EQ(client_.watched_memory_bytes, one);
  watches_.Watch(client_, std::string(1000, 'b'));
  EXPECT_GE(client_.watched_memory_bytes, one + 2 * 1000);
  watches_.Unwatch(client_);
  EXPECT_EQ(client_.watched_memory_bytes, 0U);
  EXPECT_EQ(client_.watched.capacity(), 0U);
}

// One that had expired before is absent, and absent it stays.
TEST_F(WatchTest, AKeyThatHadExpiredDoesNotBreak) {
  Put(0, "a", shard_.now() + 100);
  clock_.Advance(100);
  shard_.BeginTurn();
  watches_.Watch(client_, "a");
  while (!shard_.Sweep(1000)) {
  }
  EXPECT_FALSE(watches_.Broken(client_));
  Put(0, "a");
  EXPECT_TRUE(watches_.Broken(client_));
}

TEST_F(WatchTest, AFlushBreaksOnlyWhoWatchesWhatWasThere) {
  Put(0, "there");
  ClientState other;
  watches_.Watch(client_, "there");
  watches_.Watch(other, "absent");
  Commit([](WriteBatch& batch) { batch.FlushDb(0); });
  EXPECT_TRUE(watches_.Broken(client_));
  EXPECT_FALSE(watches_.Broken(other));
  watches_.Unwatch(client_);
  watches_.Unwatch(other);
}

TEST_F(WatchTest, ASwapBreaksWhereAKeyGoesOrComes) {
  Put(0, "here");
  Put(1, "there");
  ClientState goes;
  ClientState comes;
  ClientState neither;
  watches_.Watch(goes, "here");
  watches_.Watch(comes, "there");
  watches_.Watch(neither, "nowhere");
  Commit([](WriteBatch& batch) { batch.SwapDb(0, 1); });
  EXPECT_TRUE(watches_.Broken(goes));
  EXPECT_TRUE(watches_.Broken(comes));
  EXPECT_FALSE(watches_.Broken(neither));
  for (ClientState* client : {&goes, &comes, &neither}) watches_.Unwatch(*client);
}

TEST_F(WatchTest, WatchingTwiceIsWatchingOnce) {
  watches_.Watch(client_, "a");
  watches_.Watch(client_, "a");
  EXPECT_EQ(client_.watched.size(), 1U);
  watches_.Unwatch(client_);
  Put(0, "a");
  EXPECT_FALSE(watches_.Broken(client_));
}

// What one client watches must cost no other a walk over all of it, and itself none for each key.
TEST_F(WatchTest, ManyKeysOfOneClientBreakTogether) {
  for (int i = 0; i < 20'000; ++i) watches_.Watch(client_, "k" + std::to_string(i));
  EXPECT_EQ(client_.watched.size(), 20'000U);
  Commit([](WriteBatch& batch) { batch.FlushDb(0); });
  EXPECT_FALSE(watches_.Broken(client_)) << "none of them was there";
  Put(0, "k19999");
  EXPECT_TRUE(watches_.Broken(client_));
  watches_.Unwatch(client_);
}

}  // namespace
}  // namespace cloakroom
