#include "bench/load/reply_scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cloakroom::bench {
namespace {

using Found = ReplyScanner::Found;

const std::vector<std::string> kReplies = {
    "+OK\r\n",
    ":-12\r\n",
    "$5\r\nhe\r\nl\r\n",
    "$0\r\n\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*0\r\n",
    "*2\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n+x\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n#t\r\n",
    "_\r\n",
    ",1.5\r\n",
    "(123456789012345678901234567890\r\n",
    "=7\r\ntxt:a\r\n\r\n",
    ">1\r\n+push\r\n",
    "!3\r\nERR\r\n",
    "-ERR no\r\n",
};

// Replies come in pieces of any size; where they end must not depend on it.
TEST(ReplyScannerTest, FindsEveryReplyHoweverItIsCut) {
  std::string all;
  for (const std::string& reply : kReplies) all += reply;
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    ReplyScanner scanner;
    std::vector<std::string> found;
    std::string pending;
    for (size_t at = 0; at < all.size(); at += piece) {
      pending += all.substr(at, piece);
      while (!pending.empty() && scanner.Next(pending) == Found::kReply) {
        found.emplace_back(scanner.reply());
        pending.erase(0, scanner.reply().size());
      }
    }
    EXPECT_EQ(found, kReplies) << "pieces of " << piece;
    EXPECT_EQ(pending, "");
  }
}

// An error within EXEC's reply is as much a failure as one that stands alone.
TEST(ReplyScannerTest, TellsTheFirstErrorAtAnyDepth) {
  ReplyScanner scanner;
  ASSERT_EQ(scanner.Next("*3\r\n+OK\r\n*1\r\n-WRONGTYPE no\r\n-ERR two\r\n"), Found::kReply);
  EXPECT_EQ(scanner.error(), "WRONGTYPE no");
  ASSERT_EQ(scanner.Next("+-OK\r\n"), Found::kReply);
  EXPECT_EQ(scanner.error(), "") << "the next reply has none";
  ASSERT_EQ(scanner.Next("$6\r\n-ERR a\r\n"), Found::kReply);
  EXPECT_EQ(scanner.error(), "") << "a value that looks like one is none";
}

// Something that is no RESP server must end the run, not hang it.
TEST(ReplyScannerTest, RefusesWhatIsNoResp) {
  for (const char* bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "$-2\r\n", "*1x\r\n", "+no carriage return\n",
        "$99999999999999999999\r\n", "*\r\n", "\r\n"}) {
    ReplyScanner scanner;
    EXPECT_EQ(scanner.Next(bytes), Found::kBroken) << bytes;
  }
  ReplyScanner scanner;
  EXPECT_EQ(scanner.Next(std::string(100'000, '+')), Found::kBroken) << "a line without an end";
}

TEST(ReplyScannerTest, WordsOfAReplyComeInOrder) {
  ReplyWords words("*4\r\n$5\r\ntoken\r\n$3\r\nabc\r\n*2\r\n:7\r\n$-1\r\n+OK\r\n");
  std::vector<std::string> found;
  for (std::string_view word; words.Next(word);) found.emplace_back(word);
  EXPECT_EQ(found, (std::vector<std::string>{"token", "abc", "7", "", "OK"}));
}

}  // namespace
}  // namespace cloakroom::bench
