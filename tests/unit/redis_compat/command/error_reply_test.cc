#include "redis_compat/command/error_reply.h"

#include <gtest/gtest.h>

namespace cloakroom {
namespace {

std::string Wire(Code code, std::string message) {
  std::string out;
  AppendError(out, {code, std::move(message)});
  return out;
}

TEST(ErrorReplyTest, EachCodeHasItsWord) {
  EXPECT_EQ(Wire(Code::kInvalid, "syntax error"), "-ERR syntax error\r\n");
  EXPECT_EQ(Wire(Code::kWrongType, ""),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(Wire(Code::kNoSession, ""), "-NOSESSION no such session\r\n");
  EXPECT_EQ(Wire(Code::kVersionConflict, "7"), "-VERCONFLICT 7\r\n");
  EXPECT_EQ(Wire(Code::kSessionLimit, "3"), "-SESSLIMIT 3\r\n");
  EXPECT_EQ(Wire(Code::kNoAuth, ""), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Wire(Code::kVerbatim, "MOVED 1 a:1"), "-MOVED 1 a:1\r\n");
}

// An error may quote what a client sent: a line break in it must not end the reply.
TEST(ErrorReplyTest, LineBreaksCannotForgeAReply) {
  EXPECT_EQ(Wire(Code::kInvalid, "bad 'a\r\n+OK'\r\n"), "-ERR bad 'a  +OK'\r\n");
}

TEST(ErrorReplyTest, TheFirstWordNamesTheError) {
  EXPECT_EQ(ErrorWord("-WRONGTYPE Operation\r\n"), "WRONGTYPE");
  EXPECT_EQ(ErrorWord("-LOADING\r\n"), "LOADING");
  EXPECT_EQ(ErrorWord("+OK\r\n"), "");
}

}  // namespace
}  // namespace cloakroom
