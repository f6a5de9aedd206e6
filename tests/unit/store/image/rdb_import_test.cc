#include "store/image/rdb_import.h"

#include <gtest/gtest.h>

#include <string>

#include "store/image/rdb_reader.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/rdb_bytes.h"

namespace cloakroom {
namespace {

RdbBytes Key(int type, std::string_view key) { return RdbBytes{}.Byte(type).String(key); }

class RdbImportTest : public testing::Test {
 protected:
  /// Imports a file of `items`. Returns the error, if there is one.
  std::string Import(const RdbBytes& items, RdbImport::Options options = {}) {
    options.now = log.now;
    RdbImport import(log.keys, options, [&](WriteBatch& batch) -> Result<void> {
      log.batch = std::move(batch);
      batch = WriteBatch{};
      log.Apply();
      return {};
    });
    RdbReader reader(import);
    RdbBytes file;
    file.Raw("REDIS0012").Raw(items.bytes).End();
    if (const auto fed = reader.Feed(file.bytes); !fed) return fed.error().message;
    if (const auto done = reader.Finish(); !done) return done.error().message;
    if (const auto done = import.Finish(); !done) return done.error().message;
    report = import.report();
    return "";
  }
  [[nodiscard]] std::string Value(std::string_view key, uint32_t db = 0) const {
    const Entry* const entry = log.Find(key, db);
    return entry == nullptr ? "none" : DumpEntry(*entry);
  }

  KeyspaceLog log;
  RdbImport::Report report;
};

TEST_F(RdbImportTest, MakesKeysWithTheirDeadlines) {
  RdbBytes items;
  items.Raw(Key(0, "s").String("value").bytes);
  items.Byte(254).Length(5);
  items.Byte(252).Int<int64_t>(log.now + 10).Raw(Key(0, "t").String("1").bytes);
  items.Byte(252).Int<int64_t>(log.now + 20);
  items.Raw(Key(4, "h").Length(1).String("f").String("v").bytes);
  items.Byte(252).Int<int64_t>(log.now + 30).Raw(Key(2, "m").Length(1).String("a").bytes);
  EXPECT_EQ(Import(items), "");
  EXPECT_EQ(Value("s"), "string value");
  EXPECT_EQ(Value("t", 5), "string 1 @" + std::to_string(log.now + 10));
  EXPECT_EQ(Value("h", 5), "hash f=v @" + std::to_string(log.now + 20));
  EXPECT_EQ(Value("m", 5), "set a @" + std::to_string(log.now + 30));
  EXPECT_EQ(report.keys, 4U);
}

// Deadlines are exclusive: what ends at this moment has ended.
TEST_F(RdbImportTest, LeavesOutWhatHasEnded) {
  RdbBytes items;
  items.Byte(252).Int<int64_t>(log.now).Raw(Key(0, "s").String("value").bytes);
  items.Byte(252).Int<int64_t>(5).Raw(Key(4, "h").Length(1).String("f").String("v").bytes);
  EXPECT_EQ(Import(items), "");
  EXPECT_EQ(Value("s"), "none");
  EXPECT_EQ(report.expired_keys, 2U);
  EXPECT_TRUE(log.records.empty());
}

// A hostile file may name a key twice, with different types; nothing may break by it.
TEST_F(RdbImportTest, TheLastValueOfAKeyHolds) {
  log.Put("k", "old");
  RdbBytes items;
  items.Raw(Key(4, "k").Length(1).String("f").String("v").bytes);
  items.Raw(Key(0, "k").String("text").bytes);
  items.Raw(Key(2, "k").Length(1).String("a").bytes);
  EXPECT_EQ(Import(items), "");
  EXPECT_EQ(Value("k"), "set a");
}

TEST_F(RdbImportTest, ALargeHashTakesSeveralRecords) {
  RdbBytes items = Key(4, "h").Length(5000);
  for (int i = 0; i < 5000; ++i) items.String("field" + std::to_string(i)).String("value");
  EXPECT_EQ(Import(items, {.batch_bytes_max = 10000}), "");
  EXPECT_GT(log.records.size(), 5U);
  EXPECT_EQ(HashSize(*log.Find("h")), 5000U);
}

TEST_F(RdbImportTest, OtherTypesAreListedOrRefused) {
  RdbBytes items;
  items.Raw(Key(1, "l").Length(1).String("a").bytes);
  items.Raw(Key(0, "s").String("value").bytes);
  EXPECT_EQ(Import(items), "");
  EXPECT_EQ(report.other_types.at("list"), 1U);
  EXPECT_EQ(report.others.at(0).key, "l");
  EXPECT_EQ(Value("s"), "string value");
  EXPECT_EQ(Import(items, {.refuse_other_types = true}),
            "key l of database 0 is a list, a type that is not supported");
}

// Without their deadline they would live for ever.
TEST_F(RdbImportTest, FieldsWithADeadlineAreLeftOutOrRefused) {
  RdbBytes items = Key(24, "h").Int<int64_t>(log.now).Length(3);
  items.Length(0).String("a").String("1");
  items.Length(1).String("ended").String("2");
  items.Length(1000).String("b").String("3");
  items.Byte(252).Int<int64_t>(log.now + 5);
  items.Raw(Key(24, "all ended").Int<int64_t>(5).Length(1).Length(1).bytes);
  items.String("a").String("1");
  EXPECT_EQ(Import(items), "");
  EXPECT_EQ(Value("h"), "hash a=1");
  EXPECT_EQ(Value("all ended"), "none");
  EXPECT_EQ(report.fields_with_deadline, 1U);
  EXPECT_EQ(report.key_with_fields, "h");
  EXPECT_EQ(report.expired_fields, 2U);
  EXPECT_EQ(Import(items, {.refuse_field_deadlines = true}),
            "key h has fields with a deadline of their own");
}

TEST_F(RdbImportTest, RefusesADatabaseThatIsNotThere) {
  RdbBytes items;
  items.Byte(254).Length(16).Raw(Key(0, "s").String("value").bytes);
  EXPECT_EQ(Import(items), "database 16, must be below 16 (option databases)");
}

}  // namespace
}  // namespace cloakroom
