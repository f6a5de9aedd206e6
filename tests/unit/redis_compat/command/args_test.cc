#include "redis_compat/command/args.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cloakroom {
namespace {

TEST(ArgsTest, WordsCompareWithoutCase) {
  const std::vector<std::string_view> words = {"SET", "k", "v", "eX", "10"};
  const Args args(words);
  EXPECT_TRUE(args.Is(3, "EX"));
  EXPECT_FALSE(args.Is(3, "PX"));
  EXPECT_FALSE(args.Is(3, "EXAT"));
  EXPECT_EQ(args.From(3).size(), 2U);
}

// Eight characters are compared at once, and only letters have a case: every pair of characters at
// every place of a word must be told as one by one.
TEST(ArgsTest, OnlyLettersHaveACase) {
  const auto fold = [](int c) { return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c; };
  for (const size_t size : {3, 8, 9, 16, 19}) {
    for (size_t at = 0; at < size; ++at) {
      for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
          std::string one(size, 'x');
          std::string other(size, 'X');
          one[at] = static_cast<char>(a);
          other[at] = static_cast<char>(b);
          ASSERT_EQ(EqualsIgnoreCase(one, other), fold(a) == fold(b))
              << a << " and " << b << " at " << at << " of " << size;
        }
      }
    }
  }
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_FALSE(EqualsIgnoreCase("12345678", "123456789"));
}

// Clients branch on this very sentence.
TEST(ArgsTest, WhatIsNoIntegerAnswersRedissError) {
  const std::vector<std::string_view> words = {"x", "12", "1 2", "+1", "99999999999999999999"};
  const Args args(words);
  EXPECT_EQ(args.Integer(1).value(), 12);
  for (const size_t i : {2, 3, 4}) {
    const Result<int64_t> number = args.Integer(i);
    ASSERT_FALSE(number.has_value()) << words[i];
    EXPECT_EQ(number.error().message, "value is not an integer or out of range");
  }
  EXPECT_EQ(args.Integer(2, "own words").error().message, "own words");
}

struct GlobCase {
  std::string_view pattern;
  std::string_view text;
  bool match;
};

// The corners of the pattern language as Redis has it: an open set ends with the pattern, a
// backslash at the end is itself, ranges may be written backwards.
TEST(GlobTest, MatchesAsRedisDoes) {
  constexpr GlobCase kCases[] = {
      {"*", "", false},
      {"**", "", false},
      {"", "", true},
      {"", "a", false},
      {"a*c", "abbc", true},
      {"a*c", "abbd", false},
      {"a**c", "ac", true},
      {"?", "", false},
      {"?", "x", true},
      {"h?llo", "hello", true},
      {"h[ae]llo", "hallo", true},
      {"h[ae]llo", "hillo", false},
      {"h[^e]llo", "hello", false},
      {"h[^e]llo", "hallo", true},
      {"h[a-c]", "hb", true},
      {"h[c-a]", "hb", true},
      {"h[a-c]", "hd", false},
      {"[abc", "a", true},
      {"[abc", "d", false},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a\\", "a\\", true},
      {"[\\]]", "]", true},
      {"[", "", false},
      {"*[^a]", "ba", false},
      {"*a*b*c*", "xxaxxbxxcxx", true},
  };
  for (const GlobCase& c : kCases)
    EXPECT_EQ(GlobMatch(c.pattern, c.text, false), c.match) << c.pattern << " on " << c.text;
  EXPECT_TRUE(GlobMatch("MAX[A-Z]em*", "maxmemory", true));
  EXPECT_FALSE(GlobMatch("MAX*", "maxmemory", false));
}

// A pattern of many stars must not take exponential time: anybody may send KEYS.
TEST(GlobTest, ManyStarsStayCheap) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  pattern += "b";
  EXPECT_FALSE(GlobMatch(pattern, std::string(2000, 'a'), false));
}

}  // namespace
}  // namespace cloakroom
