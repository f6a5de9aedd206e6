#include "store/image/rdb_writer.h"
#include "store/image/rdb_export.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "store/image/rdb_dump.h"
#include "store/image/rdb_import.h"
#include "store/image/rdb_reader.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/rdb_bytes.h"
#include "tests/support/rdb_file.h"
#include "tests/support/rdb_record.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

constexpr RdbWriter::Origin kOrigin{.redis_version = "7.0.15", .now = 1'700'000'000'000};

RdbText WriteAll(const KeyspaceLog& log) {
  RdbText text;
  RdbWriter writer(text, kOrigin);
  WriteState(writer, log.keys, log.now);
  EXPECT_TRUE(writer.Finish());
  return text;
}

/// What a fresh keyspace holds after it took the file in.
KeyspaceDump ImportAll(std::string_view file, TimeMs now, size_t piece_bytes) {
  KeyspaceLog log;
  log.now = now;
  const auto commit = [&](WriteBatch& batch) -> Result<void> {
    log.batch = std::move(batch);
    batch = WriteBatch{};
    log.Apply();
    return {};
  };
  RdbImport import(log.keys, {.now = now, .batch_bytes_max = 4096}, commit);
  RdbReader reader(import);
  for (size_t at = 0; at < file.size(); at += piece_bytes)
    EXPECT_TRUE(reader.Feed(file.substr(at, piece_bytes)));
  EXPECT_TRUE(reader.Finish());
  EXPECT_TRUE(import.Finish());
  return DumpKeyspace(log.keys, now);
}

/// A word of any kind that is encoded in its own way: numbers at the edges of their widths, text
/// that compresses or not, any bytes.
std::string AnyWord(SeededRandom& random, size_t size_max) {
  switch (random.Draw() % 4) {
    case 0: {
      const auto number = static_cast<int64_t>(random.Draw()) >> (random.Draw() % 64);
      return std::to_string(number);
    }
    case 1:
      return std::string(random.Draw() % size_max, static_cast<char>('a' + random.Draw() % 4));
    default: {
      std::string word(random.Draw() % (random.Draw() % 4 == 0 ? size_max : 30), '\0');
      for (char& each : word) each = static_cast<char>(random.Draw());
      return word;
    }
  }
}

void FillAtRandom(KeyspaceLog& log, SeededRandom& random) {
  for (int i = 0; i < 60; ++i) {
    const auto db = static_cast<uint32_t>(random.Draw() % 3);
    const std::string key = AnyWord(random, 300) + std::to_string(i);
    const KeyRef ref = log.keys.Ref(key);
    const TimeMs deadline = random.Draw() % 2 == 0 ? kNoDeadline : log.now + 1 + i;
    const uint64_t kind = random.Draw() % 4;
    if (kind == 0) {
      log.batch.PutString(db, ref, AnyWord(random, 30000), deadline);
    } else {
      std::vector<std::string> words(2 * (1 + random.Draw() % (kind == 1 ? 700 : 20)));
      for (std::string& word : words)
        word =
            kind == 3 ? std::to_string(static_cast<int16_t>(random.Draw())) : AnyWord(random, 100);
      const std::vector<std::string_view> views(words.begin(), words.end());
      if (kind == 3 || random.Draw() % 2 == 0)
        log.batch.SetAdd(db, ref, views);
      else
        log.batch.HashSet(db, ref, views);
      if (deadline != kNoDeadline) log.batch.SetDeadline(db, ref, deadline);
    }
    log.Apply();
  }
}

// What goes out comes back the same, whatever it is and however the bytes are cut.
TEST(RdbWriterTest, WhatIsWrittenReadsBack) {
  for (uint64_t seed = 1; seed <= SeedCount(20); ++seed) {
    SeededRandom random(seed);
    KeyspaceLog log;
    FillAtRandom(log, random);
    const std::string file = WriteAll(log).bytes;
    EXPECT_EQ(ImportAll(file, log.now, 1 + random.Draw() % 5000), DumpKeyspace(log.keys, log.now))
        << "seed " << seed;
  }
}

// And through DUMP: each value by itself.
TEST(RdbWriterTest, WhatIsDumpedReadsBack) {
  for (uint64_t seed = 1; seed <= SeedCount(20); ++seed) {
    SeededRandom random(seed);
    KeyspaceLog log;
    FillAtRandom(log, random);
    uint64_t cursor = 0;
    do {
      cursor = log.keys.Scan(0, cursor, log.now, [&](const Entry& entry) {
        std::string dump;
        AppendDump(dump, entry);
        ASSERT_TRUE(DumpIsIntact(dump)) << "seed " << seed;
        RdbBytes file;
        file.Raw("REDIS0010")
            .Raw(dump.substr(0, 1))
            .String("")
            .Raw(std::string_view(dump).substr(1, dump.size() - 11));
        file.End();
        RdbRecord record;
        ASSERT_TRUE(ReadDump(dump, record)) << "seed " << seed;
        EXPECT_EQ(record.lines, ReadRdb(file.bytes).record.lines) << "seed " << seed;
      });
    } while (cursor != 0);
  }
}

TEST(RdbWriterTest, BeginsWithWhatItIs) {
  KeyspaceLog log;
  const RdbReading reading = ReadRdb(WriteAll(log).bytes);
  EXPECT_EQ(reading.error, "");
  EXPECT_EQ(reading.record.aux.at("redis-ver"), "7.0.15");
  EXPECT_EQ(reading.record.aux.at("ctime"), "1700000000");
  EXPECT_TRUE(reading.record.lines.empty());
}

// A hash of a million fields must not be built whole in memory.
TEST(RdbWriterTest, ALargeHashLeavesByParts) {
  KeyspaceLog log;
  std::vector<std::string> words;
  for (int i = 0; i < 20000; ++i) {
    words.push_back("field " + std::to_string(i));
    words.push_back("value " + std::to_string(i));
  }
  const std::vector<std::string_view> views(words.begin(), words.end());
  log.batch.HashSet(0, log.keys.Ref("h"), views);
  log.Apply();
  const RdbText text = WriteAll(log);
  EXPECT_GT(text.bytes.size(), 5 * RdbWriter::kPartBytes);
  EXPECT_LE(text.longest_part, RdbWriter::kPartBytes + 100);
  EXPECT_EQ(ImportAll(text.bytes, log.now, 1000), DumpKeyspace(log.keys, log.now));
}

TEST(RdbWriterTest, AFailureOfTheOutputIsTheAnswer) {
  class Full final : public RdbOutput {
    Result<void> Write(std::string_view) override { return Fail(Code::kUnavailable, "disk full"); }
  } full;
  RdbWriter writer(full, kOrigin);
  writer.BeginHash("h", kNoDeadline, 2);
  EXPECT_TRUE(writer.ok());
  writer.Field("f", std::string(100, 'x'));
  std::string large;
  for (int i = 0; i < 100000; ++i) large += std::to_string(i * 7919 % 1000003);
  writer.Field("g", large);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.Finish().error().message, "disk full");
}

// Every bit of a payload counts, and so does every byte.
TEST(RdbDumpTest, DamageIsFound) {
  KeyspaceLog log;
  log.HashSet("h", {"field", "value"});
  std::string dump;
  AppendDump(dump, *log.Find("h"));
  for (size_t at = 0; at < dump.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = dump;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_FALSE(DumpIsIntact(flipped)) << at;
    }
  for (size_t size = 0; size < dump.size(); ++size)
    EXPECT_FALSE(DumpIsIntact(dump.substr(0, size))) << size;
}

/// A payload with a right checksum around `body`.
std::string Sealed(const RdbBytes& body, uint16_t version = 10) {
  RdbBytes payload = body;
  payload.Int(version).Int(Crc64(0, RdbBytes(payload).bytes));
  return payload.bytes;
}

TEST(RdbDumpTest, RefusesWhatIsSealedButMakesNoSense) {
  const auto error = [](const RdbBytes& body) {
    RdbRecord record;
    const std::string payload = Sealed(body);
    EXPECT_TRUE(DumpIsIntact(payload));
    const Result<void> read = ReadDump(payload, record);
    return read ? "none" : read.error().message;
  };
  EXPECT_EQ(error(RdbBytes{}), "offset 0: expected a type of values");
  EXPECT_EQ(error(RdbBytes{}.Byte(99)), "offset 0: expected a type of values, not 99");
  EXPECT_EQ(error(RdbBytes{}.Byte(0).Length(5).Raw("abc")),
            "offset 5: expected the rest of a value");
  EXPECT_EQ(error(RdbBytes{}.Byte(0).String("abc").Raw("more")), "offset 5: expected the end");
  EXPECT_EQ(error(RdbBytes{}.Byte(4).Length(0)), "offset 2: expected an element");
  EXPECT_EQ(error(RdbBytes{}.Byte(0).String("abc")), "none");
}

TEST(RdbDumpTest, RefusesVersionsThatAreNotKnown) {
  const RdbBytes body = RdbBytes{}.Byte(0).String("abc");
  for (const uint16_t version : {1, 10, 11, 12, 80})
    EXPECT_TRUE(DumpIsIntact(Sealed(body, version)));
  for (const uint16_t version : {16, 79, 81, 65535})
    EXPECT_FALSE(DumpIsIntact(Sealed(body, version)));
}

}  // namespace
}  // namespace cloakroom
