#include "store/wal/wal_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/wal/wal_recovery.h"
#include "tests/support/sim_disk.h"
#include "tests/unit/store/wal/wal_builder.h"

namespace cloakroom {
namespace {

using testing::HasSubstr;

class WalReaderTest : public testing::Test {
 protected:
  /// Reads from `from` on and checks each record; returns how it ended.
  Result<WalEnd> Recover(uint64_t from = 1) {
    read.clear();
    return RecoverWal(disk, "/log", from, [this](const RecordHeader& header, std::string_view ops) {
      EXPECT_TRUE(ops.starts_with("record " + std::to_string(header.sequence) + " "));
      EXPECT_EQ(header.time_ms, HeaderOf(header.sequence).time_ms);
      read.push_back(header.sequence);
      return true;
    });
  }
  std::string DamageAt(uint64_t from = 1) {
    const std::vector<std::string> before = Bytes();
    const Result<WalEnd> end = Recover(from);
    EXPECT_FALSE(end.has_value()) << "taken for a torn tail";
    if (end) return "";
    EXPECT_EQ(end.error().code, Code::kDamaged);
    EXPECT_EQ(before, Bytes()) << "damage must be left as it was found";
    return end.error().message;
  }
  std::vector<std::string> Bytes() {
    std::vector<std::string> all;
    const std::vector<std::string> names = *disk.ListNow("/log");
    for (const std::string& name : names) all.push_back(name + disk.Contents("/log/" + name));
    return all;
  }
  static std::vector<uint64_t> Range(uint64_t from, uint64_t to) {
    std::vector<uint64_t> all;
    for (; from <= to; ++from) all.push_back(from);
    return all;
  }

  ManualClock clock;
  SimDisk disk{clock, 1};
  std::vector<uint64_t> read;
};

TEST_F(WalReaderTest, NoLogIsAnEmptyOne) {
  const Result<WalEnd> end = Recover();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->newest.sequence, 0U);
  EXPECT_FALSE(end->history.has_value());
  EXPECT_TRUE(end->segments.empty());
  EXPECT_TRUE(disk.ListNow("/log").has_value()) << "the writer finds its directory";
}

TEST_F(WalReaderTest, ReadsOverSegmentsFromAnyRecordOn) {
  SegmentBuilder(1).Records(1, 10).Mark(10).PutOn(disk);
  SegmentBuilder(11, 10).Records(11, 20).Zeros(5000).PutOn(disk);
  SegmentBuilder(21, 20).Records(21, 30).Mark(30).Zeros(3).PutOn(disk);
  for (uint64_t from = 1; from <= 31; ++from) {
    const Result<WalEnd> end = Recover(from);
    ASSERT_TRUE(end.has_value()) << end.error().message;
    EXPECT_EQ(read, Range(from, 30));
    EXPECT_EQ(end->newest.sequence, 30U);
    EXPECT_EQ(end->newest.time_ms, 1030);
    EXPECT_EQ(end->segments.size(), 3U);
    EXPECT_EQ(end->history, kTestHistory);
  }
}

TEST_F(WalReaderTest, RecordsLargerThanTheWindowAreRead) {
  SegmentBuilder(1).Records(1, 3, 1'000'000).Records(4, 5).Records(6, 6, 300'000).PutOn(disk);
  ASSERT_TRUE(Recover().has_value());
  EXPECT_EQ(read, Range(1, 6));
}

TEST_F(WalReaderTest, AnImageThatIsNewerThanTheLogNeedsNothingOfIt) {
  SegmentBuilder(1).Records(1, 10).PutOn(disk);
  const Result<WalEnd> end = Recover(50);
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(read.empty());
  EXPECT_EQ(end->newest.sequence, 10U);
}

TEST_F(WalReaderTest, ALogThatBeginsTooLateIsAnError) {
  SegmentBuilder(11).Records(11, 20).PutOn(disk);
  EXPECT_THAT(DamageAt(5), HasSubstr("records 5 to 10 are missing"));
}

// Wherever a write was cut off, by a kill or by the power, what is before is whole.
TEST_F(WalReaderTest, ATornTailIsCutAtARecordsEdge) {
  SegmentBuilder whole(1);
  whole.Records(1, 5);
  for (size_t size = whole.OffsetOf(3); size < whole.bytes().size(); ++size)
    for (const size_t zeros : {0, 1000}) {
      SegmentBuilder torn(1);
      torn.bytes() = whole.bytes().substr(0, size) + std::string(zeros, '\0');
      torn.PutOn(disk);
      const Result<WalEnd> end = Recover();
      ASSERT_TRUE(end.has_value()) << size << ": " << end.error().message;
      const uint64_t last = size < whole.OffsetOf(4) ? 3 : 4;
      EXPECT_EQ(read, Range(1, last)) << size;
      EXPECT_EQ(end->newest.sequence, last);
      // What is cut cannot come back.
      ASSERT_TRUE(Recover().has_value());
      EXPECT_EQ(read, Range(1, last)) << size;
    }
}

TEST_F(WalReaderTest, AFlippedBitBeforeOtherRecordsIsDamage) {
  SegmentBuilder whole(1);
  whole.Records(1, 20);
  for (size_t bit = whole.OffsetOf(4) * 8; bit < whole.OffsetOf(5) * 8; ++bit) {
    SegmentBuilder bad(1);
    bad.bytes() = whole.bytes();
    bad.bytes()[bit / 8] = static_cast<char>(bad.bytes()[bit / 8] ^ (1 << bit % 8));
    const std::string path = bad.PutOn(disk);
    const std::string message = DamageAt();
    EXPECT_THAT(message, HasSubstr(path + " at offset " + std::to_string(whole.OffsetOf(4))));
    EXPECT_THAT(message, HasSubstr("--check-log"));
    EXPECT_THAT(message, HasSubstr("--truncate-log-at 5"));
  }
}

TEST_F(WalReaderTest, DamageInASegmentBeforeTheLastIsFound) {
  SegmentBuilder first(1);
  first.Records(1, 10).bytes()[first.OffsetOf(9) + 40] ^= 1;
  first.PutOn(disk);
  SegmentBuilder(11).Records(11, 20).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("record 10 does not match its checksum"));
  ASSERT_TRUE(Recover(11).has_value()) << "an image has what is damaged";
  EXPECT_EQ(read, Range(11, 20));
}

TEST_F(WalReaderTest, AMissingSegmentIsDamage) {
  SegmentBuilder(1).Records(1, 10).PutOn(disk);
  SegmentBuilder(21, 20).Records(21, 30).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("there is no record 11"));
}

TEST_F(WalReaderTest, ARepeatedRecordIsDamage) {
  SegmentBuilder(1).Records(1, 10).Records(10, 12).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("record 10 stands where 11 should"));
}

TEST_F(WalReaderTest, TimeAndEpochNeverGoBack) {
  for (const RecordHeader& older : {RecordHeader{.sequence = 3, .epoch = 1, .time_ms = 500},
                                    RecordHeader{.sequence = 3, .epoch = 0, .time_ms = 5000}}) {
    SegmentBuilder(1).Records(1, 2).Record(older, "x").PutOn(disk);
    EXPECT_THAT(DamageAt(), HasSubstr("record 3 is older than the one before"));
  }
}

// Found by fuzzing: what says that later records were durable would damn any cut of the log.
TEST_F(WalReaderTest, NothingSpeaksOfWhatComesAfterIt) {
  SegmentBuilder(5, 5).Records(5, 6).PutOn(disk);
  EXPECT_THAT(DamageAt(5), HasSubstr("its header is no header"));
  ASSERT_TRUE(disk.RemoveNow("/log/" + WalSegmentName(5)));
  SegmentBuilder(1).Records(1, 3).Mark(4).Records(4, 5).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("a mark speaks of record 4 before 4"));
}

// The power failed before the records were synced: of two sectors, the later one went out.
TEST_F(WalReaderTest, ALostSectorBeforeASurvivingOneIsATornTail) {
  SegmentBuilder log(1);
  log.Records(1, 100, 64);
  std::fill_n(log.bytes().begin() + 1024, 512, '\0');
  log.Zeros(100'000).PutOn(disk);
  const Result<WalEnd> end = Recover();
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(read, Range(1, (1024 - kWalHeaderBytes) / 100));
}

// The same sector, but a later mark says that it had been durable.
TEST_F(WalReaderTest, ALostSectorThatWasSyncedIsDamage) {
  SegmentBuilder log(1);
  log.Records(1, 100, 64);
  std::fill_n(log.bytes().begin() + 1024, 512, '\0');
  log.Mark(50).Zeros(100'000).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("at offset 964"));
}

// The next start of the process synced all, and its segment says so, though nothing is in it yet.
TEST_F(WalReaderTest, AHeaderIsProofAsAMarkIs) {
  SegmentBuilder log(1);
  log.Records(1, 10);
  log.bytes().resize(log.OffsetOf(9));
  log.PutOn(disk);
  SegmentBuilder(11, 10).Zeros(1000).PutOn(disk);
  EXPECT_THAT(DamageAt(), HasSubstr("there is no record 10"));
}

// At a change of segments both may have unsynced bytes, and the older ones may be lost.
TEST_F(WalReaderTest, ANewSegmentMaySurviveTheEndOfTheOneBefore) {
  SegmentBuilder log(1);
  log.Records(1, 10).Mark(5);
  log.bytes().resize(log.OffsetOf(8));
  log.Zeros(1000).PutOn(disk);
  const std::string second = SegmentBuilder(11, 5).Records(11, 20).PutOn(disk);
  const Result<WalEnd> end = Recover();
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(read, Range(1, 8));
  EXPECT_EQ(end->segments.size(), 1U);
  EXPECT_EQ(disk.ListNow("/log")->size(), 1U) << "what follows the gap goes";
}

TEST_F(WalReaderTest, ATornHeaderOfTheLastSegmentIsATornTail) {
  for (const size_t size : {0, 10, 63, 64}) {
    SegmentBuilder(1).Records(1, 10).PutOn(disk);
    SegmentBuilder torn(11, 5);
    torn.bytes().resize(size);
    torn.Zeros(2000).PutOn(disk);
    const Result<WalEnd> end = Recover();
    ASSERT_TRUE(end.has_value()) << size << end.error().message;
    EXPECT_EQ(read, Range(1, 10));
    EXPECT_EQ(disk.ListNow("/log")->size(), 1U);
  }
}

// A header is synced before records are promised; one flipped bit must not drop a whole segment.
TEST_F(WalReaderTest, ADamagedHeaderIsDamage) {
  for (const size_t byte : {0, 9, 20, 35, 61}) {
    SegmentBuilder log(1);
    log.Records(1, 10).Zeros(3000).bytes()[byte] ^= 4;
    log.PutOn(disk);
    EXPECT_THAT(DamageAt(), HasSubstr("its header is no header")) << byte;
  }
}

TEST_F(WalReaderTest, AFileUnderAnotherNameIsRefused) {
  SegmentBuilder log(1);
  log.Records(1, 10).PutOn(disk);
  ASSERT_TRUE(disk.RenameNow(log.path(), "/log/" + WalSegmentName(5)));
  EXPECT_THAT(DamageAt(5), HasSubstr("begins with record 1"));
}

TEST_F(WalReaderTest, ANewerFormatIsRefusedAndNotCut) {
  SegmentBuilder log(1);
  log.Records(1, 10);
  StoreInt(log.bytes().data() + 8, kWalVersion + 1);
  StoreInt(log.bytes().data() + 60, Crc32c(std::string_view(log.bytes()).substr(0, 60)));
  log.PutOn(disk);
  const Result<WalEnd> end = Recover();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, Code::kUnavailable);
  EXPECT_THAT(end.error().message, HasSubstr("a newer build wrote it"));
}

TEST_F(WalReaderTest, OtherFilesAreLeftAlone) {
  SegmentBuilder(1).Records(1, 3).PutOn(disk);
  ASSERT_TRUE((*disk.OpenNow("/log/notes", Disk::Mode::kCreate))->WriteNow(0, "mine"));
  ASSERT_TRUE(Recover().has_value());
  EXPECT_EQ(read, Range(1, 3));
  EXPECT_EQ(disk.Contents("/log/notes"), "mine");
}

// Sizes come from the disk: none may make us ask for more memory than the file has bytes.
TEST_F(WalReaderTest, HugeSizesAreNotBelieved) {
  for (const uint64_t size : {uint64_t{1} << 20, uint64_t{1} << 40, UINT64_MAX, UINT64_MAX - 40}) {
    SegmentBuilder log(1);
    log.Records(1, 3);
    std::string frame;
    AppendWalRecord(frame, WalSalt(kTestHistory), HeaderOf(4), "x");
    StoreInt(frame.data() + 4, size);
    log.Raw(frame).PutOn(disk);
    ASSERT_TRUE(Recover().has_value());
    EXPECT_EQ(read, Range(1, 3));
  }
}

// A client can have us store what looks like a log. It must not be taken for ours.
TEST_F(WalReaderTest, ALogWithinAValueIsNotOurs) {
  std::string stored;
  for (uint64_t i = 5; i < 9; ++i) AppendWalRecord(stored, WalSalt({}), HeaderOf(i), OpsOf(i));
  AppendWalMark(stored, WalSalt({}), 100);
  SegmentBuilder log(1);
  log.Records(1, 3).Record(HeaderOf(4), "record 4 " + stored + std::string(100, 'x'));
  log.bytes().resize(log.bytes().size() - 50);
  log.PutOn(disk);
  ASSERT_TRUE(Recover().has_value()) << "the tail is torn";
  EXPECT_EQ(read, Range(1, 3));
}

TEST_F(WalReaderTest, RecoveryStopsWhereItIsTold) {
  SegmentBuilder(1).Records(1, 10).PutOn(disk);
  SegmentBuilder(11).Records(11, 20).PutOn(disk);
  const Result<WalEnd> end = RecoverWal(
      disk, "/log", 1,
      [](const RecordHeader& header, std::string_view /*ops*/) { return header.sequence < 8; });
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->newest.sequence, 7U);
  EXPECT_EQ(end->records, 7U);
  ASSERT_TRUE(Recover().has_value());
  EXPECT_EQ(read, Range(1, 7)) << "the rest is gone";
}

TEST_F(WalReaderTest, CheckSaysWhatIsThere) {
  SegmentBuilder(1).Records(1, 10).PutOn(disk);
  SegmentBuilder(11).Records(11, 20).Raw("torn").PutOn(disk);
  const Result<WalReport> report = CheckWal(disk, "/log");
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->good);
  EXPECT_EQ(report->text,
            "/log/00000000000000000001.wal: records 1 to 10, the newest of unix time 1010 ms\n"
            "/log/00000000000000000011.wal: records 11 to 20, the newest of unix time 1020 ms\n"
            "the tail is torn: /log/00000000000000000011.wal at offset 624: record 21 is cut off; "
            "the next start drops 4 bytes\n");
  EXPECT_EQ(CheckWal(disk, "/nowhere")->text, "/nowhere: no record\n");
}

TEST_F(WalReaderTest, TruncationMakesADamagedLogGood) {
  SegmentBuilder first(1);
  first.Records(1, 10).bytes()[first.OffsetOf(6) + 40] ^= 1;
  first.PutOn(disk);
  SegmentBuilder(11, 10).Records(11, 20).PutOn(disk);
  const Result<WalReport> report = CheckWal(disk, "/log");
  EXPECT_FALSE(report->good);
  EXPECT_THAT(report->text, HasSubstr("records 1 to 6,"));
  EXPECT_THAT(report->text, HasSubstr("record 8 follows at offset 456"));
  EXPECT_EQ(TruncateWalAt(disk, "/log", 9).error().code, Code::kDamaged);
  EXPECT_EQ(TruncateWalAt(disk, "/log", 0).error().code, Code::kOutOfRange);
  EXPECT_THAT(*TruncateWalAt(disk, "/log", 7), HasSubstr("cut at offset 400; record 7 and all"));
  EXPECT_TRUE(CheckWal(disk, "/log")->good);
  ASSERT_TRUE(Recover().has_value());
  EXPECT_EQ(read, Range(1, 6));
  EXPECT_EQ(TruncateWalAt(disk, "/log", 8).error().message, "the log ends with record 6");
  EXPECT_TRUE(TruncateWalAt(disk, "/log", 1).has_value());
  EXPECT_TRUE(disk.ListNow("/log")->empty());
}

}  // namespace
}  // namespace cloakroom
