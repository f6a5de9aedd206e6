#include "store/wal/wal_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/op/write_batch.h"
#include "tests/support/worked_example.h"

namespace cloakroom {
namespace {

const std::string kPage = CLOAKROOM_SOURCE_DIR "/store/wal/FORMAT.md";

// The page promises it: what is written down is what is done.
TEST(WalFormatTest, TheWorkedExampleIsWhatIsWritten) {
  const HistoryId history = ExampleHistory();
  std::string bytes = EncodeWalHeader(
      {.history = history, .first = 7, .synced = 6, .newest_time = 1'700'000'000'000});
  AppendWalRecord(bytes, WalSalt(history),
                  {.sequence = 7, .epoch = 2, .time_ms = 1'700'000'000'123},
                  std::string("\x01\x00\x06user:1\xe4\xd0\x95\xff\xbc\x31\x03"
                              "ana",
                              19));
  AppendWalMark(bytes, WalSalt(history), 7);
  std::string dump;
  for (size_t i = 0; i < bytes.size(); ++i)
    dump += fmt::format("{}{:02x} ", i % 16 == 0 ? fmt::format("\n{:04x}  ", i) : "",
                        static_cast<unsigned char>(bytes[i]));
  EXPECT_EQ(ExampleBytes(kPage), bytes) << dump;
}

TEST(WalFormatTest, HeadersAreReadBack) {
  const WalHeader header{
      .history = ExampleHistory(), .first = 7, .synced = 6, .newest_time = 1'700'000'000'000};
  const std::string bytes = EncodeWalHeader(header);
  ASSERT_EQ(bytes.size(), kWalHeaderBytes);
  const Result<WalHeader> read = DecodeWalHeader(bytes + "more");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->history, header.history);
  EXPECT_EQ(read->first, 7U);
  EXPECT_EQ(read->synced, 6U);
  EXPECT_EQ(read->newest_time, 1'700'000'000'000);
}

TEST(WalFormatTest, EveryFlippedBitOfAHeaderIsFound) {
  const std::string good = EncodeWalHeader({.history = ExampleHistory(), .first = 7});
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const Result<WalHeader> read = DecodeWalHeader(bad);
    ASSERT_FALSE(read.has_value()) << bit;
    EXPECT_EQ(read.error().code, Code::kDamaged) << bit << ": " << read.error().message;
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DecodeWalHeader(good.substr(0, size)).has_value());
}

// An older build must not take a newer one's log for a damaged one, whatever else has changed.
TEST(WalFormatTest, ANewerFormatIsRefusedByName) {
  std::string newer = EncodeWalHeader({.history = ExampleHistory(), .first = 7});
  newer.insert(newer.size() - 4, "what we know nothing of");
  StoreInt(newer.data() + 8, kWalVersion + 3);
  StoreInt(newer.data() + 12, static_cast<uint32_t>(newer.size()));
  StoreInt(newer.data() + newer.size() - 4,
           Crc32c(std::string_view(newer).substr(0, newer.size() - 4)));
  const Result<WalHeader> read = DecodeWalHeader(newer);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kUnavailable);
  EXPECT_EQ(read.error().message,
            "a newer build wrote it, in format 4; this build reads formats up to 1");
}

TEST(WalFormatTest, FramesAreReadBack) {
  std::string bytes;
  AppendWalRecord(bytes, 5, {.sequence = 9, .epoch = 3, .time_ms = 77}, "some ops");
  const WalFrame record = DecodeWalFrame(bytes);
  EXPECT_FALSE(record.mark);
  EXPECT_EQ(record.header.sequence, 9U);
  EXPECT_EQ(record.header.epoch, 3U);
  EXPECT_EQ(record.header.time_ms, 77);
  EXPECT_EQ(record.size_bytes, 8U);
  EXPECT_TRUE(bytes.ends_with("some ops"));
  EXPECT_TRUE(WalFrameHolds(bytes, 5));
  EXPECT_FALSE(WalFrameHolds(bytes, 6)) << "a frame of another history is none of ours";
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(WalFrameHolds(bad, 5)) << bit;
  }
  bytes.clear();
  AppendWalMark(bytes, 5, 8);
  const WalFrame mark = DecodeWalFrame(bytes);
  EXPECT_TRUE(mark.mark);
  EXPECT_EQ(mark.synced, 8U);
  EXPECT_EQ(bytes.size(), kWalFrameBytes);
}

TEST(WalFormatTest, NamesSayTheFirstRecord) {
  EXPECT_EQ(WalSegmentName(1), "00000000000000000001.wal");
  EXPECT_EQ(WalSegmentName(UINT64_MAX), "18446744073709551615.wal");
  for (const uint64_t first : {uint64_t{1}, uint64_t{123'456}, UINT64_MAX})
    EXPECT_EQ(ParseWalSegmentName(WalSegmentName(first)), first);
  for (const char* name : {"", "1.wal", "00000000000000000000.wal", "18446744073709551616.wal",
                           "99999999999999999999.wal", "0000000000000000001x.wal",
                           "00000000000000000001.tmp", "00000000000000000001.wal.old"})
    EXPECT_EQ(ParseWalSegmentName(name), std::nullopt) << name;
}

}  // namespace
}  // namespace cloakroom
