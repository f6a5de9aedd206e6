#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/table/keyspace.h"
#include "tests/support/keyspace_log.h"

namespace cloakroom {
namespace {

class KeyspaceSweepTest : public testing::Test {
 protected:
  [[nodiscard]] KeyRef Ref(std::string_view key) const { return log.keys.Ref(key); }
  void AddMany(std::string_view key, size_t members) {
    for (size_t i = 0; i < members; ++i) log.SetAdd(key, {"m" + std::to_string(i)});
  }
  void PutMany(size_t count, uint32_t db, TimeMs deadline) {
    for (size_t i = 0; i < count; ++i) log.Put("k" + std::to_string(i), "value", deadline, db);
  }

  /// What a keyspace without a key holds.
  [[nodiscard]] static size_t EmptyBytes() { return Keyspace(16, 1).memory().Total(); }

  KeyspaceLog log;
  Keyspace& keys = log.keys;
  WriteBatch& batch = log.batch;
};

// The memory of the dead comes back without anybody reading them, a bounded part at a time.
TEST_F(KeyspaceSweepTest, FreesTheDueInSlices) {
  const TimeMs deadline = log.now + 1000;
  PutMany(1000, 0, deadline);
  PutMany(1000, 7, deadline);
  log.Put("stays", "v");
  int sweeps = 0;
  while (!keys.Sweep(log.now, 400)) ASSERT_LT(++sweeps, 100);
  EXPECT_EQ(keys.Size(0) + keys.Size(7), 2001U) << "nothing is due yet";
  EXPECT_GT(keys.NextDue(), log.now);
  EXPECT_LE(keys.NextDue(), deadline);

  log.now = deadline;
  ASSERT_FALSE(keys.Sweep(log.now, 400));
  const size_t left = keys.Size(0) + keys.Size(7);
  EXPECT_LT(left, 2001U);
  EXPECT_GE(left, 2001U - 400) << "a sweep stays within its budget";
  EXPECT_LT(keys.Size(0), 1001U) << "and is fair to both databases";
  EXPECT_LT(keys.Size(7), 1000U);
  sweeps = 0;
  while (!keys.Sweep(log.now, 400)) ASSERT_LT(++sweeps, 100);
  EXPECT_EQ(keys.Size(0), 1U);
  EXPECT_EQ(keys.Size(7), 0U);
  EXPECT_EQ(keys.counters().expired_keys, 2000U);
  EXPECT_EQ(keys.NextDue(), kNoDeadline);
}

// A flush is one step for all who read; the work of freeing is done later, in slices.
TEST_F(KeyspaceSweepTest, FlushSetsAsideAndSweepFrees) {
  PutMany(5000, 0, kNoDeadline);
  PutMany(5000, 1, log.now + 5);
  batch.FlushDb(0);
  batch.PutString(0, Ref("k1"), "new", kNoDeadline);
  log.Apply();
  EXPECT_EQ(keys.Size(0), 1U);
  EXPECT_EQ(keys.Detached(), 5000U);
  batch.FlushAll();
  log.Apply();
  EXPECT_EQ(keys.Size(0) + keys.Size(1), 0U);
  EXPECT_EQ(keys.Detached(), 10'001U);
  EXPECT_GT(keys.memory().Total(), 10'001 * 16U) << "what is set aside still counts";

  const size_t before = keys.Detached();
  ASSERT_FALSE(keys.Sweep(log.now, 1000));
  EXPECT_LT(keys.Detached(), before);
  EXPECT_GE(keys.Detached() + 1000, before);
  int sweeps = 0;
  while (!keys.Sweep(log.now, 1000)) ASSERT_LT(++sweeps, 100);
  EXPECT_EQ(keys.Detached(), 0U);
  EXPECT_EQ(keys.counters().freed_detached, 10'001U);
  EXPECT_EQ(keys.memory().Total(), EmptyBytes());
}

// Large collections are freed in slices whatever ends them.
TEST_F(KeyspaceSweepTest, LargeCollectionsAreFreedInSlices) {
  for (const char* key : {"deleted", "replaced", "expired", "renamed over", "flushed"})
    AddMany(key, 1000);
  log.Put("source", "v");
  batch.Delete(0, Ref("deleted"));
  batch.PutString(0, Ref("replaced"), "v", kNoDeadline);
  batch.Rename(0, Ref("source"), 0, Ref("renamed over"));
  batch.SetDeadline(0, Ref("expired"), log.now + 1);
  log.Apply();
  EXPECT_EQ(keys.Detached(), 3000U);
  log.now += 1;
  int sweeps = 0;
  while (keys.Size(0) > 3) {
    keys.Sweep(log.now, 8);
    ASSERT_LT(++sweeps, 100);
  }
  EXPECT_GT(keys.Detached(), 3000U);
  batch.FlushDb(0);
  log.Apply();
  sweeps = 0;
  for (size_t before = keys.Detached(); before > 0; before = keys.Detached()) {
    keys.Sweep(log.now, 100);
    // An entry of the flushed database may bring what it points to, once.
    ASSERT_GE(keys.Detached() + 100, before);
    ASSERT_LT(++sweeps, 1000);
  }
  EXPECT_EQ(keys.memory().Total(), EmptyBytes()) << "to the byte: the sums were kept in step";
}

// A huge string is one block, and yet its pages go back a few at a time, whatever ends it.
TEST_F(KeyspaceSweepTest, HugeStringsAreFreedInSlices) {
  constexpr size_t kHuge = 8 << 20;
  const std::string huge(kHuge, 'x');
  for (const char* key : {"deleted", "replaced"}) log.Put(key, huge);
  log.Put("flushed", huge, kNoDeadline, 1);
  batch.Delete(0, Ref("deleted"));
  batch.PutString(0, Ref("replaced"), "small", kNoDeadline);
  batch.FlushDb(1);
  log.Apply();
  EXPECT_GE(keys.memory().Total(), 3 * kHuge) << "nothing was freed yet";
  constexpr size_t kBudget = 100;
  int sweeps = 0;
  for (bool done = false; !done;) {
    const size_t before = keys.memory().Total();
    done = keys.Sweep(log.now, kBudget);
    ASSERT_GE(keys.memory().Total() + 2 * kBudget * 4096, before);
    ASSERT_LT(++sweeps, 1000);
  }
  EXPECT_GT(sweeps, 30);
  EXPECT_LT(keys.memory().Total(), kHuge);
  log.Put("again", huge);  // what is put off goes with the keyspace at the latest
  batch.Delete(0, Ref("again"));
  log.Apply();
}

TEST_F(KeyspaceSweepTest, SweepDetachedFreesAtOnce) {
  PutMany(1000, 0, kNoDeadline);
  AddMany("set", 1000);
  batch.FlushDb(0);
  log.Apply();
  PutMany(2000, 1, log.now + 5);
  batch.FlushDb(1);
  log.Apply();
  keys.SweepDetached();
  EXPECT_EQ(keys.Detached(), 0U);
  EXPECT_EQ(keys.counters().freed_detached, 1000U + 1001U + 2000U);
  EXPECT_EQ(keys.memory().Total(), EmptyBytes());
}

// A keyspace that ends while collections stand and others are set aside must free them all: the
// sanitizer tells.
TEST_F(KeyspaceSweepTest, LeaksNothingAtItsEnd) {
  AddMany("flushed", 1000);
  batch.FlushAll();
  log.Apply();
  AddMany("stands", 1000);
  EXPECT_EQ(keys.Detached(), 1U);
}

}  // namespace
}  // namespace cloakroom
