#include "store/node/evictor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/op/op_reader.h"
#include "store/table/event_observer.h"
#include "tests/unit/store/node/evictor_fixture.h"

namespace cloakroom {
namespace {

TEST_F(EvictorTest, WithoutALimitNothingGoes) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  SetPolicy(EvictionPolicy::kAllKeysLru);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_EQ(shard.keys().Size(0), size_t{kKeys});
}

TEST_F(EvictorTest, NoEvictionRefusesAndKeepsAll) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  const uint64_t newest = shard.log().last();
  Limit(EvictionPolicy::kNone, 0.5);
  EXPECT_TRUE(shard.budget().IsOver());
  EXPECT_FALSE(shard.MakeRoom());
  EXPECT_TRUE(shard.evictor().IsStuck());
  EXPECT_EQ(shard.keys().Size(0), size_t{kKeys});
  EXPECT_EQ(shard.log().last(), newest);
  shard.SetMemoryOptions({});
  EXPECT_FALSE(shard.evictor().IsStuck());
}

// What Redis promises of its approximation: the half that is used stays, nearly whole.
TEST_F(EvictorTest, LruKeepsTheHalfThatIsUsed) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  for (int second = 0; second < 20; ++second) {
    Advance(1000);
    for (int i = 0; i < kKeys / 2; ++i)
      if (i % 20 == second) Use("k" + std::to_string(i));
  }
  Limit(EvictionPolicy::kAllKeysLru, 0.55);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_TRUE(WithinLimit());
  EXPECT_GT(Count("k", 0, kKeys / 2), kKeys / 2 * 0.95);
  EXPECT_EQ(shard.evictor().counters().evicted_keys, kKeys - shard.keys().Size(0));
}

TEST_F(EvictorTest, LfuKeepsWhatIsUsedOften) {
  SetPolicy(EvictionPolicy::kAllKeysLfu);
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  for (int i = 0; i < kKeys / 2; ++i) Use("k" + std::to_string(i), 50);
  for (int i = kKeys / 2; i < kKeys; ++i) Use("k" + std::to_string(i), 1);  // last of all
  Limit(EvictionPolicy::kAllKeysLfu, 0.55);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_TRUE(WithinLimit());
  EXPECT_GT(Count("k", 0, kKeys / 2), kKeys / 2 * 0.95);
}

// Each volatile policy touches nothing but keys with a deadline, and refuses when they are gone,
// however much else there is.
TEST_F(EvictorTest, VolatilePoliciesLeaveKeysWithoutDeadline) {
  for (const EvictionPolicy policy :
       {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLfu, EvictionPolicy::kVolatileRandom,
        EvictionPolicy::kVolatileTtl}) {
    shard.SetMemoryOptions({});
    batch.FlushAll();
    shard.Commit(batch);
    while (!shard.Sweep(1000)) {
    }
    for (int i = 0; i < kKeys; ++i) Put("stays" + std::to_string(i));
    for (int i = 0; i < kKeys / 4; ++i) Put("goes" + std::to_string(i), 1'000'000);
    Limit(policy, 0.9);
    EXPECT_TRUE(shard.MakeRoom());
    EXPECT_TRUE(WithinLimit());
    EXPECT_EQ(Count("stays", 0, kKeys), size_t{kKeys});
    const size_t left = Count("goes", 0, kKeys / 4);
    EXPECT_GT(left, 0U);
    EXPECT_LT(left, size_t{kKeys / 4});
    Limit(policy, 0.5);
    EXPECT_FALSE(shard.MakeRoom());
    EXPECT_EQ(Count("stays", 0, kKeys), size_t{kKeys});
    EXPECT_EQ(shard.keys().SizeWithDeadline(0), 0U);
    EXPECT_TRUE(shard.evictor().IsStuck());
  }
}

// However few they are among the others, they are found, and without looking at all of those.
TEST_F(EvictorTest, FindsTheFewWithADeadline) {
  for (int i = 0; i < 5 * kKeys; ++i) Put("stays" + std::to_string(i));
  for (int i = 0; i < 10; ++i) Put("goes" + std::to_string(i), 1000 + 90'000 * i);
  options.limit_bytes = shard.Measure().Counted() - 3 * kValueBytes;
  SetPolicy(EvictionPolicy::kVolatileLru);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_TRUE(WithinLimit());
  EXPECT_EQ(shard.keys().Size(0), shard.keys().SizeWithDeadline(0) + 5 * kKeys);
  EXPECT_GE(shard.keys().SizeWithDeadline(0), 4U);
  EXPECT_LE(shard.keys().SizeWithDeadline(0), 8U);
}

TEST_F(EvictorTest, TtlTakesTheNearestDeadlines) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i), 100'000 + 1000 * i);
  Limit(EvictionPolicy::kVolatileTtl, 0.55, 10);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_GT(Count("k", kKeys / 2, kKeys), kKeys / 2 * 0.95);
}

TEST_F(EvictorTest, RandomTakesFromAllDatabases) {
  for (int i = 0; i < kKeys / 4; ++i) Put("k" + std::to_string(i));
  for (int i = 0; i < kKeys / 4; ++i) Put("k" + std::to_string(i), 0, 3);
  Limit(EvictionPolicy::kAllKeysRandom, 0.5);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_TRUE(WithinLimit());
  const auto first = static_cast<double>(shard.keys().Size(0));
  const auto second = static_cast<double>(shard.keys().Size(3));
  EXPECT_NEAR(first, second, kKeys / 20.0);
}

// The pool knows its candidates by database: the unused one goes, not its namesake.
TEST_F(EvictorTest, LruLooksAtAllDatabases) {
  for (int i = 0; i < kKeys / 2; ++i) Put("k" + std::to_string(i), 0, 5);
  Advance(60'000);
  for (int i = 0; i < kKeys / 2; ++i) Put("k" + std::to_string(i));
  Limit(EvictionPolicy::kAllKeysLru, 0.6);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_GT(Count("k", 0, kKeys / 2), kKeys / 2 * 0.97);
}

// What was drawn long ago and has been used since is no candidate any more.
TEST_F(EvictorTest, AUseTakesAKeyOutOfThePool) {
  for (int i = 0; i < 100; ++i) Put("k" + std::to_string(i));
  Advance(100'000);
  Limit(EvictionPolicy::kAllKeysLru, 0.9, 64);
  EXPECT_TRUE(shard.MakeRoom());
  std::vector<std::string> used;
  for (int i = 0; i < 100; ++i)
    if (Has("k" + std::to_string(i))) used.push_back("k" + std::to_string(i));
  used.resize(used.size() / 2);
  for (const std::string& key : used) Use(key);
  Limit(EvictionPolicy::kAllKeysLru, 0.6, 64);
  EXPECT_TRUE(shard.MakeRoom());
  for (const std::string& key : used) EXPECT_TRUE(Has(key)) << key;
}

// Each end is a record of its own, a plain delete, so that a replica does the same without
// choosing.
TEST_F(EvictorTest, EndsAreLogged) {
  for (int i = 0; i < 100; ++i) Put("k" + std::to_string(i));
  const uint64_t before = shard.log().last();
  Limit(EvictionPolicy::kAllKeysLru, 0.8);
  EXPECT_TRUE(shard.MakeRoom());
  const size_t gone = 100 - shard.keys().Size(0);
  EXPECT_EQ(shard.log().last() - before, gone);
  size_t deletes = 0;
  shard.log().Read(before + 1, [&](const RecordHeader&, std::string_view ops) {
    OpReader reader(ops);
    for (Op op; reader.Next(op);) {
      EXPECT_EQ(op.kind, OpKind::kDelete);
      EXPECT_FALSE(Has(std::string(op.key)));
      ++deletes;
    }
  });
  EXPECT_EQ(deletes, gone);
}

// What is dead and waits for the sweep goes first; it counts as expired, not as evicted.
TEST_F(EvictorTest, TheDeadGoFirst) {
  for (int i = 0; i < 200; ++i) Put("dead" + std::to_string(i), 10);
  for (int i = 0; i < 200; ++i) Put("live" + std::to_string(i));
  Advance(10);
  Limit(EvictionPolicy::kAllKeysLru, 0.8, 10);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_EQ(Count("live", 0, 200), 200U);
  EXPECT_EQ(shard.evictor().counters().evicted_keys, 0U);
  EXPECT_GT(shard.keys().counters().expired_keys, 0U);
}

// A limit lowered far below what is used is reached in slices: a turn takes no longer than
// maxmemory-eviction-tenacity allows, here 500 us, and each goes on where the last one ended.
TEST_F(EvictorTest, ALoweredLimitIsReachedInSlices) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  options.limit_bytes = shard.Measure().Used() / 4;
  options.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 10};
  shard.SetMemoryOptions(options);
  clock.tick = 100;
  shard.BeginTurn();
  const int64_t began_us = clock.MonotonicUs();
  EXPECT_TRUE(shard.MakeRoom()) << "writes go on meanwhile";
  EXPECT_LE(clock.MonotonicUs() - began_us, 1000);
  EXPECT_TRUE(shard.budget().IsOver());
  EXPECT_GT(shard.evictor().ExceededUs(), 0);
  const size_t after_one = shard.keys().Size(0);
  EXPECT_LT(after_one, size_t{kKeys});
  EXPECT_GT(after_one, size_t{kKeys / 2});
  EXPECT_TRUE(shard.MakeRoom()) << "the turn's time is up";
  EXPECT_GE(shard.keys().Size(0), after_one - 32);
  int turns = 0;
  for (bool more = true; more && turns < 1000; ++turns) {
    shard.BeginTurn();
    more = !shard.Sweep(1000);
  }
  EXPECT_TRUE(WithinLimit());
  EXPECT_GT(turns, 10);
  EXPECT_EQ(shard.evictor().ExceededUs(), 0);
  EXPECT_GT(shard.evictor().counters().exceeded_us, 0);
}

// A write that comes while the limit is still exceeded frees at least what it takes.
TEST_F(EvictorTest, MemoryDoesNotGrowWhileItIsOverTheLimit) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  options.limit_bytes = shard.Measure().Used() / 4;
  options.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 0};
  shard.SetMemoryOptions(options);
  clock.tick = 10;
  size_t most = shard.Measure().Counted();
  for (int i = 0; i < 200; ++i) {
    batch.PutString(0, shard.keys().Ref("new" + std::to_string(i)), std::string(1000, 'n'), 0);
    size_t reserved = 0;
    const Shard::Room room = shard.Reserve(batch, 0, reserved);
    EXPECT_NE(room, Shard::Room::kNo);
    shard.Commit(batch);
    EXPECT_LE(shard.Measure().Counted(), most + 6000) << "but for a segment that splits";
    most = std::min(most, shard.Measure().Counted());
  }
}

// A large batch waits for its room over several turns, and nobody else takes it meanwhile.
TEST_F(EvictorTest, ALargeBatchWaitsForItsRoom) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  options.limit_bytes = shard.Measure().Used() + 10'000;
  options.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 1};
  shard.SetMemoryOptions(options);
  clock.tick = 10;
  WriteBatch large;
  large.PutString(0, shard.keys().Ref("large"), std::string(400'000, 'l'), 0);
  size_t reserved = 0;
  ASSERT_EQ(shard.Reserve(large, 0, reserved), Shard::Room::kLater);
  EXPECT_GE(reserved, 400'000U);
  int turns = 0;
  for (bool waits = true; waits && turns < 1000; ++turns) {
    Advance(1);
    batch.PutString(0, shard.keys().Ref("small" + std::to_string(turns)),
                    std::string(kValueBytes, 's'), 0);
    size_t small_reserved = 0;
    ASSERT_NE(shard.Reserve(batch, 0, small_reserved), Shard::Room::kNo);
    shard.Commit(batch);
    waits = shard.GoesOnWaiting(reserved);
  }
  EXPECT_GT(turns, 3);
  EXPECT_LT(turns, 1000);
  EXPECT_EQ(shard.Reserve(large, 0, reserved), Shard::Room::kYes);
  shard.Commit(large);
  EXPECT_TRUE(WithinLimit());
}

// Room that is kept for a command which never comes back is given to others.
TEST_F(EvictorTest, APromiseIsForgottenInTheEnd) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  options.limit_bytes = shard.Measure().Used() + 10'000;
  options.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 1};
  shard.SetMemoryOptions(options);
  clock.tick = 10;
  WriteBatch large;
  large.PutString(0, shard.keys().Ref("large"), std::string(400'000, 'l'), 0);
  size_t reserved = 0;
  ASSERT_EQ(shard.Reserve(large, 0, reserved), Shard::Room::kLater);
  EXPECT_GT(shard.Measure().promised(), 0U);
  Advance(1000);
  EXPECT_EQ(shard.Measure().promised(), 0U);
}

// A batch that could not fit into an empty shard must not empty this one.
TEST_F(EvictorTest, WhatCanNeverFitEvictsNothing) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  Limit(EvictionPolicy::kAllKeysLru, 1.1);
  batch.PutString(0, shard.keys().Ref("huge"), std::string(options.limit_bytes, 'h'), 0);
  size_t reserved = 0;
  EXPECT_EQ(shard.Reserve(batch, 0, reserved), Shard::Room::kNo);
  EXPECT_EQ(shard.keys().Size(0), size_t{kKeys});
}

// A large collection that was evicted is freed in slices. Until then it is used, but no reason to
// evict more.
TEST_F(EvictorTest, WhatIsGoingEvictsNothingMore) {
  std::vector<std::string> members;
  for (int i = 0; i < 20'000; ++i) members.push_back("member" + std::to_string(i));
  const std::vector<std::string_view> views(members.begin(), members.end());
  batch.SetAdd(0, shard.keys().Ref("set"), views);
  shard.Commit(batch);
  Advance(60'000);
  for (int i = 0; i < 100; ++i) Put("k" + std::to_string(i));
  Limit(EvictionPolicy::kAllKeysLru, 0.5, 2000);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_FALSE(Has("set"));
  EXPECT_EQ(Count("k", 0, 100), 100U);
  EXPECT_GT(shard.Measure().Used(), options.limit_bytes);
  while (!shard.Sweep(1000)) {
  }
  EXPECT_LT(shard.Measure().Used(), options.limit_bytes);
  EXPECT_EQ(Count("k", 0, 100), 100U);
}

class EndCounter final : public EventObserver {
 public:
  void KeyExpired(uint32_t, std::string_view key) override { expired.emplace_back(key); }
  void KeyEvicted(uint32_t, std::string_view key) override { evicted.emplace_back(key); }
  void SessionChanged(std::string_view, const SessionHandle&, SessionChange) override {}

  std::vector<std::string> expired;
  std::vector<std::string> evicted;
};

// Each key that goes is told of once, by its name; one that was dead already has expired.
TEST_F(EvictorTest, WhatIsEvictedIsTold) {
  for (int i = 0; i < kKeys; ++i) Put("k" + std::to_string(i));
  for (int i = 0; i < 100; ++i) Put("dead" + std::to_string(i), 5);
  Advance(5);
  EndCounter counter;
  shard.keys().set_event_observer(&counter);
  Limit(EvictionPolicy::kAllKeysLru, 0.8);
  EXPECT_TRUE(shard.MakeRoom());
  EXPECT_EQ(counter.evicted.size(), shard.evictor().counters().evicted_keys);
  EXPECT_GT(counter.evicted.size(), 100U);
  for (const std::string& key : counter.evicted) {
    EXPECT_FALSE(Has(key)) << key;
    EXPECT_EQ(key[0], 'k');
  }
  EXPECT_FALSE(counter.expired.empty());
  for (const std::string& key : counter.expired) EXPECT_EQ(key.substr(0, 4), "dead");
  shard.keys().set_event_observer(nullptr);
}

}  // namespace
}  // namespace cloakroom
