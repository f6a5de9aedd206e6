#include "redis_compat/resp/inline_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cloakroom {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InlineWordsTest : public testing::Test {
 protected:
  bool Split(std::string_view line) {
    words_.Clear();
    return SplitInline(line, words_);
  }
  RequestWords words_;
};

TEST_F(InlineWordsTest, BlanksSeparateAndAreSkipped) {
  EXPECT_TRUE(Split("  set \t key  value "));
  EXPECT_THAT(words_.views, ElementsAre("set", "key", "value"));
  EXPECT_TRUE(Split(" \t "));
  EXPECT_THAT(words_.views, IsEmpty());
}

// Vertical tab and form feed separate words only where a blank is expected anyway.
TEST_F(InlineWordsTest, VerticalTabIsSkippedBetweenWordsAndKeptWithin) {
  EXPECT_TRUE(Split("ping \x0b\x0cx"));
  EXPECT_THAT(words_.views, ElementsAre("ping", "x"));
  EXPECT_TRUE(
      Split("ping a\x0b"
            "b"));
  EXPECT_THAT(words_.views, ElementsAre("ping",
                                        "a\x0b"
                                        "b"));
}

TEST_F(InlineWordsTest, DoubleQuotesKnowEscapes) {
  EXPECT_TRUE(Split(R"(x "\x41\n\r\t\b\a\q\"\\" "\x4" "\xZZ")"));
  EXPECT_THAT(words_.views, ElementsAre("x", "A\n\r\t\b\aq\"\\", "x4", "xZZ"));
}

TEST_F(InlineWordsTest, SingleQuotesKnowOnlyThemselves) {
  EXPECT_TRUE(Split(R"('a\'b' 'a\nb' '"')"));
  EXPECT_THAT(words_.views, ElementsAre("a'b", "a\\nb", "\""));
}

TEST_F(InlineWordsTest, AQuoteMayOpenWithinAWord) {
  EXPECT_TRUE(Split(R"(a"b c" '')"));
  EXPECT_THAT(words_.views, ElementsAre("ab c", ""));
}

// A word refused leaves no words behind: the caller must not see half a request.
TEST_F(InlineWordsTest, UnbalancedQuotesAreRefused) {
  for (const char* line : {"ping \"a", "ping 'a", "ping \"a\"b", "ping 'a'b", "ping \"a\\", "\""}) {
    EXPECT_FALSE(Split(line)) << line;
    EXPECT_THAT(words_.views, IsEmpty()) << line;
  }
}

}  // namespace
}  // namespace cloakroom
