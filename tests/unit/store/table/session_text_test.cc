#include "store/table/session_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace cloakroom {
namespace {

size_t StoredBytes(std::string_view text) {
  std::string out;
  AppendText(out, text);
  return out.size();
}

void ExpectComesBack(const std::string& text) {
  std::string out = "x";
  AppendText(out, text);
  out += "next";
  SessionText buffer;
  const StoredText read(out.data() + 1);
  EXPECT_EQ(read.Text(buffer), text);
  EXPECT_EQ(read.TextSize(), text.size());
  EXPECT_LE(text.size(), kTextPerStoredMax * read.bytes().size());
  EXPECT_FALSE(read.deleted());
  EXPECT_EQ(read.bytes(), std::string_view(out).substr(1, out.size() - 5));
}

// Whatever is stored reads back byte by byte: what looks like a number, or like hex, but has
// another form, must stay as it is.
TEST(SessionTextTest, ComesBackAsItWas) {
  const std::vector<std::string> texts = {"",
                                          "0",
                                          "1",
                                          "-1",
                                          "-0",
                                          "00",
                                          "007",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "1.5",
                                          "-",
                                          "--1",
                                          "10",
                                          "255",
                                          "256",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "-9223372036854775808",
                                          "-9223372036854775809",
                                          "1795482393226",
                                          "a",
                                          "ab",
                                          "aB",
                                          "AB",
                                          "abc",
                                          "abcd",
                                          "0x1f",
                                          "deadbeef",
                                          "deadbeeF",
                                          "0123456789abcdef0123456789abcdef",
                                          "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                                          "F81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                                          "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
                                          "f81d4fae07dec-11d0-a765-00a0c91e6bf6",
                                          "ana@example.org",
                                          std::string(3, '\0'),
                                          std::string(127, 'x'),
                                          std::string(128, 'x'),
                                          std::string(128, 'a'),
                                          std::string(130, 'a'),
                                          std::string(20'000, 'y'),
                                          "10.0.0.1",
                                          "2024-05-01t12:00:00",
                                          "{\"a\": [1, 2]}",
                                          "en-GB",
                                          "Mozilla/5.0 (X11; Linux)",
                                          "a\x80",
                                          "bcde\xff"};
  for (const size_t size : {4U, 63U, 64U, 65U, 66U, 67U, 68U, 69U, 255U, 256U, 257U})
    for (const char c : {'a', 'x', '.', '~'}) ExpectComesBack(std::string(size, c));
  for (const std::string& text : texts) ExpectComesBack(text);
}

TEST(SessionTextTest, RandomTextsComeBack) {
  const uint32_t seed = 11;
  std::mt19937 random(seed);
  const std::string alphabets[] = {"0123456789", "0123456789abcdef", "-0123456789",
                                   "0123456789abcdefg-", "abcXYZ \r\n"};
  for (int step = 0; step < 20'000; ++step) {
    const std::string& alphabet = alphabets[random() % std::size(alphabets)];
    std::string text(random() % (step % 50 == 0 ? 300 : 80), ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    ExpectComesBack(text);
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed << ", step " << step;
    ASSERT_LE(StoredBytes(text), text.size() + (text.size() > 63 ? 3 : 1));
  }
}

// The promise: ids, times and tokens in hex take about half their length, words three quarters.
TEST(SessionTextTest, PacksWhatSessionsAreFullOf) {
  EXPECT_EQ(StoredBytes("1795482393226"), 7U);
  EXPECT_EQ(StoredBytes("42"), 2U);
  EXPECT_EQ(StoredBytes("0123456789abcdef0123456789abcdef"), 17U);
  EXPECT_EQ(StoredBytes("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), 17U);
  EXPECT_EQ(StoredBytes("en-GB"), 5U);
  EXPECT_EQ(StoredBytes("nQ1R7pqFEA6AcKztTdqYUEK_nnPb4Z_r"), 25U);
  EXPECT_EQ(StoredBytes("ana@example.org"), 13U);
}

}  // namespace
}  // namespace cloakroom
