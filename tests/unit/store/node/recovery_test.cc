// What a start makes of what it finds. Recovery stands in store/image; here a whole shard shows it.

#include "store/image/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "store/base/log.h"
#include "store/image/image_files.h"
#include "store/image/image_loader.h"
#include "tests/support/persistent_shard.h"

namespace cloakroom {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() {
    node.options.images_kept = 3;
    node.options.log_segment_bytes = 500;
  }
  /// Puts "<name>0" and so on, and takes an image behind them.
  uint64_t PutAndSave(const std::string& name) {
    for (int i = 0; i < 20; ++i) node.Put(name + std::to_string(i));
    EXPECT_TRUE(node.Save().value());
    return node.shard->newest().sequence;
  }
  void Flip(const std::string& path, uint64_t bit) {
    node.End();
    node.machine.disk.FlipBit(path, bit);
  }

  PersistentShard node;
};

TEST_F(RecoveryTest, HoldsNothingUntilThereIsARecordOrAnImage) {
  EXPECT_TRUE(*HoldsNothing(node.machine.disk, "/data", "/data/log"));
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(*HoldsNothing(node.machine.disk, "/data", "/data/log"));
  node.Put("a");
  EXPECT_FALSE(*HoldsNothing(node.machine.disk, "/data", "/data/log"));
}

// The log behind an image is replayed, and not what the image has already.
TEST_F(RecoveryTest, LoadsTheNewestImageAndTheLogBehindIt) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  node.Put("b");
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("a19"));
  EXPECT_TRUE(node.Has("b"));
  EXPECT_EQ(node.persistence->status().loaded_records, 1U);
}

// A bit that rots in an image costs nothing: the image before and the log have all.
TEST_F(RecoveryTest, FallsBackToTheImageBefore) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t newest = PutAndSave("b");
  node.Put("c");
  Flip("/data/" + ImageName(newest), 900);
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("a19"));
  EXPECT_TRUE(node.Has("b19"));
  EXPECT_TRUE(node.Has("c"));
  EXPECT_THAT(node.Files(), Contains(ImageName(newest) + ".damaged"));
}

// With no image left and a log that begins later there is no start: the message says what is wrong
// with both, and the disk is as it was.
TEST_F(RecoveryTest, StopsWhereNothingIsWhole) {
  node.options.images_kept = 1;
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t newest = PutAndSave("b");
  node.Put("c");
  const std::string path = "/data/" + ImageName(newest);
  Flip(path, 900);
  const std::vector<std::string> files = node.Files();
  const Result<void> started = node.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kDamaged);
  EXPECT_THAT(started.error().message, AllOf(HasSubstr(path), HasSubstr("the log begins")));
  EXPECT_EQ(node.Files(), files);
  Flip(path, 900);
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("c"));
}

// Damage in the middle of the log: records behind it would have to be given up, and that is for a
// person to decide.
TEST_F(RecoveryTest, StopsAtDamageInTheLog) {
  ASSERT_TRUE(node.Start());
  for (int i = 0; i < 30; ++i) node.Put("key" + std::to_string(i));
  ASSERT_GT(node.Segments().size(), 2U);
  const std::string path = "/data/log/" + node.Segments()[0];
  Flip(path, 8 * 200);
  const Result<void> started = node.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kDamaged);
  EXPECT_THAT(started.error().message, AllOf(HasSubstr(path), HasSubstr("offset")));
}

// To go back by number: what came later is given up, images of it are set aside, and the next start
// agrees although it is not told again.
TEST_F(RecoveryTest, GoesBackToARecord) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t until = node.Put("kept");
  node.Put("dropped");
  const uint64_t later = PutAndSave("b");
  node.options.until.sequence = until;
  ASSERT_TRUE(node.Start());
  EXPECT_EQ(node.shard->newest().sequence, until);
  EXPECT_TRUE(node.Has("kept"));
  EXPECT_FALSE(node.Has("dropped"));
  EXPECT_THAT(node.Files(), Contains(ImageName(later) + ".undone"));
  EXPECT_THAT(node.Files(), Contains(ImageName(until))) << "of the new history";
  EXPECT_EQ(node.Put("new"), until + 1);
  node.options.until = {};
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("kept"));
  EXPECT_TRUE(node.Has("new"));
  EXPECT_FALSE(node.Has("dropped"));
  EXPECT_FALSE(node.Has("b0"));
  EXPECT_THAT(node.Files(), Not(Contains("new-history")));
}

// What was given up is known elsewhere perhaps: what comes then is a history of its own, though the
// power went after the log was cut.
TEST_F(RecoveryTest, WhatWasMarkedGoesOnAsANewHistory) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  node.Put("behind");
  const auto history = [this] {
    const std::string newest = ListImages(node.machine.disk, "/data")->images.front().path;
    return ImageLoader::Open(node.machine.disk, newest)->header().history;
  };
  const HistoryId before = history();
  node.End();
  ASSERT_TRUE(MarkNewHistory(node.machine.disk, "/data"));
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("behind"));
  EXPECT_THAT(node.Files(), Not(Contains("new-history")));
  EXPECT_NE(history(), before);
  node.Put("more");
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("more"));
}

// By time it is the same: no record of a later time is kept.
TEST_F(RecoveryTest, GoesBackToATime) {
  ASSERT_TRUE(node.Start());
  node.Put("kept");
  const TimeMs until = node.shard->newest().time_ms;
  node.machine.clock.Advance(5);
  node.Put("dropped");
  node.options.until.time_ms = until;
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("kept"));
  EXPECT_FALSE(node.Has("dropped"));
}

// Further back than anything that is kept there is nothing to go to, and nothing is changed.
TEST_F(RecoveryTest, DoesNotGoBackBeyondWhatIsKept) {
  node.options.images_kept = 1;
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  PutAndSave("b");
  node.options.until.sequence = 1;
  const std::vector<std::string> files = node.Files();
  const Result<void> started = node.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(node.Files(), files);
  node.options.until = {};
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("b19"));
}

// An image that the disk does not give back now may be whole: the one before and the log have all,
// and it stays where it is.
TEST_F(RecoveryTest, PassesOverAnImageThatCannotBeRead) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t newest = PutAndSave("b");
  node.Put("c");
  node.End();
  node.machine.disk.unreadable = {"/data/" + ImageName(newest)};
  const std::vector<std::string> files = node.Files();
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("a19"));
  EXPECT_TRUE(node.Has("b19"));
  EXPECT_TRUE(node.Has("c"));
  EXPECT_EQ(node.Files(), files);
}

// Without a log nobody knows what stands in the image that cannot be read: no start goes back
// behind it unasked.
TEST_F(RecoveryTest, StopsAtAnUnreadImageThatTheLogDoesNotReach) {
  node.options.log = false;
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t newest = PutAndSave("b");
  node.End();
  node.machine.disk.unreadable = {"/data/" + ImageName(newest)};
  const std::vector<std::string> files = node.Files();
  const Result<void> started = node.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kIo);
  EXPECT_THAT(started.error().message, HasSubstr(ImageName(newest)));
  EXPECT_EQ(node.Files(), files);
  node.machine.disk.unreadable.clear();
  ASSERT_TRUE(node.Start());
  EXPECT_TRUE(node.Has("b19"));
}

// Who goes back behind it gives it up, readable or not.
TEST_F(RecoveryTest, GoesBackBehindAnUnreadImage) {
  ASSERT_TRUE(node.Start());
  const uint64_t until = PutAndSave("a");
  const uint64_t later = PutAndSave("b");
  node.End();
  node.machine.disk.unreadable = {"/data/" + ImageName(later)};
  node.options.until.sequence = until;
  ASSERT_TRUE(node.Start());
  EXPECT_EQ(node.shard->newest().sequence, until);
  EXPECT_THAT(node.Files(), Contains(ImageName(later) + ".undone"));
}

// A record that was never there may be a time that was mistaken for one: to go on with all there is
// would keep what was to be undone. A time later than all there is asks for nothing to be undone.
TEST_F(RecoveryTest, RefusesARecordThatIsNotThereAndTellsOfALateTime) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  const TimeMs newest_ms = node.shard->newest().time_ms;
  static std::string lines;
  SetLogSink([](LogLevel, std::string_view line) { lines.append(line).append("\n"); });
  node.options.until.sequence = 9;
  const Result<void> refused = node.Start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kOutOfRange);
  EXPECT_THAT(refused.error().message, HasSubstr("record 9 is not there: the newest is 1"));
  node.options.until = {.sequence = {}, .time_ms = newest_ms + 1};
  EXPECT_TRUE(node.Start());
  EXPECT_THAT(std::exchange(lines, ""), HasSubstr("no record as late as"));
  node.options.until = {.sequence = 1, .time_ms = {}};
  EXPECT_TRUE(node.Start());
  EXPECT_EQ(lines.find("not there"), lines.npos);
  SetLogSink(nullptr);
}

// To look is not to touch: not what was never finished, nor what lies behind the point, nor a tail.
TEST_F(RecoveryTest, ReadOnlyChangesNothing) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const uint64_t until = node.Put("kept");
  node.Put("dropped");
  PutAndSave("b");
  node.End();
  SimDisk& disk = node.machine.disk;
  ASSERT_TRUE(
      disk.OpenNow("/data/" + ImageName(1) + std::string(kUnfinishedSuffix), Disk::Mode::kCreate));
  const std::vector<std::string> files = node.Files();
  const std::vector<std::string> segments = node.Segments();
  disk.power_left = 0;  // a change would fail
  Recovery recovery(disk, {.directory = "/data",
                           .log_directory = "/data/log",
                           .until = {.sequence = until, .time_ms = {}},
                           .read_only = true});
  node.Begin();
  node.shard->set_loading(true);
  const auto loaded = [&](const RecordHeader& newest) { node.shard->Continue(newest); };
  const auto replay = [&](const RecordHeader& header, std::string_view ops) {
    node.shard->Replay(header, ops);
  };
  ASSERT_TRUE(recovery.Open());
  for (bool more = true; more;) {
    const Result<bool> stepped =
        recovery.Step(1000, Recovery::Target{node.shard->keys(), loaded, replay});
    ASSERT_TRUE(stepped) << stepped.error().message;
    more = *stepped;
  }
  EXPECT_EQ(node.shard->newest().sequence, until);
  EXPECT_EQ(recovery.newest().sequence, until);
  EXPECT_EQ(node.Files(), files);
  EXPECT_EQ(node.Segments(), segments);
}

// A log and an image that do not belong together are never mixed.
TEST_F(RecoveryTest, RefusesALogOfAnotherHistory) {
  ASSERT_TRUE(node.Start());
  PutAndSave("a");
  const std::string image = "/data/" + node.Files().front();
  // A history of its own grows where that image does not see it.
  node.End();
  for (const std::string& name : node.Segments())
    ASSERT_TRUE(node.machine.disk.RemoveNow("/data/log/" + name));
  ASSERT_TRUE(node.machine.disk.RenameNow(image, "/data/aside"));
  ASSERT_TRUE(node.Start());
  for (int i = 0; i < 40; ++i) node.Put("other" + std::to_string(i));
  node.End();
  ASSERT_TRUE(node.machine.disk.RenameNow("/data/aside", image));
  const Result<void> started = node.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kDamaged);
  EXPECT_THAT(started.error().message, HasSubstr("another history"));
}

// An image that was never finished is removed, and does not stand in the way.
TEST_F(RecoveryTest, RemovesWhatAnImageLeft) {
  ASSERT_TRUE(node.Start());
  node.Put("a");
  ASSERT_TRUE(node.persistence->BeginImage());
  node.machine.Settle();
  node.End();
  ASSERT_TRUE(node.machine.disk.OpenNow("/data/" + ImageName(1) + std::string(kUnfinishedSuffix),
                                        Disk::Mode::kCreate));
  ASSERT_TRUE(node.Start());
  EXPECT_THAT(node.Files(), ElementsAre());
  EXPECT_TRUE(node.Has("a"));
}

}  // namespace
}  // namespace cloakroom
