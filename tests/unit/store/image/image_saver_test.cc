// Images on a disk that is slow, full, failing, or loses its power.

#include "store/image/image_saver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/image/image_files.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeds.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

constexpr char kDirectory[] = "/images";
constexpr char kPath[] = "/images/image-00000000000000000001.img";

class ImageSaverTest : public testing::Test {
 protected:
  ImageSaverTest() { Mount(1); }

  void Mount(uint64_t seed) {
    disk = std::make_unique<SimDisk>(clock, seed);
    ASSERT_TRUE(disk->MakeDirectoryNow(kDirectory));
    ASSERT_TRUE(disk->SyncDirectoryNow("/"));
  }
  void Fill(int keys, size_t bytes) {
    for (int i = 0; i < keys; ++i)
      log.Put("key" + std::to_string(i), std::string(bytes, static_cast<char>('a' + i % 26)));
  }
  [[nodiscard]] ImageHeader Header() const {
    return {.sequence = log.records.size(), .epoch = 1, .time_ms = log.now};
  }
  void Begin(int zstd_level = kZstdLevel) {
    result.reset();
    ImageSaver::Options options;
    options.path = kPath;
    options.zstd_level = zstd_level;
    options.wake = [this] { ++wakes; };
    saver = std::make_unique<ImageSaver>(*disk, log.keys, Header(), std::move(options),
                                         [this](Result<ImageInfo> told) {
                                           result = std::move(told);
                                           saver.reset();
                                         });
  }
  void Turn() {
    if (saver != nullptr) saver->Step(100);
    clock.Advance(1);
    disk->Poll();
  }
  void Finish() {
    for (int i = 0; i < 100'000 && !result; ++i) Turn();
    ASSERT_TRUE(result.has_value());
  }
  /// What the file at the path holds.
  [[nodiscard]] Result<KeyspaceDump> Load() const {
    Keyspace loaded(16, 99);
    TRY(ImageLoader loader, ImageLoader::Open(*disk, kPath));
    while (true) {
      TRY(const bool more, loader.Step(loaded, 1 << 20));
      if (!more) break;
    }
    return DumpKeyspace(loaded, loader.header().time_ms);
  }
  [[nodiscard]] std::vector<std::string> Names() const { return *disk->ListNow(kDirectory); }

  ManualClock clock;
  std::unique_ptr<SimDisk> disk;
  KeyspaceLog log;
  std::unique_ptr<ImageSaver> saver;
  std::optional<Result<ImageInfo>> result;
  int wakes = 0;
};

TEST_F(ImageSaverTest, WritesTheImageAsOfItsBeginning) {
  Fill(1000, 100);
  const KeyspaceDump then = DumpKeyspace(log.keys, log.now);
  Begin();
  const uint64_t sequence = log.records.size();
  while (!result) {
    Turn();
    log.Put("key7", "changed");
    log.Put("new" + std::to_string(log.records.size()), "x");
  }
  ASSERT_TRUE(result->has_value()) << result->error().message;
  EXPECT_EQ((*result)->sequence, sequence);
  EXPECT_EQ((*result)->time_ms, log.now);
  EXPECT_EQ((*result)->entries, 1000U);
  EXPECT_EQ((*result)->bytes, disk->Contents(kPath).size());
  EXPECT_EQ(*Load(), then);
  EXPECT_EQ(Names().size(), 1U) << "the unfinished file is left over";
}

TEST_F(ImageSaverTest, SavingAtOnceWritesTheSameFile) {
  Fill(1000, 100);
  Begin();
  Finish();
  const std::string in_slices = disk->Contents(kPath);
  const Result<ImageInfo> at_once = SaveImageNow(*disk, log.keys, Header(), kPath);
  ASSERT_TRUE(at_once.has_value()) << at_once.error().message;
  EXPECT_EQ(disk->Contents(kPath), in_slices);
  EXPECT_EQ(at_once->bytes, (*result)->bytes);
}

// While the disk is slow the scan waits, but no change does.
TEST_F(ImageSaverTest, ASlowDiskStopsTheScanAndWakesIt) {
  Fill(200, 50'000);
  Begin(0);
  int steps = 0;
  while (saver->Step(100)) ++steps;
  EXPECT_LT(steps, 200) << "it would hold ten megabytes";
  EXPECT_FALSE(saver->Step(100));
  EXPECT_LT(saver->entries(), 150U);
  disk->Poll();
  disk->Poll();
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(saver->Step(1));
  Finish();
  EXPECT_TRUE(result->has_value());
}

TEST_F(ImageSaverTest, AFullDiskIsToldAndLeavesTheOldImage) {
  Fill(10, 100);
  Begin();
  Finish();
  const std::string old = disk->Contents(kPath);
  Fill(300, 5000);
  disk->capacity_bytes = disk->UsedBytes() + 100'000;
  Begin(0);
  Finish();
  ASSERT_FALSE(result->has_value());
  EXPECT_EQ(result->error().code, Code::kNoSpace);
  EXPECT_EQ(disk->Contents(kPath), old);
  EXPECT_EQ(Names().size(), 1U);
  const Result<ImageInfo> at_once = SaveImageNow(*disk, log.keys, Header(), kPath, 0);
  ASSERT_FALSE(at_once.has_value());
  EXPECT_EQ(at_once.error().code, Code::kNoSpace);
  EXPECT_EQ(Names().size(), 1U);
  disk->capacity_bytes = UINT64_MAX;
  Begin(0);
  Finish();
  EXPECT_TRUE(result->has_value()) << "the next one must work";
}

TEST_F(ImageSaverTest, AFailingSyncIsTold) {
  Fill(10, 100);
  disk->faults.sync_fails = 1000;
  Begin();
  Finish();
  ASSERT_FALSE(result->has_value());
  EXPECT_EQ(result->error().code, Code::kSyncFailed);
  EXPECT_TRUE(Names().empty());
}

TEST_F(ImageSaverTest, WhoIsGivenUpLeavesNoFile) {
  Fill(300, 5000);
  for (int turns = 0; turns < 12; ++turns) {
    Begin(0);
    for (int i = 0; i < turns; ++i) Turn();
    if (saver == nullptr) break;
    saver.reset();
    for (int i = 0; i < 5; ++i) disk->Poll();
    EXPECT_TRUE(ListImages(*disk, kDirectory)->unfinished.empty()) << "after " << turns << " turns";
  }
  Begin();
  Finish();
  EXPECT_TRUE(result->has_value());
}

// What was given up may still be writing: it must not write into the next one's file.
TEST_F(ImageSaverTest, AnotherOneRightAwayIsNotWrittenInto) {
  for (uint64_t seed = 1; seed <= SeedCount(60); ++seed) {
    Mount(seed);
    disk->faults.slow = 700;
    Fill(100, 5000 + seed);
    const KeyspaceDump then = DumpKeyspace(log.keys, log.now);
    Begin(0);
    for (uint64_t i = 0; i < seed % 15 && saver != nullptr; ++i) Turn();
    saver.reset();
    Begin(0);
    Finish();
    if (result->has_value()) {
      const auto loaded = Load();
      ASSERT_TRUE(loaded.has_value()) << seed << ": " << loaded.error().message;
      ASSERT_EQ(*loaded, then) << seed;
    } else {
      ASSERT_EQ(result->error().code, Code::kNotFound) << seed << ": " << result->error().message;
    }
    for (int i = 0; i < 100; ++i) Turn();
  }
}

// At any moment the power may fail: at the path stands the whole old image, or the whole new one;
// and once it was told that the new one is there, that one.
TEST_F(ImageSaverTest, APowerCutLeavesTheOldImageOrTheNewOne) {
  int kept = 0;
  int replaced = 0;
  for (uint64_t seed = 1; seed <= SeedCount(150); ++seed) {
    Mount(seed);
    disk->faults.slow = 300;
    Fill(30, 3000);
    const KeyspaceDump old = DumpKeyspace(log.keys, log.now);
    ASSERT_TRUE(SaveImageNow(*disk, log.keys, Header(), kPath).has_value());
    Fill(60, 2000 + seed);
    const KeyspaceDump fresh = DumpKeyspace(log.keys, log.now);
    Begin(0);
    for (uint64_t i = 0; i < seed % 70; ++i) Turn();
    const bool told = result && result->has_value();
    saver.reset();
    disk->Crash();
    const auto found = Load();
    ASSERT_TRUE(found.has_value()) << "seed " << seed << ": " << found.error().message;
    ASSERT_TRUE(*found == fresh || (!told && *found == old)) << "seed " << seed;
    ++(*found == fresh ? replaced : kept);
    const Result<ImageList> list = ListImages(*disk, kDirectory);
    ASSERT_EQ(list->images.size(), 1U);
    ASSERT_LE(list->unfinished.size(), 1U);
  }
  EXPECT_GT(kept, 5);
  EXPECT_GT(replaced, 5);
}

TEST_F(ImageSaverTest, ImagesAreListedNewestFirst) {
  for (const uint64_t sequence : {7U, 1'000'000U, 42U}) {
    const std::string path = std::string(kDirectory) + "/" + ImageName(sequence);
    ASSERT_TRUE(SaveImageNow(*disk, log.keys, Header(), path).has_value());
  }
  for (const char* name : {"notes.txt", "image-0000000000000000009.img", "image.img",
                           "image-00000000000000000009.img.tmp"})
    ASSERT_TRUE(disk->OpenNow(std::string(kDirectory) + "/" + name, Disk::Mode::kCreate));
  const Result<ImageList> list = ListImages(*disk, kDirectory);
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->images.size(), 3U);
  EXPECT_EQ(list->images[0].sequence, 1'000'000U);
  EXPECT_EQ(list->images[0].path, "/images/image-00000000000001000000.img");
  EXPECT_GT(list->images[0].bytes, kImageHeaderBytes);
  EXPECT_EQ(list->images[2].sequence, 7U);
  EXPECT_THAT(list->unfinished, testing::ElementsAre("/images/image-00000000000000000009.img.tmp"));
  EXPECT_TRUE(ListImages(*disk, "/nowhere")->images.empty());
}

}  // namespace
}  // namespace cloakroom
