// The simulated disk's own promises: what it does to those who do not sync.

#include "tests/support/sim_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

#include "store/env/disk_path.h"

namespace cloakroom {
namespace {

class SimDiskTest : public testing::Test {
 protected:
  SimDiskTest() {
    EXPECT_TRUE(disk.MakeDirectoryNow("/d"));
    EXPECT_TRUE(disk.SyncDirectoryNow("/"));
  }

  DiskFilePtr Create(const std::string& path) {
    DiskFilePtr file = *disk.OpenNow(path, Disk::Mode::kCreate);
    EXPECT_TRUE(disk.SyncDirectoryNow("/d"));
    return file;
  }

  ManualClock clock;
  SimDisk disk{clock, 7};
};

TEST_F(SimDiskTest, WhatWasSyncedSurvivesAPowerCut) {
  const DiskFilePtr file = Create("/d/a");
  ASSERT_TRUE(file->WriteNow(0, std::string(5000, 'x')));
  ASSERT_TRUE(file->SyncNow());
  disk.Crash();
  EXPECT_EQ(disk.Contents("/d/a"), std::string(5000, 'x'));
}

// Each is possible, and the same seed gives the same.
TEST_F(SimDiskTest, WhatWasNotSyncedSurvivesByLuck) {
  size_t whole = 0;
  size_t holes = 0;
  size_t prefixes = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string path = "/d/" + std::to_string(i);
    const DiskFilePtr file = Create(path);
    std::optional<Result<void>> allocated;
    file->Allocate(4096, [&](Result<void> result) { allocated = std::move(result); });
    disk.Poll();
    ASSERT_TRUE(allocated.has_value());
    ASSERT_TRUE(file->SyncNow());
    for (uint64_t at = 0; at < 4096; at += 256)
      ASSERT_TRUE(file->WriteNow(at, std::string(256, 'x')));
    disk.Crash();
    const std::string& found = disk.Contents(path);
    ASSERT_EQ(found.size(), 4096U);
    const size_t first_gap = std::min(found.find('\0'), found.size());
    const bool later = found.find('x', first_gap) != std::string::npos;
    whole += first_gap == found.size();
    holes += later;
    prefixes += !later && first_gap % 512 != 0;
  }
  EXPECT_GT(whole, 0U);
  EXPECT_GT(holes, 50U);
  EXPECT_GT(prefixes, 50U);
  EXPECT_GT(disk.counts().reordered, 50U);
  EXPECT_GT(disk.counts().torn, 50U);
  EXPECT_GT(disk.counts().dropped, 50U);
}

TEST_F(SimDiskTest, ASizeThatWasNotSyncedMayBeLost) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Create("/d/" + std::to_string(i))->WriteNow(0, "abc"));
  disk.Crash();
  EXPECT_GT(disk.counts().lost_sizes, 5U);
}

TEST_F(SimDiskTest, NamesAreLostUnlessTheDirectoryIsSynced) {
  size_t lost = 0;
  size_t back = 0;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Create("/d/old")->SyncNow());
    ASSERT_TRUE(disk.RenameNow("/d/old", "/d/kept"));
    ASSERT_TRUE(disk.SyncDirectoryNow("/d"));
    ASSERT_TRUE((*disk.OpenNow("/d/new", Disk::Mode::kCreate))->SyncNow());
    ASSERT_TRUE(disk.RemoveNow("/d/kept"));
    disk.Crash();
    const std::vector<std::string> names = *disk.ListNow("/d");
    EXPECT_FALSE(std::ranges::count(names, "old"));
    lost += std::ranges::count(names, "new") == 0;
    back += std::ranges::count(names, "kept") == 1;
    for (const std::string& name : names) ASSERT_TRUE(disk.RemoveNow("/d/" + name));
    ASSERT_TRUE(disk.SyncDirectoryNow("/d"));
  }
  EXPECT_GT(lost, 5U);
  EXPECT_GT(back, lost);
}

// As Linux does: the pages are marked clean, so the next sync has nothing to do and succeeds.
TEST_F(SimDiskTest, WhatAFailedSyncForgotNoLaterSyncWrites) {
  const DiskFilePtr file = Create("/d/a");
  ASSERT_TRUE(file->WriteNow(0, "abc"));
  disk.faults.sync_fails = 1000;
  std::optional<Result<void>> synced;
  file->Sync([&](Result<void> result) { synced = std::move(result); });
  disk.Poll();
  ASSERT_EQ(synced->error().code, Code::kSyncFailed);
  disk.faults.sync_fails = 0;
  ASSERT_TRUE(file->SyncNow());
  EXPECT_EQ(disk.Contents("/d/a"), "abc") << "those who look see it";
  disk.Crash();
  EXPECT_THAT(disk.Contents("/d/a"), testing::Not("abc"));
}

TEST_F(SimDiskTest, ASyncCoversWhatWasWrittenBeforeItBegan) {
  const DiskFilePtr file = Create("/d/a");
  ASSERT_TRUE(file->WriteNow(0, "abc"));
  ASSERT_TRUE(file->SyncNow());
  size_t lost = 0;
  for (int i = 0; i < 50; ++i) {
    const DiskFilePtr open = *disk.OpenNow("/d/a", Disk::Mode::kWrite);
    ASSERT_TRUE(open->WriteNow(0, "abc"));
    ASSERT_TRUE(open->SyncNow());
    open->Sync([](const Result<void>& /*result*/) {});
    ASSERT_TRUE(open->WriteNow(0, "xyz"));
    disk.Poll();
    disk.Crash();
    lost += disk.Contents("/d/a") == "abc";
  }
  EXPECT_GT(lost, 5U);
}

TEST_F(SimDiskTest, AKilledProcessLosesNothingThatTheKernelHas) {
  int told = 0;
  const DiskFilePtr file = Create("/d/a");
  ASSERT_TRUE(file->WriteNow(0, "abc"));
  for (uint64_t i = 1; i < 40; ++i)
    file->Write(i * 10, "0123456789", DiskFile::Then::kNothing,
                [&told](const Result<void>& /*result*/, const std::string& /*bytes*/) { ++told; });
  disk.KillProcess();
  EXPECT_FALSE(disk.Poll());
  EXPECT_EQ(told, 0);
  EXPECT_EQ(disk.Contents("/d/a").substr(0, 3), "abc");
  EXPECT_GT(disk.counts().cut_writes, 5U);
}

TEST_F(SimDiskTest, AFullDiskRefusesAndWhatWasReservedStaysUsable) {
  disk.capacity_bytes = 10'000;
  const DiskFilePtr file = Create("/d/a");
  std::optional<Result<void>> allocated;
  file->Allocate(8000, [&](Result<void> result) { allocated = std::move(result); });
  disk.Poll();
  ASSERT_TRUE(allocated->has_value());
  const DiskFilePtr other = Create("/d/b");
  EXPECT_EQ(other->WriteNow(0, std::string(3000, 'x')).error().code, Code::kNoSpace);
  EXPECT_EQ(*other->SizeNow(), 1536U) << "what fits is written, by sectors";
  EXPECT_TRUE(file->WriteNow(0, std::string(8000, 'x')));
  EXPECT_EQ(file->WriteNow(8000, std::string(500, 'x')).error().code, Code::kNoSpace);
  ASSERT_TRUE(disk.RemoveNow("/d/b"));
  EXPECT_TRUE(file->WriteNow(8000, "x")) << "space came back";
}

TEST_F(SimDiskTest, SlowOperationsOvertakeEachOther) {
  disk.faults.slow = 500;
  const DiskFilePtr file = Create("/d/a");
  int ended = 0;
  for (int i = 0; i < 100; ++i) file->Sync([&ended](const Result<void>& /*result*/) { ++ended; });
  disk.Poll();
  EXPECT_GT(ended, 20);
  EXPECT_LT(ended, 80);
  clock.Advance(disk.faults.slow_ms);
  disk.Poll();
  EXPECT_EQ(ended, 100);
  EXPECT_GT(disk.counts().overtaken, 10U);
}

TEST_F(SimDiskTest, AFlippedBitIsThereForGood) {
  const DiskFilePtr file = Create("/d/a");
  ASSERT_TRUE(file->WriteNow(0, "abc"));
  ASSERT_TRUE(file->SyncNow());
  disk.FlipBit("/d/a", 8);
  EXPECT_EQ(disk.Contents("/d/a"), "acc");
  disk.Crash();
  EXPECT_EQ(disk.Contents("/d/a"), "acc");
}

// A directory whose parent was not synced may be gone with all that was safe in it.
TEST_F(SimDiskTest, ADirectoryThatWasMadeDurablySurvivesAPowerCut) {
  for (int i = 0; i < 50; ++i) {
    const std::string path = "/d/new" + std::to_string(i);
    ASSERT_TRUE(MakeDirectoryDurably(disk, path));
    ASSERT_TRUE(MakeDirectoryDurably(disk, path)) << "it may be there already";
    disk.Crash();
    EXPECT_TRUE(disk.ListNow(path));
  }
}

}  // namespace
}  // namespace cloakroom
