#include "store/image/packed_form.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/image/listpack_writer.h"
#include "tests/support/rdb_bytes.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

using Walker = Result<void> (*)(std::string_view, PackedVisit);
using Words = std::vector<std::string>;

Words Walk(Walker walker, std::string_view packed) {
  Words words;
  const Result<void> walked = walker(packed, [&](std::string_view element) {
    words.emplace_back(element);
    return true;
  });
  if (!walked) return {"refused: " + walked.error().message};
  return words;
}

/// Cuts and flips must be refused or read as something else, never crash; the sanitizers look on.
void Mangle(Walker walker, const std::string& packed) {
  for (size_t size = 0; size < packed.size(); ++size) {
    const std::string cut(packed, 0, size);
    EXPECT_TRUE(Walk(walker, cut).at(0).starts_with("refused")) << size;
  }
  for (size_t at = 0; at < packed.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = packed;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      static_cast<void>(Walk(walker, flipped));
    }
}

// Every encoding: numbers of 7, 13, 16, 24, 32 and 64 bits, strings with sizes of 6 and 12 bits.
const std::string kListpack = FromHex(
    "3d000000 0a00"
    "05 01  dfff 02  cfff 02"
    "f10080 03  f2ffff7f 04  f300000080 05"
    "f40000000000000080 09"
    "83 616263 04  80 01"
    "e005 68656c6c6f 07"
    "ff");

TEST(ListpackTest, ReadsEveryEncoding) {
  const Words expected = {
      "5",   "-1", "4095", "-32768", "8388607", "-2147483648", "-9223372036854775808",
      "abc", "",   "hello"};
  std::string packed = kListpack;
  packed[0] = static_cast<char>(packed.size());
  EXPECT_EQ(Walk(ForEachInListpack, packed), expected);
  Mangle(ForEachInListpack, packed);
}

// Strings from 4 KiB on have a size of four bytes; from entries of 128 bytes on, the size behind
// takes several.
TEST(ListpackTest, WhatIsWrittenReadsBack) {
  Words words = {"",
                 "0",
                 "-1",
                 "127",
                 "128",
                 "-4096",
                 "4095",
                 "32767",
                 "-8388608",
                 "2147483647",
                 "-9223372036854775808",
                 "9223372036854775807",
                 "007",
                 "+1",
                 "text"};
  for (const size_t size : {63, 64, 125, 126, 127, 4095, 4096, 16375, 16376, 16377, 16378, 16384,
                            2097140, 2097144, 2097145, 2097146, 2097147})
    words.emplace_back(size, 'x');
  std::string packed = "before";
  ListpackWriter writer(packed);
  for (const std::string& word : words) writer.Add(word);
  writer.Finish();
  EXPECT_EQ(Walk(ForEachInListpack, packed.substr(6)), words);
}

// The count has 16 bits; all ones say that the reader must count by itself.
TEST(ListpackTest, ManyElementsAreNotCounted) {
  std::string packed;
  ListpackWriter writer(packed);
  for (int i = 0; i < 70000; ++i) writer.Add("7");
  writer.Finish();
  EXPECT_EQ(LoadInt<uint16_t>(packed.data() + 4), 0xFFFF);
  EXPECT_EQ(Walk(ForEachInListpack, packed).size(), 70000U);
}

TEST(ListpackTest, RefusesASizeBehindThatIsNotTheEntrys) {
  EXPECT_EQ(Walk(ForEachInListpack, FromHex("0b000000 0100 82 6162 04 ff")),
            Words{"refused: byte 9 of the listpack: expected the size 3 behind the entry"});
}

TEST(ListpackTest, RefusesAWrongCount) {
  EXPECT_EQ(Walk(ForEachInListpack, FromHex("0b000000 0200 82 6162 03 ff")),
            Words{"refused: byte 4 of the listpack: expected the count 1, not 2"});
}

TEST(ListpackTest, EndsEarlyWhenAsked) {
  int seen = 0;
  EXPECT_TRUE(ForEachInListpack(FromHex("0b000000 0200 05 01 06 01 ff"), [&](std::string_view) {
    ++seen;
    return false;
  }));
  EXPECT_EQ(seen, 1);
}

// Every encoding: numbers of 4, 8, 16, 24, 32 and 64 bits, strings with sizes of 6, 14 and 32 bits,
// and the size of the entry before in five bytes.
TEST(ZiplistTest, ReadsEveryEncoding) {
  const std::string long_text(300, 'y');
  RdbBytes entries;
  entries.Raw(FromHex("00 f1  02 fd  02 fe80  03 c00080"));
  entries.Raw(FromHex("04 f0ffff7f  05 d000000080  06 e00000000000000080"));
  entries.Raw(FromHex("0a 03616263  05 8000000002 6869"));
  entries.Raw(FromHex("08 412c")).Raw(long_text);
  entries.Raw(FromHex("fe2f010000 00"));
  RdbBytes packed;
  packed.Int<uint32_t>(static_cast<uint32_t>(10 + entries.bytes.size() + 1));
  packed.Int<uint32_t>(static_cast<uint32_t>(10 + entries.bytes.size() - 6)).Int<uint16_t>(11);
  packed.Raw(entries.bytes).Byte(255);
  const Words expected = {
      "0",   "12", "-128",    "-32768", "8388607", "-2147483648", "-9223372036854775808",
      "abc", "hi", long_text, ""};
  EXPECT_EQ(Walk(ForEachInZiplist, packed.bytes), expected);
  Mangle(ForEachInZiplist, packed.bytes);
}

TEST(ZiplistTest, ReadsAnEmptyOne) {
  EXPECT_EQ(Walk(ForEachInZiplist, FromHex("0b000000 0a000000 0000 ff")), Words{});
}

TEST(ZiplistTest, RefusesASizeBeforeThatIsNotThatEntrys) {
  EXPECT_EQ(Walk(ForEachInZiplist, FromHex("0f000000 0c000000 0200 00f3 03f6 ff")),
            Words{"refused: byte 12 of the ziplist: expected the size of the entry before, 2"});
}

// Values may have spare bytes behind them; sizes from 254 on take five bytes.
TEST(ZipmapTest, ReadsSpareBytesAndLongSizes) {
  const std::string long_value(254, 'z');
  RdbBytes packed;
  packed.Raw(FromHex("02 03 666f6f 02 01 6869 00"));
  packed.Raw(FromHex("01 61 fefe000000 00")).Raw(long_value).Byte(255);
  EXPECT_EQ(Walk(ForEachInZipmap, packed.bytes), (Words{"foo", "hi", "a", long_value}));
  Mangle(ForEachInZipmap, packed.bytes);
}

TEST(IntsetTest, ReadsEveryWidth) {
  EXPECT_EQ(Walk(ForEachInIntset, FromHex("02000000 03000000 0080 ffff ff7f")),
            (Words{"-32768", "-1", "32767"}));
  EXPECT_EQ(Walk(ForEachInIntset, FromHex("04000000 02000000 00000080 ffffff7f")),
            (Words{"-2147483648", "2147483647"}));
  const std::string wide = FromHex("08000000 01000000 0000000000000080");
  EXPECT_EQ(Walk(ForEachInIntset, wide), Words{"-9223372036854775808"});
  Mangle(ForEachInIntset, wide);
}

TEST(IntsetTest, RefusesAWrongOrderWidthOrCount) {
  EXPECT_EQ(Walk(ForEachInIntset, FromHex("02000000 02000000 0500 0500")),
            Words{"refused: byte 10 of the intset: expected more than 5, not 5"});
  EXPECT_EQ(Walk(ForEachInIntset, FromHex("03000000 01000000 050000")),
            Words{"refused: byte 0 of the intset: expected a width of 2, 4 or 8, not 3"});
  EXPECT_EQ(Walk(ForEachInIntset, FromHex("02000000 ffffffff 0500")),
            Words{"refused: byte 4 of the intset: expected a count of 1, not 4294967295"});
}

}  // namespace
}  // namespace cloakroom
