#include "client/reply_text.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/client/canned_server.h"

namespace cloakroom {
namespace {

class ReplyTextTest : public testing::Test {
 protected:
  ReplyPtr Read(std::string_view bytes) {
    server_.WillReply(bytes);
    return link_.Call(std::vector<std::string>{"PING"}).value();
  }
  std::string People(std::string_view bytes) { return ReplyForPeople(*Read(bytes)); }
  std::string Programs(std::string_view bytes) { return ReplyForPrograms(*Read(bytes)); }

 private:
  CannedServer server_;
  Link link_ = server_.Client();
};

// What redis-cli prints on a terminal, so that eyes and notes made with it carry over.
TEST_F(ReplyTextTest, ForPeopleIsAsRedisCliShowsIt) {
  EXPECT_EQ(People("+OK\r\n"), "OK\n");
  EXPECT_EQ(People("-ERR no\r\n"), "(error) ERR no\n");
  EXPECT_EQ(People(":-7\r\n"), "(integer) -7\n");
  EXPECT_EQ(People("$-1\r\n"), "(nil)\n");
  EXPECT_EQ(People("*-1\r\n"), "(nil)\n");
  EXPECT_EQ(People("*0\r\n"), "(empty array)\n");
  EXPECT_EQ(People("$0\r\n\r\n"), "\"\"\n");
}

TEST_F(ReplyTextTest, ForPeopleEscapesWhatATerminalWouldAct) {
  EXPECT_EQ(People("$8\r\n\"\\\n\r\t\a\b\x1b\r\n"), "\"\\\"\\\\\\n\\r\\t\\a\\b\\x1b\"\n");
  EXPECT_EQ(People("$2\r\n\xc3\xa4\r\n"), "\"\\xc3\\xa4\"\n");
}

TEST_F(ReplyTextTest, ForPeopleNestsAndAlignsNumbers) {
  EXPECT_EQ(People("*2\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n*0\r\n"),
            "1) 1) (integer) 1\n   2) 1) \"x\"\n2) (empty array)\n");
  std::string ten = "*10\r\n";
  for (int i = 0; i < 10; ++i) ten += ":0\r\n";
  const std::string text = People(ten);
  EXPECT_TRUE(text.starts_with(" 1) (integer) 0\n 2) ")) << text;
  EXPECT_TRUE(text.ends_with("\n10) (integer) 0\n")) << text;
}

TEST_F(ReplyTextTest, ForProgramsIsBytesALine) {
  EXPECT_EQ(Programs("$3\r\na\x01z\r\n"), "a\x01z\n");
  EXPECT_EQ(Programs("*3\r\n:5\r\n$-1\r\n*2\r\n+a\r\n+b\r\n"), "5\n\na\nb\n");
  EXPECT_EQ(Programs("*0\r\n"), "\n");
  EXPECT_EQ(Programs("-ERR no\r\n"), "ERR no\n");
}

}  // namespace
}  // namespace cloakroom
