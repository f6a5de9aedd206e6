#include "store/wal/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/store/wal/wal_machine.h"

namespace cloakroom {
namespace {

using testing::HasSubstr;

class GroupCommitTest : public testing::Test {
 protected:
  static GroupCommit::Options With(SyncPolicy policy) {
    GroupCommit::Options options;
    options.policy = policy;
    options.log.segment_bytes = 10'000;
    options.log.reserve_bytes = 4'000;
    return options;
  }
  void Start(SyncPolicy policy) {
    const Result<void> started = machine.Start(With(policy));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    machine.Settle();
  }
  std::optional<Result<void>> Stop(TimeMs within_ms = 0) {
    std::optional<Result<void>> stopped;
    machine.log->Stop([&stopped](Result<void> result) { stopped = std::move(result); });
    EXPECT_FALSE(stopped.has_value()) << "called back from within the call";
    machine.Pass(within_ms);
    machine.Settle();
    return stopped;
  }

  WalMachine machine{5};
};

// A turn's records go out in one write; those of the next gather meanwhile.
TEST_F(GroupCommitTest, ATurnIsOneWrite) {
  Start(SyncPolicy::kNever);
  machine.AppendTurn(10);
  EXPECT_EQ(machine.log->Reached(AckLevel::kMemory), 10U);
  EXPECT_EQ(machine.os(), 0U);
  EXPECT_EQ(machine.disk.UnderWay(), 1U);
  machine.AppendTurn(5);
  EXPECT_EQ(machine.disk.UnderWay(), 1U) << "one write at a time";
  machine.changes = 0;
  machine.disk.Poll();
  EXPECT_EQ(machine.os(), 10U);
  EXPECT_EQ(machine.changes, 1);
  machine.disk.Poll();
  EXPECT_EQ(machine.os(), 15U);
  EXPECT_EQ(machine.on_disk(), 0U) << "nobody asked for it";
  machine.Pass(5000);
  EXPECT_EQ(machine.on_disk(), 0U);
}

TEST_F(GroupCommitTest, AlwaysSyncsEachWriteWithIt) {
  Start(SyncPolicy::kAlways);
  machine.AppendTurn(10);
  EXPECT_EQ(machine.disk.UnderWay(), 1U);
  machine.disk.Poll();
  EXPECT_EQ(machine.os(), 10U);
  EXPECT_EQ(machine.on_disk(), 10U);
}

TEST_F(GroupCommitTest, EverySecondSyncsAtMostOnceASecond) {
  Start(SyncPolicy::kEverySecond);
  int syncs = 0;
  uint64_t before = 0;
  for (int ms = 0; ms < 5000; ms += 10) {
    machine.AppendTurn();
    machine.Pass(10);
    EXPECT_EQ(machine.os(), machine.last);
    if (machine.on_disk() != before) ++syncs;
    before = machine.on_disk();
  }
  EXPECT_GE(syncs, 4);
  EXPECT_LE(syncs, 6);
  machine.Pass(1100);
  EXPECT_EQ(machine.on_disk(), machine.last) << "the last records too, though no write follows";
}

// A namespace may ask for more than the policy gives.
TEST_F(GroupCommitTest, AReplyMayAskForTheDisk) {
  Start(SyncPolicy::kNever);
  machine.Append();
  machine.Append();
  machine.log->NeedDisk(1);
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.on_disk(), 2U);
  machine.AppendTurn();
  machine.Settle();
  EXPECT_EQ(machine.on_disk(), 2U) << "once only";
  machine.log->NeedDisk(3);  // a read that depends on it comes later than the write
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.on_disk(), 3U);
}

TEST_F(GroupCommitTest, ThePolicyCanChange) {
  Start(SyncPolicy::kNever);
  machine.AppendTurn();
  machine.Settle();
  machine.log->set_policy(SyncPolicy::kAlways);
  machine.Settle();
  EXPECT_EQ(machine.on_disk(), 1U);
}

// Writes go on while a sync lasts: replies at kOs do not wait for it.
TEST_F(GroupCommitTest, ASlowSyncHoldsUpNoWrite) {
  Start(SyncPolicy::kEverySecond);
  machine.AppendTurn();
  machine.Settle();
  machine.disk.faults = {.slow = 1000, .slow_ms = 400};
  machine.clock.Advance(1000);
  machine.loop.Poll();
  ASSERT_TRUE(machine.log->SyncingSinceUs().has_value());
  machine.disk.faults = {};
  machine.AppendTurn();
  machine.disk.Poll();
  EXPECT_EQ(machine.os(), 2U);
  EXPECT_EQ(machine.on_disk(), 0U);
  machine.Pass(400);
  EXPECT_EQ(machine.on_disk(), 1U) << "what came after the sync began is not covered";
}

TEST_F(GroupCommitTest, SegmentsFollowEachOtherAndAreReadBack) {
  Start(SyncPolicy::kEverySecond);
  for (int i = 0; i < 1000; ++i) {
    machine.AppendTurn();
    machine.Pass(1);
  }
  EXPECT_GE(machine.log->writer().segments(), 4U);
  EXPECT_EQ(machine.log->writer().first(), 1U);
  EXPECT_EQ(machine.os(), 1000U);
  machine.Kill();
  ASSERT_TRUE(machine.Start(With(SyncPolicy::kNever)).has_value());
  EXPECT_EQ(machine.recovered.size(), 1000U);
  machine.AppendTurn();
  machine.Settle();
  EXPECT_EQ(machine.os(), 1001U) << "and the log goes on";
}

TEST_F(GroupCommitTest, ARecordMayBeLargerThanASegment) {
  Start(SyncPolicy::kEverySecond);
  machine.Append(300'000);
  machine.AppendTurn();
  machine.Settle();
  EXPECT_EQ(machine.os(), 2U);
  machine.AppendTurn();
  machine.Settle();
  EXPECT_EQ(machine.log->writer().segments(), 2U);
  machine.Kill();
  ASSERT_TRUE(machine.Start(With(SyncPolicy::kNever)).has_value());
  ASSERT_EQ(machine.recovered.size(), 3U);
  EXPECT_EQ(machine.recovered[0].second, OpsOf(1, 300'000));
}

TEST_F(GroupCommitTest, OldSegmentsGoOnlyWhenTold) {
  Start(SyncPolicy::kAlways);
  for (int i = 0; i < 1000; ++i) {
    machine.AppendTurn();
    machine.Settle();
  }
  WalWriter& writer = machine.log->writer();
  const size_t all = writer.segments();
  ASSERT_GE(all, 5U);
  writer.DropBefore(500, 0);
  machine.Settle();
  EXPECT_LE(writer.first(), 500U) << "record 500 is needed";
  EXPECT_LT(writer.segments(), all);
  EXPECT_EQ(machine.disk.ListNow("/log")->size(), writer.segments());
  writer.DropBefore(5000, 0);
  machine.Settle();
  EXPECT_EQ(writer.segments(), 1U) << "the newest stays";
  EXPECT_EQ(machine.disk.ListNow("/log")->size(), 1U);
}

TEST_F(GroupCommitTest, DroppedSegmentsMayBeKeptForAWhile) {
  Start(SyncPolicy::kAlways);
  for (int i = 0; i < 1000; ++i) {
    machine.AppendTurn();
    machine.Settle();
  }
  WalWriter& writer = machine.log->writer();
  writer.set_keep(30'000, 0);
  writer.DropBefore(1000, HeaderOf(1000).time_ms);
  EXPECT_GE(writer.bytes(), 30'000U);
  EXPECT_LE(writer.bytes(), 42'000U);
  writer.set_keep(0, 300);  // a record is a millisecond, in this test
  writer.DropBefore(1000, HeaderOf(1000).time_ms);
  EXPECT_LE(writer.first(), 700U);
  EXPECT_GE(writer.first(), 400U);
}

// A full disk must be known before a write is executed: its record cannot be taken back.
TEST_F(GroupCommitTest, AFullDiskRefusesWritesBeforeTheyAreExecuted) {
  machine.disk.capacity_bytes = 50'000;
  Start(SyncPolicy::kEverySecond);
  while (machine.log->CanAccept(100)) {
    ASSERT_LT(machine.last, 2000U);
    machine.Append(100);
    machine.log->EndTurn();
    machine.Pass(1);
    ASSERT_EQ(machine.os(), machine.last) << "what was accepted is written";
  }
  EXPECT_THAT(machine.log->refusal(), HasSubstr("No space left on device"));
  EXPECT_FALSE(machine.log->Congested()) << "reads go on";
  // What nobody can refuse, the log's own time, still fits into the reserve.
  machine.Append(0);
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.os(), machine.last);
  machine.Pass(3000);
  EXPECT_FALSE(machine.log->CanAccept(100));
  machine.disk.capacity_bytes = 1'000'000;
  machine.Pass(1100);
  EXPECT_TRUE(machine.log->CanAccept(100)) << "writes come back when the space does";
  EXPECT_EQ(machine.log->refusal(), "");
  EXPECT_EQ(machine.disk.counts().failed_writes, 0U);
}

TEST_F(GroupCommitTest, DroppingSegmentsBringsSpaceBackAtOnce) {
  machine.disk.capacity_bytes = 50'000;
  Start(SyncPolicy::kEverySecond);
  while (machine.log->CanAccept(100)) {
    machine.Append(100);
    machine.log->EndTurn();
    machine.Pass(1);
  }
  machine.log->writer().DropBefore(machine.last, 0);
  machine.Settle();
  machine.Settle();
  EXPECT_TRUE(machine.log->CanAccept(100));
}

// A record that is larger than what stands ready has its space made before it is accepted.
TEST_F(GroupCommitTest, ALargeRecordWaitsForItsSpace) {
  Start(SyncPolicy::kNever);
  EXPECT_EQ(machine.log->MakeRoom(100), LogRoom::kYes);
  EXPECT_EQ(machine.log->MakeRoom(50'000), LogRoom::kLater);
  EXPECT_EQ(machine.log->MakeRoom(100), LogRoom::kYes) << "others go on meanwhile";
  machine.changes = 0;
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_GT(machine.changes, 0) << "or nobody would know";
  ASSERT_EQ(machine.log->MakeRoom(50'000), LogRoom::kYes);
  machine.disk.capacity_bytes = machine.disk.UsedBytes();
  machine.Append(50'000);
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.os(), 1U);
}

// Accepted, it would never be written, and every reply after it would wait for it.
TEST_F(GroupCommitTest, ARecordLargerThanTheDiskIsRefusedAndNoOtherIs) {
  machine.disk.capacity_bytes = 50'000;
  Start(SyncPolicy::kNever);
  ASSERT_EQ(machine.log->MakeRoom(80'000), LogRoom::kLater);
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.log->MakeRoom(80'000), LogRoom::kNo);
  EXPECT_THAT(machine.log->denied_reason(), HasSubstr("No space left on device"));
  EXPECT_EQ(machine.log->refusal(), "") << "it is not the log that is full";
  EXPECT_EQ(machine.log->MakeRoom(20'000), LogRoom::kLater) << "a smaller one may fit";
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.log->MakeRoom(20'000), LogRoom::kYes);
  machine.disk.capacity_bytes = 1'000'000;
  machine.Pass(1100);
  EXPECT_EQ(machine.log->MakeRoom(80'000), LogRoom::kLater) << "it is tried again";
  machine.log->EndTurn();
  machine.Settle();
  EXPECT_EQ(machine.log->MakeRoom(80'000), LogRoom::kYes);
}

// Whoever waits for space must learn that there will be none.
TEST_F(GroupCommitTest, AFailedWriteRefusesWhoWaitsForSpace) {
  Start(SyncPolicy::kNever);
  machine.disk.faults.write_fails = 1000;
  machine.AppendTurn();
  ASSERT_EQ(machine.log->MakeRoom(50'000), LogRoom::kLater);
  machine.changes = 0;
  machine.Settle();
  EXPECT_GT(machine.changes, 0);
  EXPECT_EQ(machine.log->MakeRoom(50'000), LogRoom::kNo);
}

// The batch is written again to the same place; nothing of it is promised before.
TEST_F(GroupCommitTest, AFailedWriteIsTriedAgain) {
  Start(SyncPolicy::kAlways);
  machine.disk.faults.write_fails = 1000;
  machine.AppendTurn(3);
  machine.Pass(2500);
  EXPECT_EQ(machine.os(), 0U);
  EXPECT_FALSE(machine.log->CanAccept(1));
  EXPECT_THAT(machine.log->refusal(), HasSubstr("Input/output error"));
  machine.AppendTurn(2);
  machine.disk.faults = {};
  machine.Pass(1100);
  EXPECT_EQ(machine.on_disk(), 5U);
  EXPECT_TRUE(machine.log->CanAccept(1));
  machine.CutPower();
  ASSERT_TRUE(machine.Start(With(SyncPolicy::kNever)).has_value());
  EXPECT_EQ(machine.recovered.size(), 5U);
}

TEST_F(GroupCommitTest, AFailedSyncIsTheEnd) {
  for (const SyncPolicy policy : {SyncPolicy::kAlways, SyncPolicy::kEverySecond}) {
    WalMachine other(7);
    ASSERT_TRUE(other.Start(With(policy)).has_value());
    other.Settle();
    other.disk.faults.sync_fails = 1000;
    other.AppendTurn();
    other.Pass(1100);
    EXPECT_THAT(other.failure, HasSubstr("cannot sync /log/00000000000000000001.wal"));
    other.disk.faults = {};
    other.AppendTurn();
    other.Pass(3000);
    EXPECT_EQ(other.on_disk(), 0U) << "no later sync proves anything";
    std::optional<Result<void>> stopped;
    other.log->Stop([&stopped](Result<void> result) { stopped = std::move(result); });
    other.Pass(1);
    ASSERT_TRUE(stopped.has_value());
    EXPECT_EQ(stopped->error().code, Code::kSyncFailed);
  }
}

TEST_F(GroupCommitTest, StoppingWritesAndSyncsAll) {
  Start(SyncPolicy::kNever);
  machine.AppendTurn(3);
  machine.Append();
  const std::optional<Result<void>> stopped = Stop();
  ASSERT_TRUE(stopped.has_value());
  EXPECT_TRUE(stopped->has_value());
  EXPECT_EQ(machine.on_disk(), 4U);
  machine.CutPower();
  // One bit of the last record rots: it is known to have been there.
  machine.disk.FlipBit("/log/" + WalSegmentName(1), (kWalHeaderBytes + 3 * 56 + 40) * 8);
  const Result<void> started = machine.Start(With(SyncPolicy::kNever));
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code, Code::kDamaged);
}

TEST_F(GroupCommitTest, StoppingDoesNotWaitForAFullDisk) {
  Start(SyncPolicy::kNever);
  machine.disk.faults.write_fails = 1000;
  machine.AppendTurn();
  const std::optional<Result<void>> stopped = Stop();
  ASSERT_TRUE(stopped.has_value());
  EXPECT_FALSE(stopped->has_value());
}

TEST_F(GroupCommitTest, ADiskThatCannotKeepUpIsSaidSo) {
  GroupCommit::Options options = With(SyncPolicy::kNever);
  options.pending_bytes_max = 2000;
  ASSERT_TRUE(machine.Start(options).has_value());
  machine.Settle();
  EXPECT_FALSE(machine.log->Congested());
  machine.AppendTurn(60);
  EXPECT_TRUE(machine.log->Congested());
  machine.changes = 0;
  machine.Settle();
  EXPECT_FALSE(machine.log->Congested());
  EXPECT_GT(machine.changes, 0);
}

// The process may end at any moment, with callbacks under way.
TEST_F(GroupCommitTest, NothingIsToldOnceItIsGone) {
  for (int polls = 0; polls < 12; ++polls) {
    WalMachine other(static_cast<uint64_t>(polls));
    ASSERT_TRUE(other.Start(With(SyncPolicy::kEverySecond)).has_value());
    for (int i = 0; i < polls; ++i) {
      other.Append(3000);
      other.log->EndTurn();
      other.disk.Poll();
    }
    other.log.reset();
    other.Pass(5);
  }
}

}  // namespace
}  // namespace cloakroom
