#include "redis_compat/command/command_trace.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloakroom {
namespace {

constexpr TimeMs kNow = 1'700'000'000'123;

void HideSecond(std::span<std::string> words) { words[1] = "(redacted)"; }

class CommandTraceTest : public ::testing::Test {
 protected:
  CommandTraceTest() {
    command_.spec = &spec_;
    client_.address = "127.0.0.1:50001";
    client_.name = "web";
  }

  CommandSpec spec_{};
  Command command_;
  ClientState client_;
};

TEST_F(CommandTraceTest, MonitorLinesLookAsRedissDo) {
  const std::vector<std::string_view> words = {"set", "k\"\\", std::string_view("\x00\n\xff", 3)};
  EXPECT_EQ(MonitorLine(client_, 3, command_, Args(words), kNow),
            "+1700000000.123000 [3 127.0.0.1:50001] \"set\" \"k\\\"\\\\\" \"\\x00\\n\\xff\"\r\n");
  client_.unix_socket = true;
  client_.address = "/run/c.sock:0";
  EXPECT_EQ(MonitorLine(client_, 0, command_, Args(std::span(words).first(1)), kNow),
            "+1700000000.123000 [0 unix:/run/c.sock] \"set\"\r\n");
}

// A password or a token in a monitor's terminal is a login for whoever reads it.
TEST_F(CommandTraceTest, SecretsAreTakenOut) {
  spec_.redact = HideSecond;
  const std::vector<std::string_view> words = {"auth", "hunter2"};
  EXPECT_EQ(MonitorLine(client_, 0, command_, Args(words), kNow).find("hunter2"),
            std::string::npos);
  const SlowLogEntry entry = MakeSlowLogEntry(client_, command_, Args(words), kNow, 5);
  EXPECT_EQ(entry.words, (std::vector<std::string>{"auth", "(redacted)"}));
  EXPECT_EQ(words[1], "hunter2") << "the command itself keeps its words";
}

TEST_F(CommandTraceTest, LongCommandsAreShortenedInTheSlowLog) {
  const std::string key(40, 'k');
  const std::string long_word(200, 'x');
  std::vector<std::string_view> words(40, key);
  words[1] = long_word;
  const SlowLogEntry entry = MakeSlowLogEntry(client_, command_, Args(words), kNow, 5);
  ASSERT_EQ(entry.words.size(), 32U);
  EXPECT_EQ(entry.words[1], std::string(128, 'x') + "... (72 more bytes)");
  EXPECT_EQ(entry.words[31], "... (9 more arguments)");
  EXPECT_EQ(entry.unix_seconds, kNow / 1000);
  EXPECT_EQ(entry.duration_us, 5);
  EXPECT_EQ(entry.client_name, "web");
}

}  // namespace
}  // namespace cloakroom
