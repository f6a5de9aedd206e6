#include "store/node/persistence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/image/image_files.h"
#include "tests/support/persistent_shard.h"

namespace cloakroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PersistenceTest : public testing::Test {
 protected:
  void PutMany(int count) {
    for (int i = 0; i < count; ++i) node.Put("key" + std::to_string(i));
  }

  PersistentShard node;
};

// Nothing on disk is an empty state, and the log begins with the first record.
TEST_F(PersistenceTest, AnEmptyDirectoryIsAnEmptyState) {
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.persistence->started());
  EXPECT_EQ(node.shard->newest().sequence, 0U);
  EXPECT_EQ(node.Put("a"), 1U);
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 1U);
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("a"));
}

// Until all is loaded the shard says so, and there is no image to begin.
TEST_F(PersistenceTest, WhileLoadingNothingIsSaved) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  node.Begin();
  ASSERT_TRUE(node.persistence->Open());
  EXPECT_TRUE(node.shard->loading());
  EXPECT_EQ(node.persistence->BeginImage().error().code, Code::kLoading);
  EXPECT_EQ(node.persistence->SaveNow().error().code, Code::kLoading);
  bool more = true;
  while (more) {
    const Result<bool> loaded = node.persistence->Load();
    ASSERT_TRUE(loaded);
    more = *loaded;
  }
  EXPECT_FALSE(node.shard->loading());
  EXPECT_TRUE(node.Has("a"));
}

// A rule is met when both its changes and its time are: not before, and once.
TEST_F(PersistenceTest, ARuleNeedsBothItsChangesAndItsTime) {
  node.options.save_rules = {{1000, 3}};
  ASSERT_TRUE(node.Start());
  node.Pass(2000);
  PutMany(2);
  node.Pass(500);
  EXPECT_EQ(node.persistence->status().saves, 0U) << "too few changes";
  PutMany(1);
  node.Pass(500);
  EXPECT_EQ(node.persistence->status().saves, 1U);
  PutMany(5);
  node.Pass(300);
  EXPECT_EQ(node.persistence->status().saves, 1U) << "too soon after the last";
  node.Pass(1000);
  EXPECT_EQ(node.persistence->status().saves, 2U);
  node.Pass(5000);
  EXPECT_EQ(node.persistence->status().saves, 2U) << "nothing has changed";
}

// A log that has grown long behind its image asks for the next one by itself.
TEST_F(PersistenceTest, ALongLogAsksForAnImage) {
  node.options.log_bytes_min = 4000;
  ASSERT_TRUE(node.Start());
  PutMany(10);
  node.Pass(300);
  EXPECT_EQ(node.persistence->status().saves, 0U);
  PutMany(100);
  node.Pass(300);
  EXPECT_EQ(node.persistence->status().saves, 1U);
}

// So many images are kept, and the log back to the oldest of them: each can take the place of a
// newer one that is damaged.
TEST_F(PersistenceTest, KeepsImagesAndTheLogBehindTheOldest) {
  node.options.images_kept = 2;
  node.options.log_segment_bytes = 500;
  ASSERT_TRUE(node.Start());
  std::vector<uint64_t> saved;
  for (int i = 0; i < 4; ++i) {
    PutMany(50);
    saved.push_back(node.shard->newest().sequence);
    ASSERT_TRUE(node.Save().value());
  }
  EXPECT_THAT(node.Files(), ElementsAre(ImageName(saved[2]), ImageName(saved[3])));
  const uint64_t first = node.persistence->status().log_first;
  EXPECT_LE(first, saved[2] + 1);
  EXPECT_GT(first, saved[1]) << "what only older images needed is gone";
  node.options.images_kept = 1;
  node.persistence->SetOptions(node.options);
  node.Pass(100);
  EXPECT_THAT(node.Files(), ElementsAre(ImageName(saved[3])));
}

// An image that is damaged is no image that is kept: else the next one would take the log away that
// the last good one needs.
TEST_F(PersistenceTest, ADamagedImageDoesNotCountAsKept) {
  node.options.images_kept = 2;
  node.options.log_segment_bytes = 500;
  ASSERT_TRUE(node.Start());
  PutMany(50);
  const uint64_t good = node.shard->newest().sequence;
  ASSERT_TRUE(node.Save().value());
  PutMany(50);
  const std::string damaged = ImageName(node.shard->newest().sequence);
  ASSERT_TRUE(node.Save().value());
  node.End();
  node.machine.disk.FlipBit("/data/" + damaged, 1000);
  ASSERT_TRUE(node.Start());
  EXPECT_THAT(node.Files(), ElementsAre(ImageName(good), damaged + ".damaged"));
  PutMany(50);
  const std::string newest = ImageName(node.shard->newest().sequence);
  ASSERT_TRUE(node.Save().value());
  const uint64_t last = node.shard->newest().sequence;
  node.End();
  node.machine.disk.FlipBit("/data/" + newest, 1000);
  ASSERT_TRUE(node.Start());
  EXPECT_EQ(node.shard->newest().sequence, last);
}

// An image is never ahead of the log on disk: if it were damaged, the image before and the log
// would have a gap between them and what came after.
TEST_F(PersistenceTest, AnImageWaitsForTheLog) {
  node.options.sync = SyncPolicy::kNever;
  ASSERT_TRUE(node.Start());
  node.Put("a");
  ASSERT_EQ(node.shard->Reached(AckLevel::kDisk), 0U);
  ASSERT_TRUE(node.Save().value());
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 1U);
}

// On a disk that takes nothing an image keeps nothing of what changes meanwhile: it has not begun.
// Who asked for it is told in the end.
TEST_F(PersistenceTest, AnImageDoesNotBeginBeforeTheLogIsOnDisk) {
  node.options.sync = SyncPolicy::kNever;
  ASSERT_TRUE(node.Start());
  node.Put("a");
  node.machine.disk.faults.write_fails = 1000;
  node.Put("b");
  const Result<uint64_t> job = node.persistence->BeginImage();
  ASSERT_TRUE(job);
  node.Pass(5000);
  EXPECT_FALSE(node.persistence->JobResult(*job).has_value());
  EXPECT_EQ(node.persistence->status().save_memory_bytes, 0U);
  node.Pass(6000);
  ASSERT_TRUE(node.persistence->JobResult(*job).has_value());
  EXPECT_THAT(node.persistence->JobResult(*job)->error().message, HasSubstr("Input/output error"));
  node.machine.disk.faults = {};
  node.Pass(2000);
  EXPECT_TRUE(node.Save().value());
}

// What changes while the disk stalls is kept for the image, but not without end; and no write is
// refused for that, for the disk has failed nothing.
TEST_F(PersistenceTest, AnImageThatTheDiskLeavesBehindIsGivenUp) {
  node.options.log = false;
  node.options.save_rules = {{100, 1}};
  node.options.image_behind_bytes = size_t{6} << 20;
  node.options.zstd_level = 0;
  ASSERT_TRUE(node.Start());
  const std::string value(10'000, 'x');
  for (int i = 0; i < 1000; ++i) node.Put("key" + std::to_string(i), value);
  const uint64_t counted = node.persistence->BufferBytes();
  const Result<uint64_t> job = node.persistence->BeginImage();
  ASSERT_TRUE(job);
  node.persistence->Step();
  node.machine.disk.faults = {.slow = 1000, .slow_ms = 1'000'000};
  for (int i = 0; i < 50; ++i) node.Put("key" + std::to_string(i), "new");
  node.Pass(100);
  ASSERT_FALSE(node.persistence->JobResult(*job).has_value()) << "so much may wait";
  const PersistenceStatus status = node.persistence->status();
  EXPECT_GT(status.save_memory_bytes, 100'000U);
  EXPECT_GE(node.persistence->BufferBytes(), counted + status.save_memory_bytes);
  for (int i = 0; i < 1000; ++i) node.Put("key" + std::to_string(i), "new");
  node.Pass(100);
  ASSERT_TRUE(node.persistence->JobResult(*job).has_value());
  EXPECT_THAT(node.persistence->JobResult(*job)->error().message, HasSubstr("wait in memory"));
  EXPECT_EQ(node.persistence->BufferBytes(), counted);
  EXPECT_TRUE(node.shard->CanAccept(1));
  EXPECT_FALSE(node.persistence->status().last_save_good);
  node.machine.disk.faults = {};
  node.Pass(1'200'000);
  EXPECT_TRUE(node.persistence->status().last_save_good) << "it is tried again";
}

// Who asked for a job learns how it ended, for a while; a second one at the same time is refused.
TEST_F(PersistenceTest, AJobHasOneResult) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  const Result<uint64_t> job = node.persistence->BeginImage();
  ASSERT_TRUE(job);
  EXPECT_FALSE(node.persistence->JobResult(*job).has_value()) << "it is under way";
  EXPECT_EQ(node.persistence->BeginImage().error().code, Code::kUnavailable);
  node.Pass(200);
  ASSERT_TRUE(node.persistence->JobResult(*job).has_value());
  EXPECT_TRUE(*node.persistence->JobResult(*job));
  EXPECT_EQ(node.jobs_done, 1);
  EXPECT_FALSE(*node.persistence->JobResult(*job + 1)) << "nobody has begun it";
}

// What is scheduled while an image is being taken is begun once, when that has ended, and has what
// was changed meanwhile.
TEST_F(PersistenceTest, AScheduledImageFollowsTheOneUnderWay) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  EXPECT_TRUE(node.persistence->ScheduleImage().value());
  EXPECT_FALSE(node.persistence->status().save_scheduled);
  EXPECT_FALSE(node.persistence->ScheduleImage().value());
  EXPECT_FALSE(node.persistence->ScheduleImage().value());
  EXPECT_TRUE(node.persistence->status().save_scheduled);
  node.persistence->Step();
  node.Put("b");
  node.Pass(500);
  EXPECT_EQ(node.persistence->status().saves, 2U);
  EXPECT_FALSE(node.persistence->status().save_scheduled);
  EXPECT_THAT(node.Files(), ElementsAre(ImageName(1), ImageName(2)));
}

// BGSAVE may stand within an EXEC: what that changes is in the image whole, or behind it.
TEST_F(PersistenceTest, AnImageDoesNotCutARecordInTwo) {
  ASSERT_TRUE(node.Start());
  Shard& shard = *node.shard;
  const auto append = [&](uint64_t offset) {
    WriteBatch batch;
    batch.AppendString(0, shard.keys().Ref("a"), offset, "value");
    static_cast<void>(shard.Commit(batch));
  };
  shard.BeginTurn();
  shard.OpenRecord();
  append(0);
  ASSERT_TRUE(node.persistence->BeginImage());
  append(5);
  shard.CloseRecord();
  shard.EndTurn();
  node.Pass(200);
  ASSERT_EQ(node.persistence->status().saves, 1U);
  ASSERT_TRUE(node.Start());
  const Entry* const entry = node.shard->keys().Find(0, node.shard->keys().Ref("a"), 0);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->value(), "valuevalue");
}

// A backup is a file apart: it is no image that the next start would find.
TEST_F(PersistenceTest, ABackupIsNoImageOfTheDirectory) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  ASSERT_TRUE(node.persistence->BeginBackup("/data/mine.img"));
  node.Pass(200);
  EXPECT_TRUE(node.persistence->status().last_backup_good);
  EXPECT_EQ(node.persistence->status().saves, 0U);
  EXPECT_THAT(node.Files(), ElementsAre("mine.img"));
}

// While images fail that somebody relies on, no write is accepted; a good one ends that, and it is
// tried again although nothing has changed.
TEST_F(PersistenceTest, AFailedImageStopsWritesUntilAGoodOne) {
  node.options.save_rules = {{100, 1}};
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  node.Put("a");
  node.machine.disk.capacity_bytes = 0;
  node.Pass(500);
  EXPECT_FALSE(node.persistence->status().last_save_good);
  EXPECT_FALSE(node.shard->CanAccept(1));
  EXPECT_THAT(node.shard->refusal(), HasSubstr("stop-writes-on-bgsave-error"));
  node.machine.disk.capacity_bytes = UINT64_MAX;
  node.Pass(6000);
  EXPECT_TRUE(node.persistence->status().last_save_good);
  EXPECT_TRUE(node.shard->CanAccept(1));
}

// On a full disk nothing is evicted: the ends could not be logged, and each reply would wait for
// them. When there is space again, eviction goes on by itself.
TEST_F(PersistenceTest, AFullDiskHoldsUpEvictionAndNoReplies) {
  ASSERT_TRUE(node.Start());
  PutMany(500);
  node.machine.disk.capacity_bytes = 0;
  const std::string large(1 << 16, 'v');
  for (int i = 0; i < 500 && node.shard->CanAccept(256); ++i) node.Put("large", large);
  ASSERT_TRUE(node.shard->Refuses());
  Shard::MemoryOptions memory;
  memory.limit_bytes = node.shard->Measure().Counted() / 2;
  memory.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 100};
  node.shard->SetMemoryOptions(memory);
  const size_t keys = node.shard->keys().Size(0);
  const uint64_t last_change = node.shard->last_change();
  EXPECT_TRUE(node.shard->Sweep(1000));
  EXPECT_FALSE(node.shard->MakeRoom());
  EXPECT_EQ(node.shard->keys().Size(0), keys);
  EXPECT_EQ(node.shard->last_change(), last_change);
  EXPECT_FALSE(node.shard->evictor().IsStuck());
  node.machine.disk.capacity_bytes = UINT64_MAX;
  node.Pass(6000);
  ASSERT_FALSE(node.shard->Refuses());
  EXPECT_TRUE(node.shard->Sweep(1000));
  EXPECT_LT(node.shard->keys().Size(0), keys);
  EXPECT_FALSE(node.shard->Measure().IsOver());
}

// The option lets writes go on; so does having no rules, for then nobody relies on images.
TEST_F(PersistenceTest, AFailedImageStopsNothingWhereNobodyReliesOnIt) {
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  node.machine.disk.capacity_bytes = 0;
  node.Put("a");
  EXPECT_FALSE(node.Save().value());
  EXPECT_TRUE(node.shard->CanAccept(1)) << "there are no rules";
  node.options.save_rules = {{100, 1}};
  node.persistence->SetOptions(node.options);
  EXPECT_FALSE(node.shard->CanAccept(1));
  node.options.stop_writes_on_failure = false;
  node.persistence->SetOptions(node.options);
  EXPECT_TRUE(node.shard->CanAccept(1));
}

// A failed sync is told, once and for all: no reply that waits for it is released.
TEST_F(PersistenceTest, AFailedSyncIsToldAndNothingRisesAnyMore) {
  ASSERT_TRUE(node.Start());
  node.machine.disk.faults.sync_fails = 1000;
  node.Put("a");
  EXPECT_THAT(node.failure, HasSubstr("cannot sync"));
  node.machine.disk.faults = {};
  node.Put("b");
  node.Pass(3000);
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 0U);
}

// As CONFIG SET between MULTI and EXEC does.
TEST_F(PersistenceTest, OptionsMayChangeWhileARecordIsOpen) {
  ASSERT_TRUE(node.Start());
  node.shard->OpenRecord();
  Persistence::Options options = node.persistence->options();
  options.sync = SyncPolicy::kAlways;
  node.persistence->SetOptions(options);
  node.shard->CloseRecord();
  EXPECT_EQ(node.shard->promised(), AckLevel::kDisk);
}

// The job that is given up removes its file only later, when the other is there.
TEST_F(PersistenceTest, SaveNowTakesThePlaceOfAnother) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  node.machine.Settle();
  ASSERT_TRUE(node.persistence->BeginImage());
  node.persistence->Step();
  ASSERT_TRUE(node.persistence->SaveNow());
  node.machine.Settle();
  EXPECT_THAT(node.Files(), testing::ElementsAre(ImageName(1)));
}

// SaveNow takes the place of a save under way, and its image is loaded by the next start.
TEST_F(PersistenceTest, SaveNowNeedsNoLoop) {
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  PutMany(10);
  const Result<uint64_t> job = node.persistence->BeginImage();
  ASSERT_TRUE(job);
  ASSERT_TRUE(node.persistence->SaveNow());
  EXPECT_FALSE(node.persistence->JobResult(*job).value());
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("key9"));
  EXPECT_EQ(node.persistence->status().loaded_entries, 10U);
}

// What was imported is safe before the first record is.
TEST_F(PersistenceTest, StartsWithAStateThatWasImported) {
  node.Begin();
  node.shard->BeginTurn();
  WriteBatch batch;
  batch.PutString(0, node.shard->keys().Ref("imported"), "value", kNoDeadline);
  static_cast<void>(node.shard->Commit(batch));
  ASSERT_TRUE(node.persistence->StartWithState(1, 3));
  EXPECT_EQ(node.persistence->status().loaded_entries, 1U);
  EXPECT_EQ(node.persistence->status().loaded_expired, 3U);
  EXPECT_EQ(node.Put("later"), 2U);
  EXPECT_EQ(node.shard->Reached(AckLevel::kDisk), 2U);
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("imported"));
  EXPECT_TRUE(node.Has("later"));
}

// Without a log a start brings back the newest image, and no more.
TEST_F(PersistenceTest, WithoutALogTheNewestImageIsWhatComesBack) {
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  node.Put("a");
  ASSERT_TRUE(node.Save().value());
  node.Put("b");
  EXPECT_EQ(node.shard->Reached(AckLevel::kOs), 0U);
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("a"));
  EXPECT_FALSE(node.Has("b"));
}

}  // namespace
}  // namespace cloakroom
