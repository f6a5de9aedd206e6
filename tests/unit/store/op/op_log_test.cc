#include "store/op/op_log.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace cloakroom {
namespace {

struct Record {
  RecordHeader header;
  std::string ops;
};

std::vector<Record> ReadFrom(const OpLog& log, uint64_t sequence) {
  std::vector<Record> records;
  EXPECT_TRUE(log.Read(sequence, [&](const RecordHeader& header, std::string_view ops) {
    records.push_back({header, std::string(ops)});
  }));
  return records;
}

TEST(OpLogTest, IsEmptyAtFirst) {
  const OpLog log(1 << 20);
  EXPECT_EQ(log.first(), 1U);
  EXPECT_EQ(log.last(), 0U);
  EXPECT_EQ(log.last_time(), 0);
  EXPECT_EQ(log.bytes(), 0U);
  EXPECT_TRUE(ReadFrom(log, 1).empty());
}

// All readers see the same bytes, whatever the size of the records: against a plain vector.
TEST(OpLogTest, GivesBackTheNewestRecordsWhole) {
  std::mt19937_64 random(77);
  for (const uint64_t bytes_max : {100ULL, 1000ULL, 5000ULL, 300'000ULL, 1ULL << 20}) {
    OpLog log(bytes_max);
    std::vector<Record> all;
    for (uint64_t i = 1; i <= 3000; ++i) {
      const size_t size = random() % 50 == 0 ? random() % 6000 : random() % 100;
      all.push_back({{.sequence = i, .epoch = 1 + i / 1000, .time_ms = static_cast<TimeMs>(i / 3)},
                     std::string(size, static_cast<char>('a' + i % 26))});
      log.Append(all.back().header, all.back().ops);
      ASSERT_LE(log.bytes(), bytes_max);
      ASSERT_EQ(log.last(), i);
      if (random() % 100 != 0) continue;
      const uint64_t from = log.first() + random() % (i - log.first() + 2);
      const std::vector<Record> read = ReadFrom(log, from);
      ASSERT_EQ(read.size(), i - from + 1);
      for (size_t n = 0; n < read.size(); ++n) {
        const Record& expected = all[from - 1 + n];
        ASSERT_EQ(read[n].header.sequence, expected.header.sequence);
        ASSERT_EQ(read[n].header.epoch, expected.header.epoch);
        ASSERT_EQ(read[n].header.time_ms, expected.header.time_ms);
        ASSERT_EQ(read[n].ops, expected.ops);
      }
    }
    EXPECT_EQ(log.last_time(), 1000);
  }
}

// One EXEC can be larger than a record's size can say; clients must not be able to end us so.
TEST(OpLogTest, CountsButDoesNotKeepWhatItsSizeCannotSay) {
  OpLog log(uint64_t{16} << 30);
  log.Append({.sequence = 1}, "small");
  log.Append({.sequence = 2}, std::string_view("never read", (size_t{4} << 30) + 1));
  EXPECT_EQ(log.last(), 2U);
  EXPECT_EQ(log.first(), 3U);
  EXPECT_EQ(log.bytes(), 0U);
}

// A reader that fell behind must be told so, not be given a log with a hole.
TEST(OpLogTest, RefusesWhatItNoLongerHolds) {
  OpLog log(1000);
  for (uint64_t i = 1; i <= 100; ++i) log.Append({.sequence = i}, "0123456789");
  ASSERT_GT(log.first(), 1U);
  EXPECT_FALSE(log.Read(log.first() - 1, [](const RecordHeader&, std::string_view) { FAIL(); }));
  EXPECT_EQ(ReadFrom(log, log.first()).size(), log.last() - log.first() + 1);
  EXPECT_GT(log.bytes(), 500U) << "dropping the oldest drops only a little";
}

// A record that does not fit leaves nothing: what is older than it is of no use without it.
TEST(OpLogTest, ARecordLargerThanTheBacklogEmptiesIt) {
  OpLog log(1000);
  log.Append({.sequence = 1}, "small");
  log.Append({.sequence = 2}, std::string(2000, 'x'));
  EXPECT_EQ(log.first(), 3U);
  EXPECT_EQ(log.last(), 2U);
  EXPECT_EQ(log.bytes(), 0U);
  log.Append({.sequence = 3}, "again");
  EXPECT_EQ(ReadFrom(log, 3).at(0).ops, "again");
}

TEST(OpLogTest, KeepsNothingWithABacklogOfZero) {
  OpLog log(0);
  log.Append({.sequence = 1, .time_ms = 5}, "");
  EXPECT_EQ(log.first(), 2U);
  EXPECT_EQ(log.last_time(), 5);
}

// CONFIG SET may shrink the backlog while it is full, and grow it again.
TEST(OpLogTest, FollowsItsLimit) {
  OpLog log(1 << 20);
  for (uint64_t i = 1; i <= 1000; ++i) log.Append({.sequence = i}, std::string(500, 'x'));
  EXPECT_EQ(log.first(), 1U);
  log.set_backlog_bytes_max(200'000);
  EXPECT_LE(log.bytes(), 200'000U);
  EXPECT_GT(log.first(), 1U);
  const uint64_t first = log.first();
  log.set_backlog_bytes_max(1 << 20);
  log.Append({.sequence = 1001}, "y");
  EXPECT_EQ(log.first(), first);
  EXPECT_EQ(ReadFrom(log, 1001).at(0).ops, "y");
}

TEST(OpLogDeathTest, RefusesGapsAndTimeGoingBack) {
  OpLog log(1000);
  log.Append({.sequence = 1, .time_ms = 10}, "");
  EXPECT_DEATH(log.Append({.sequence = 3, .time_ms = 10}, ""), "broken invariant");
  EXPECT_DEATH(log.Append({.sequence = 2, .time_ms = 9}, ""), "broken invariant");
}

}  // namespace
}  // namespace cloakroom
