#include "store/image/rdb_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/rdb_bytes.h"
#include "tests/support/rdb_record.h"

namespace cloakroom {
namespace {

using Lines = std::vector<std::string>;

/// The lines that come of `items` between a header and the end; the error instead, if there is one.
Lines Read(const RdbBytes& items, std::string_view header = "REDIS0012") {
  RdbBytes file;
  file.Raw(header).Raw(items.bytes).End();
  const RdbReading whole = ReadRdb(file.bytes);
  const RdbReading torn = ReadRdb(file.bytes, 1);
  EXPECT_EQ(torn.record.lines, whole.record.lines) << "pieces of one byte must give the same";
  EXPECT_EQ(torn.error, whole.error);
  if (!whole.error.empty()) return {"refused: " + whole.error};
  EXPECT_EQ(whole.taken, file.bytes.size());
  return whole.record.lines;
}

RdbBytes Key(int type, std::string_view key) { return RdbBytes{}.Byte(type).String(key); }

TEST(RdbReaderTest, ReadsStringsInEveryForm) {
  const std::string long_text(20000, 'x');
  RdbBytes items;
  items.Raw(Key(0, "plain").String("value").bytes);
  items.Raw(Key(0, "empty").String("").bytes);
  items.Raw(Key(0, "int8").Byte(0xC0).Int<int8_t>(-128).bytes);
  items.Raw(Key(0, "int16").Byte(0xC1).Int<int16_t>(-32768).bytes);
  items.Raw(Key(0, "int32").Byte(0xC2).Int<int32_t>(2147483647).bytes);
  items.Raw(Key(0, "lzf").Byte(0xC3).Length(5).Length(20).Raw(FromHex("0061e00a00")).bytes);
  items.Raw(Key(0, "14 bits").String(std::string(64, 'y')).bytes);
  items.Raw(Key(0, "32 bits").String(long_text).bytes);
  items.Raw(Key(0, "64 bits").Byte(0x81).Int(__builtin_bswap64(3)).Raw("abc").bytes);
  items.Byte(0).Byte(0xC0).Byte(7).String("the key is a number");
  EXPECT_EQ(Read(items),
            (Lines{"0 plain string value", "0 empty string ", "0 int8 string -128",
                   "0 int16 string -32768", "0 int32 string 2147483647",
                   "0 lzf string " + std::string(20, 'a'),
                   "0 14 bits string " + std::string(64, 'y'), "0 32 bits string " + long_text,
                   "0 64 bits string abc", "0 7 string the key is a number"}));
}

TEST(RdbReaderTest, ReadsHashesInEveryForm) {
  RdbBytes items;
  items.Raw(Key(4, "plain").Length(2).String("f").String("v").String("g").String("w").bytes);
  items.Raw(Key(9, "zipmap").String(FromHex("01 01 66 01 00 76 ff")).bytes);
  items.Raw(Key(13, "ziplist").String(FromHex("11000000 0d000000 0200 000166 030176 ff")).bytes);
  items.Raw(Key(16, "listpack").String(FromHex("0d000000 0200 816602 817602 ff")).bytes);
  EXPECT_EQ(Read(items), (Lines{"0 plain hash f v g w", "0 zipmap hash f v", "0 ziplist hash f v",
                                "0 listpack hash f v"}));
}

TEST(RdbReaderTest, ReadsSetsInEveryForm) {
  RdbBytes items;
  items.Raw(Key(2, "plain").Length(2).String("a").String("b").bytes);
  items.Raw(Key(11, "intset").String(FromHex("02000000 02000000 0100 0200")).bytes);
  items.Raw(Key(20, "listpack").String(FromHex("0c000000 0200 0501 816102 ff")).bytes);
  EXPECT_EQ(Read(items), (Lines{"0 plain set a b", "0 intset set 1 2", "0 listpack set 5 a"}));
}

// Redis 7.4 keeps deadlines of fields: beside the earliest of them, or in a third element. Its
// release candidates had them as they are.
TEST(RdbReaderTest, TellsDeadlinesOfFields) {
  RdbBytes items;
  items.Raw(Key(24, "times").Int<int64_t>(1000).Length(2).bytes);
  items.Length(0).String("f").String("v").Length(6).String("g").String("w");
  items.Raw(Key(25, "listpack").Int<int64_t>(5).bytes);
  items.String(FromHex("17000000 0600 816602 817602 0001 816702 817702 0501 ff"));
  items.Raw(Key(22, "old").Length(1).Length(70).String("f").String("v").bytes);
  items.Raw(Key(23, "old listpack").String(FromHex("0f000000 0300 816602 817602 0701 ff")).bytes);
  EXPECT_EQ(Read(items), (Lines{"0 times hash g w(@1005) f v", "0 listpack hash g w(@5) f v",
                                "0 old hash f v(@70)", "0 old listpack hash f v(@7)"}));
}

// Later versions add types, and change none: files that do without can be read.
TEST(RdbReaderTest, ReadsLaterVersionsAsFarAsTheirTypesAreKnown) {
  const RdbBytes known = Key(0, "k").String("v");
  EXPECT_EQ(Read(known, "REDIS0015"), Lines{"0 k string v"});
  EXPECT_EQ(Read(Key(26, "stream"), "REDIS0013").at(0),
            "refused: offset 9: expected a type of values or an opcode, not 26");
}

// From version 12 on the two give the same numbers different meanings.
TEST(RdbReaderTest, ReadsValkeysOwnForm) {
  RdbBytes items;
  items.Byte(243).String("job").Length(1).Length(0).Length(100);
  items.Raw(Key(22, "hash").Length(2).String("f").String("v").Int<int64_t>(-1).bytes);
  items.String("g").String("w").Int<int64_t>(99);
  EXPECT_EQ(Read(items, "VALKEY080"), Lines{"0 hash hash g w(@99) f v"});
  EXPECT_EQ(Read(items, "REDIS0012").at(0),
            "refused: offset 9: metadata of modules, which cannot be read");
}

TEST(RdbReaderTest, TellsWhatIsSaidOfAKeyAndOnlyOfThat) {
  RdbBytes items;
  items.Byte(250).String("redis-ver").String("7.0.15");
  items.Byte(254).Length(3).Byte(251).Length(3).Length(2);
  items.Byte(252).Int<int64_t>(1700000000123).Byte(248).Length(1000);
  items.Raw(Key(0, "a").String("1").bytes);
  items.Byte(253).Int<int32_t>(1700000000).Byte(249).Byte(200);
  items.Raw(Key(2, "b").Length(1).String("m").bytes);
  items.Raw(Key(0, "c").String("3").bytes);
  items.Byte(252).Int<int64_t>(-5).Raw(Key(0, "long past").String("4").bytes);
  items.Byte(252).Int<int64_t>(INT64_MAX).Raw(Key(0, "far ahead").String("5").bytes);
  EXPECT_EQ(Read(items), (Lines{"3 a string 1 @1700000000123 idle=1000",
                                "3 b set m @1700000000000 frequency=200", "3 c string 3",
                                "3 long past string 4 @1",
                                "3 far ahead string 5 @" + std::to_string(kDeadlineMax)}));
}

// What we do not have is passed over exactly, so that what follows can be read.
TEST(RdbReaderTest, PassesOverOtherTypes) {
  RdbBytes items;
  items.Raw(Key(1, "list").Length(2).String("a").String("b").bytes);
  items.Raw(Key(3, "zset").Length(3).String("a").Byte(1).Raw("7").String("b").Byte(253).bytes);
  items.String("c").Byte(255);
  items.Raw(Key(5, "zset2").Length(1).String("a").Int<uint64_t>(0).bytes);
  items.Raw(Key(10, "ziplist").String("opaque").bytes);
  items.Raw(Key(14, "quicklist").Length(1).String("opaque").bytes);
  items.Raw(Key(17, "zset listpack").String("opaque").bytes);
  items.Raw(Key(18, "quicklist2").Length(2).Length(2).String("x").Length(1).String("y").bytes);
  items.Raw(Key(7, "module").Length(123456).bytes);
  items.Length(2).Length(300).Length(1).Length(0).Length(3).Int<uint32_t>(0);
  items.Length(4).Int<uint64_t>(0).Length(5).String("opaque").Length(0);
  items.Raw(Key(0, "after").String("v").bytes);
  EXPECT_EQ(
      Read(items),
      (Lines{"0 list passed over: list", "0 zset passed over: zset", "0 zset2 passed over: zset",
             "0 ziplist passed over: list", "0 quicklist passed over: list",
             "0 zset listpack passed over: zset", "0 quicklist2 passed over: list",
             "0 module passed over: module", "0 after string v"}));
}

/// A stream of the form that its type says, with groups, consumers and pending entries.
RdbBytes Stream(int type) {
  const std::string id(16, 'i');
  RdbBytes bytes = Key(type, "stream");
  bytes.Length(1).String(id).String("opaque");
  for (int i = 0; i < (type == 15 ? 3 : 8); ++i) bytes.Length(1000);
  bytes.Length(2);
  for (const std::string_view group : {"busy", "idle"}) {
    bytes.String(group).Length(1).Length(2);
    if (type != 15) bytes.Length(3);
    const bool busy = group == "busy";
    bytes.Length(busy ? 2 : 0);
    for (int i = 0; busy && i < 2; ++i) bytes.Raw(id).Int<int64_t>(5).Length(1);
    bytes.Length(busy ? 2 : 0);
    for (int i = 0; busy && i < 2; ++i) {
      bytes.String("consumer").Int<int64_t>(5);
      if (type == 21) bytes.Int<int64_t>(6);
      bytes.Length(static_cast<uint64_t>(2 * i));
      for (int j = 0; j < 2 * i; ++j) bytes.Raw(id);
    }
  }
  return bytes;
}

TEST(RdbReaderTest, PassesOverStreamsOfEachForm) {
  for (const int type : {15, 19, 21}) {
    RdbBytes items = Stream(type);
    items.Raw(Key(15, "empty").Length(0).Length(0).Length(0).Length(0).Length(0).bytes);
    items.Raw(Key(0, "after").String("v").bytes);
    EXPECT_EQ(Read(items), (Lines{"0 stream passed over: stream", "0 empty passed over: stream",
                                  "0 after string v"}))
        << type;
  }
}

TEST(RdbReaderTest, PassesOverWhatIsNoKey) {
  RdbBytes items;
  items.Byte(245).String("#!lua name=mylib");
  items.Byte(247).Length(123456).Length(2).Length(1).Length(5).String("opaque").Length(0);
  items.Byte(244).Length(1).Length(2).Length(3);
  items.Raw(Key(0, "after").String("v").bytes);
  EXPECT_EQ(Read(items), Lines{"0 after string v"});
  RdbBytes file;
  file.Raw("REDIS0010").Raw(items.bytes).End();
  const RdbReader::Counters counters = ReadRdb(file.bytes).counters;
  EXPECT_EQ(counters.functions, 1U);
  EXPECT_EQ(counters.module_data, 1U);
  EXPECT_EQ(counters.keys, 1U);
  EXPECT_EQ(counters.bytes, file.bytes.size());
}

// Old servers had errors that let empty values into a file; Redis drops them without a word.
TEST(RdbReaderTest, PassesOverEmptyValues) {
  RdbBytes items;
  items.Raw(Key(4, "a").Length(0).bytes).Raw(Key(2, "b").Length(0).bytes);
  items.Raw(Key(16, "c").String(FromHex("07000000 0000 ff")).bytes);
  items.Raw(Key(0, "after").String("v").bytes);
  EXPECT_EQ(Read(items), Lines{"0 after string v"});
}

TEST(RdbReaderTest, ALargeCollectionComesByParts) {
  RdbBytes items = Key(4, "large").Length(5000);
  std::string expected = "0 large hash";
  for (int i = 0; i < 5000; ++i) {
    items.String("f" + std::to_string(i)).String("v");
    expected += " f" + std::to_string(i) + " v";
  }
  EXPECT_EQ(Read(items), Lines{expected});
}

// A file may be followed by something else: commands, on a connection or in an append-only file.
TEST(RdbReaderTest, TakesNothingBehindTheEnd) {
  RdbBytes file;
  file.Raw("REDIS0011").Raw(Key(0, "a").String("1").bytes).End();
  for (const size_t piece : {size_t{1}, size_t{7}, SIZE_MAX}) {
    const RdbReading reading = ReadRdb(file.bytes + "*1\r\n$4\r\nPING\r\n", piece);
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.taken, file.bytes.size());
  }
}

TEST(RdbReaderTest, AWrongChecksumIsRefusedAndNoneIsNot) {
  RdbBytes file;
  file.Raw("REDIS0009").Raw(Key(0, "a").String("1").bytes).Byte(255);
  std::string wrong = file.bytes + std::string(8, 'x');
  EXPECT_EQ(ReadRdb(wrong).error.substr(0, 33), "offset 15: expected the checksum ");
  EXPECT_EQ(ReadRdb(file.bytes + std::string(8, '\0')).error, "");
  // Before version 5 there was none.
  file.bytes.replace(0, 9, "REDIS0004");
  EXPECT_EQ(ReadRdb(file.bytes).error, "");
}

// Whatever stands in a file that was damaged, its checksum tells, if nothing else does.
TEST(RdbReaderTest, EveryFlippedBitIsFound) {
  RdbBytes file;
  file.Raw("REDIS0010").Byte(252).Int<int64_t>(1700000000123).Raw(Stream(19).bytes);
  file.Raw(Key(4, "h").Length(1).String("field").String("value").bytes).End();
  for (size_t at = 0; at < file.bytes.size() - 8; ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file.bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_NE(ReadRdb(flipped).error, "") << at << " bit " << bit;
    }
}

TEST(RdbReaderTest, AFileThatStopsEarlyIsRefused) {
  RdbBytes file;
  file.Raw("REDIS0010").Raw(Stream(21).bytes).Raw(Key(0, "a").String("1").bytes).End();
  for (size_t size = 0; size < file.bytes.size(); ++size)
    EXPECT_TRUE(ReadRdb(file.bytes.substr(0, size))
                    .error.ends_with("the file ends after " + std::to_string(size) + " bytes"))
        << size;
}

TEST(RdbReaderTest, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ReadRdb("SOMETHING ELSE").error, "offset 0: expected REDIS or VALKEY and a version");
  EXPECT_EQ(ReadRdb("REDIS0099x").error, "dump file of version 99 of Redis, must be 1 to 15");
  const auto error = [](const RdbBytes& items) { return Read(items).at(0); };
  EXPECT_EQ(error(RdbBytes{}.Byte(100)),
            "refused: offset 9: expected a type of values or an opcode, not 100");
  EXPECT_EQ(error(Key(0, "k").Byte(0xC4)),
            "refused: offset 12: expected an encoding of strings, not 4");
  EXPECT_EQ(error(Key(4, "k").Byte(0xC0)),
            "refused: offset 12: expected a length, not an encoded string");
  EXPECT_EQ(error(Key(0, "k").Byte(0x82)), "refused: offset 12: expected a length, not byte 0x82");
  EXPECT_EQ(error(Key(16, "k").String("x")),
            "refused: offset 12: byte 0 of the listpack: expected its size, 1 bytes");
  EXPECT_EQ(error(Key(16, "k").String(FromHex("0a000000 0100 816602 ff"))),
            "refused: offset 12: expected 2 elements for each field");
  EXPECT_EQ(error(Key(6, "k")),
            "refused: offset 9: a module of a release candidate, which cannot be read");
  EXPECT_EQ(error(Key(7, "k").Length(1).Length(6)),
            "refused: offset 13: expected a part of a module's value, not 6");
}

// Sizes are believed only as far as bytes are there: each of these would be huge.
TEST(RdbReaderTest, HugeSizesTakeNoMemory) {
  const auto error = [](const RdbBytes& items) { return Read(items).at(0); };
  EXPECT_EQ(error(Key(0, "k").Byte(0x81).Int<uint64_t>(0xFFFFFFFFFFFFFFFF)),
            "refused: offset 12: expected a string of at most 4294967295 bytes, not "
            "18446744073709551615");
  EXPECT_EQ(error(Key(0, "k").Byte(0xC3).Length(10).Length(1U << 31).Raw("0123456789")),
            "refused: offset 12: expected a compressed string, not 10 bytes that become "
            "2147483648");
  EXPECT_TRUE(error(Key(0, "k").Length(1U << 31)).find("the file ends after") != std::string::npos);
  for (const int type : {1, 2, 4, 14, 15, 18})
    EXPECT_TRUE(error(Key(type, "k").Length(UINT64_MAX)).starts_with("refused")) << type;
}

// The first error stays: what comes after it is not read.
TEST(RdbReaderTest, AfterAnErrorNothingIsRead) {
  RdbRecord record;
  RdbReader reader(record);
  EXPECT_FALSE(reader.Feed("NOT A DUMP"));
  EXPECT_FALSE(reader.Feed("REDIS0010"));
  EXPECT_FALSE(reader.Finish());
}

}  // namespace
}  // namespace cloakroom
