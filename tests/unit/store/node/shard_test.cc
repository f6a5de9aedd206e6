#include "store/node/shard.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/op/op_reader.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class ShardTest : public testing::Test {
 protected:
  uint64_t Put(std::string_view key, std::string_view value, TimeMs deadline = kNoDeadline) {
    batch.PutString(0, shard.keys().Ref(key), value, deadline);
    return shard.Commit(batch);
  }
  [[nodiscard]] const Entry* Find(std::string_view key) const {
    return shard.keys().Find(0, shard.keys().Ref(key), shard.now());
  }
  struct Record {
    RecordHeader header;
    size_t ops = 0;
  };
  std::vector<Record> Records() {
    std::vector<Record> records;
    shard.log().Read(shard.log().first(), [&](const RecordHeader& header, std::string_view ops) {
      records.push_back({header, 0});
      OpReader reader(ops);
      for (Op op; reader.Next(op);) ++records.back().ops;
    });
    return records;
  }

  ManualClock clock;
  SeededRandom random{1};
  Shard shard{clock, random, {}};
  WriteBatch batch;
};

// One command is one record: applied at once, and in the log with its number and time.
TEST_F(ShardTest, ACommitIsOneRecord) {
  EXPECT_EQ(Put("a", "1"), 1U);
  EXPECT_TRUE(batch.empty());
  clock.Advance(5);
  EXPECT_EQ(shard.now(), clock.WallMs() - 5) << "the clock is read once a turn";
  shard.BeginTurn();
  batch.PutString(0, shard.keys().Ref("b"), "2", kNoDeadline);
  batch.Delete(0, shard.keys().Ref("a"));
  EXPECT_EQ(shard.Commit(batch), 2U);
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(Find("b")->value(), "2");
  const std::vector<Record> records = Records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].header.time_ms + 5, records[1].header.time_ms);
  EXPECT_EQ(records[1].header.sequence, 2U);
  EXPECT_EQ(records[1].header.epoch, 1U);
  EXPECT_EQ(records[1].ops, 2U);
  EXPECT_EQ(shard.Reached(AckLevel::kMemory), 2U);
  EXPECT_EQ(shard.Reached(AckLevel::kDisk), 0U) << "there is no log on disk";
}

TEST_F(ShardTest, NothingWrittenIsNoRecord) {
  EXPECT_EQ(shard.Commit(batch), 0U);
  Put("a", "1");
  EXPECT_EQ(shard.Commit(batch), 1U);
  shard.OpenRecord();
  EXPECT_EQ(shard.Commit(batch), 1U);
  shard.CloseRecord();
  EXPECT_EQ(shard.log().last(), 1U);
}

// EXEC: each command sees what those before it did, and all of them are one record.
TEST_F(ShardTest, AnOpenRecordAppliesAtOnceAndLogsAtItsEnd) {
  shard.OpenRecord();
  EXPECT_EQ(Put("a", "1"), 1U);
  EXPECT_EQ(Find("a")->value(), "1");
  EXPECT_EQ(shard.log().last(), 0U) << "an open record is not in the log";
  EXPECT_EQ(Put("b", "2"), 1U);
  EXPECT_EQ(shard.Commit(batch), 1U) << "a read inside depends on its own record";
  shard.CloseRecord();
  ASSERT_EQ(Records().size(), 1U);
  EXPECT_EQ(Records()[0].ops, 2U);
  EXPECT_EQ(Put("c", "3"), 2U);
}

// A wall clock that is set back must not make the dead live again, nor stop time.
TEST_F(ShardTest, TimeNeverGoesBackAndNeverStops) {
  const TimeMs start = shard.now();
  Put("k", "v", start + 1000);
  clock.JumpWall(-3'600'000);
  shard.BeginTurn();
  EXPECT_EQ(shard.now(), start);
  for (int i = 0; i < 999; ++i) {
    clock.Advance(1);
    shard.BeginTurn();
  }
  EXPECT_EQ(shard.now(), start + 999) << "it runs on by the monotonic clock";
  EXPECT_NE(Find("k"), nullptr);
  clock.Advance(1);
  shard.BeginTurn();
  EXPECT_EQ(Find("k"), nullptr);
  clock.JumpWall(3'600'000);
  clock.Advance(10);
  shard.BeginTurn();
  EXPECT_EQ(shard.now(), start + 1010) << "the wall clock leads again";
  clock.JumpWall(50'000);
  shard.BeginTurn();
  EXPECT_EQ(shard.now(), clock.WallMs());
}

/// A clock whose monotonic part moves by less than a millisecond.
class FineClock final : public Clock {
 public:
  [[nodiscard]] TimeMs WallMs() override { return wall_ms; }
  [[nodiscard]] int64_t MonotonicUs() override { return monotonic_us; }
  [[nodiscard]] int64_t ThreadCpuUs() override { return monotonic_us; }
  TimeMs wall_ms = 1'700'000'000'000;
  int64_t monotonic_us = 500;
};

// Turns are shorter than a millisecond: what is cut off in each must not add up.
TEST(ShardTimeTest, LosesNoPartOfAMillisecond) {
  FineClock clock;
  SeededRandom random(1);
  Shard shard(clock, random, {});
  const TimeMs start = shard.now();
  clock.wall_ms -= 1000;
  for (int turn = 0; turn < 3000; ++turn) {
    clock.monotonic_us += 300;
    shard.BeginTurn();
  }
  EXPECT_EQ(shard.now(), start + 900);
}

// Replicas expire by the log, so a silent primary must tell them the time when something is due.
TEST_F(ShardTest, LogsTheTimeWhenADeadlinePassed) {
  Put("a", "1", shard.now() + 100);
  clock.Advance(99);
  shard.BeginTurn();
  EXPECT_TRUE(shard.Sweep(1000));
  EXPECT_EQ(shard.log().last(), 1U) << "nothing is due";
  clock.Advance(200);
  shard.BeginTurn();
  while (!shard.Sweep(1000)) {
  }
  ASSERT_EQ(Records().size(), 2U);
  EXPECT_EQ(Records()[1].ops, 0U);
  EXPECT_EQ(Records()[1].header.time_ms, shard.now());
  EXPECT_EQ(shard.keys().Size(0), 0U);
  EXPECT_TRUE(shard.Sweep(1000));
  EXPECT_EQ(shard.log().last(), 2U) << "once";
}

// A record that was written anyway carries the time.
TEST_F(ShardTest, LogsNoTimeWhenARecordCarriedIt) {
  Put("a", "1", shard.now() + 100);
  clock.Advance(300);
  shard.BeginTurn();
  Put("b", "2");
  while (!shard.Sweep(1000)) {
  }
  EXPECT_EQ(shard.log().last(), 2U);
  EXPECT_EQ(shard.keys().Size(0), 1U);
}

TEST_F(ShardTest, LogsTheTimeEachSecondOfSilence) {
  clock.Advance(5000);
  shard.BeginTurn();
  EXPECT_TRUE(shard.Sweep(1000));
  EXPECT_EQ(shard.log().last(), 0U) << "a log that never began has nobody to tell";
  Put("a", "1");
  for (int turn = 0; turn < 35; ++turn) {
    clock.Advance(100);
    shard.BeginTurn();
    EXPECT_TRUE(shard.Sweep(1000));
  }
  EXPECT_EQ(shard.log().last(), 1U + 3);
}

// Before commands read, what is due ends; when nothing is, not even the time is logged.
TEST_F(ShardTest, WhatIsDueEndsBeforeItIsRead) {
  Put("a", "1", shard.now() + 10);
  shard.EndDue(100);
  EXPECT_EQ(shard.log().last(), 1U);
  clock.Advance(10);
  shard.BeginTurn();
  shard.EndDue(100);
  EXPECT_EQ(shard.keys().Size(0), 0U);
  EXPECT_EQ(shard.log().last_time(), shard.now());
  const uint64_t newest = shard.log().last();
  shard.EndDue(100);
  EXPECT_EQ(shard.log().last(), newest);
  EXPECT_EQ(shard.last_change(), 1U) << "to tell the time is no change";
}

// Whoever is told of a change waits for its record, also while that is open.
TEST_F(ShardTest, AnOpenRecordIsTheLastChange) {
  Put("a", "1");
  shard.OpenRecord();
  EXPECT_EQ(shard.last_change(), 1U);
  EXPECT_EQ(Put("b", "2"), 2U);
  EXPECT_EQ(shard.last_change(), 2U);
  shard.CloseRecord();
  EXPECT_EQ(shard.last_change(), 2U);
}

// Who follows a primary that ends keys by itself must not end one before that does.
TEST_F(ShardTest, WhileTimeIsHeldNothingDies) {
  Put("a", "1", shard.now() + 100);
  const TimeMs logged = shard.newest().time_ms;
  shard.set_time_held(true);
  clock.Advance(5000);
  shard.BeginTurn();
  EXPECT_EQ(Find("a"), nullptr) << "readers go by the clock";
  EXPECT_TRUE(shard.Sweep(1000));
  EXPECT_EQ(shard.keys().Size(0), 1U);
  Put("b", "2");
  ASSERT_EQ(Records().size(), 2U) << "the time is not told";
  EXPECT_EQ(Records()[1].header.time_ms, logged);
  EXPECT_TRUE(shard.Sweep(1000));
  EXPECT_EQ(shard.keys().Size(0), 2U);
  shard.set_time_held(false);
  while (!shard.Sweep(1000)) {
  }
  EXPECT_EQ(shard.keys().Size(0), 1U);
  EXPECT_EQ(shard.newest().time_ms, shard.now());
}

TEST_F(ShardTest, RecordsDoNotNest) {
  shard.OpenRecord();
  EXPECT_DEATH(shard.OpenRecord(), "broken invariant");
  EXPECT_DEATH(shard.BeginTurn(), "broken invariant");
  EXPECT_DEATH(shard.Sweep(1), "broken invariant");
  shard.CloseRecord();
  EXPECT_DEATH(shard.CloseRecord(), "broken invariant");
}

}  // namespace
}  // namespace cloakroom
