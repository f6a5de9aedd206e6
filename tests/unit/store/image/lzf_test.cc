#include "store/image/lzf.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/rdb_bytes.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

std::string Unpacked(std::string_view packed, size_t size) {
  std::string out = "before ";
  return AppendUnpackedLzf(packed, size, out) ? out.substr(7) : "refused";
}

TEST(LzfTest, KnownAnswers) {
  EXPECT_EQ(Unpacked(FromHex("02 616263"), 3), "abc");
  // One literal, then nine bytes and more from one byte back: the copy runs into what it makes.
  EXPECT_EQ(Unpacked(FromHex("00 61 e0 0a 00"), 20), std::string(20, 'a'));
  // A short copy: three bytes from three back.
  EXPECT_EQ(Unpacked(FromHex("02 616263 20 02"), 6), "abcabc");
}

TEST(LzfTest, RefusesWhatIsNoStream) {
  EXPECT_EQ(Unpacked(FromHex("02 6162"), 3), "refused") << "literals are cut off";
  EXPECT_EQ(Unpacked(FromHex("00 61 20"), 4), "refused") << "a copy is cut off";
  EXPECT_EQ(Unpacked(FromHex("00 61 e0"), 20), "refused") << "a long copy is cut off";
  EXPECT_EQ(Unpacked(FromHex("00 61 20 01"), 4), "refused") << "a copy of what is before the start";
  EXPECT_EQ(Unpacked(FromHex("02 616263"), 2), "refused") << "gives too much";
  EXPECT_EQ(Unpacked(FromHex("02 616263"), 4), "refused") << "gives too little";
}

// A size is believed only as far as the bytes can give it: nothing is allocated first.
TEST(LzfTest, RefusesASizeThatNoStreamCanGive) {
  EXPECT_EQ(Unpacked(FromHex("00 61 e0 0a 00"), size_t{1} << 40), "refused");
}

TEST(LzfTest, WhatIsPackedUnpacksToTheSame) {
  for (uint64_t seed = 1; seed <= SeedCount(200); ++seed) {
    SeededRandom random(seed);
    std::string bytes(random.Draw() % 20000, '\0');
    const uint64_t letters = 1 + random.Draw() % 200;  // few: much to copy
    for (char& each : bytes) each = static_cast<char>(random.Draw() % letters);
    if (seed % 3 == 0) bytes += bytes.substr(0, bytes.size() / 2) + bytes;
    std::string packed = "x";
    if (!AppendPackedLzf(bytes, bytes.size(), packed)) {
      EXPECT_EQ(packed, "x") << "seed " << seed;
      continue;
    }
    EXPECT_LE(packed.size() - 1, bytes.size());
    EXPECT_EQ(Unpacked(packed.substr(1), bytes.size()), bytes) << "seed " << seed;
  }
}

TEST(LzfTest, PacksOnlyWhatGetsSmallEnough) {
  std::string packed;
  EXPECT_TRUE(AppendPackedLzf(std::string(1000, 'a'), 20, packed));
  EXPECT_LE(packed.size(), 20U);
  packed.clear();
  EXPECT_FALSE(AppendPackedLzf("abcdefghijklmnopqrstuvwxyz", 22, packed));
  EXPECT_TRUE(packed.empty());
}

}  // namespace
}  // namespace cloakroom
