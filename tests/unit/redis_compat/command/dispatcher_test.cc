#include "redis_compat/command/dispatcher.h"

#include <gtest/gtest.h>

#include "tests/support/harness.h"

namespace cloakroom {
namespace {

// A small family of its own, so that these tests hang on no other.

Result<void> Put(CommandContext& ctx, Args args, Reply& reply) {
  ctx.batch.PutString(ctx.db(), ctx.Ref(args[1]), args[2], kNoDeadline);
  return reply.Ok();
}
Result<void> Look(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.Read(ctx.Ref(args[1]));
  return entry == nullptr ? reply.Null() : reply.Bulk(entry->value());
}
/// Fills the batch, writes half a reply, then fails.
Result<void> PutAndFail(CommandContext& ctx, Args args, Reply& reply) {
  static_cast<void>(Put(ctx, args, reply));
  return Fail(Code::kOutOfRange, "no such luck");
}
/// Refuses, yet means its batch to stay, as a reused token's revocation is.
Result<void> PutAndRefuse(CommandContext& ctx, Args args, Reply& reply) {
  ctx.batch.PutString(ctx.db(), ctx.Ref(args[1]), args[2], kNoDeadline);
  return reply.Error({Code::kNoSession, ""});
}
Result<void> Hush(CommandContext& ctx, Args args, Reply& /*reply*/) {
  ctx.client.reply_mode = args[1] == "off"    ? ReplyMode::kOff
                          : args[1] == "skip" ? ReplyMode::kSkipNext
                                              : ReplyMode::kOn;
  return {};
}
void HideSecond(std::span<std::string> words) { words[1] = "(redacted)"; }

void RegisterTrial(Registry& registry) {
  static const CommandSpec kSubs[] = {
      {"one", 3, 0, {}, "", "", "", "", "", Hush},
  };
  static const CommandSpec kRows[] = {
      {"put", 3, kWrite, {1, 1, 1}, "", "", "", "", "", Put},
      {"look", 2, kReadonly, {1, 1, 1}, "", "", "", "", "", Look},
      {"fail", 3, kWrite, {1, 1, 1}, "", "", "", "", "", PutAndFail},
      {"refuse", 3, kWrite, {1, 1, 1}, "", "", "", "", "", PutAndRefuse},
      {"hush", 2, kNoAuthNeeded, {}, "", "", "", "", "", Hush},
      {"alone", 1, kNoMulti, {}, "", "", "", "", "", Hush},
      {"box", -2, 0, {}, "", "", "", "", "", nullptr, kSubs},
      {"secret", 3, kWrite, {1, 1, 1}, "", "", "", "", "", Put, {}, nullptr, HideSecond},
      {"hidden", 3, kWrite | kAdmin | kSkipSlowlog, {1, 1, 1}, "", "", "", "", "", Put},
  };
  registry.Add(kRows);
}

class DispatcherTest : public ::testing::Test {
 protected:
  Harness h{{RegisterTrial}};
};

TEST_F(DispatcherTest, UnknownCommandsAnswerRedissError) {
  EXPECT_EQ(h.Run("Foo"), "-ERR unknown command 'Foo', with args beginning with: \r\n");
  EXPECT_EQ(h.Run("foo", "a", "b"),
            "-ERR unknown command 'foo', with args beginning with: 'a' 'b' \r\n");
  const std::string long_word(200, 'x');
  EXPECT_EQ(h.Run(long_word, long_word, "b"), "-ERR unknown command '" + std::string(128, 'x') +
                                                  "', with args beginning with: '" +
                                                  std::string(128, 'x') + "' \r\n");
  EXPECT_EQ(h.Run("foo", "a\r\nb"),
            "-ERR unknown command 'foo', with args beginning with: 'a  b' \r\n");
  EXPECT_EQ(h.Run("box", "two"), "-ERR unknown subcommand 'two'. Try BOX HELP.\r\n");
}

TEST_F(DispatcherTest, ArityErrorsNameTheCommandDownToItsSubcommand) {
  EXPECT_EQ(h.Run("PUT", "k"), "-ERR wrong number of arguments for 'put' command\r\n");
  EXPECT_EQ(h.Run("box", "one"), "-ERR wrong number of arguments for 'box|one' command\r\n");
  EXPECT_EQ(h.Run("box"), "-ERR wrong number of arguments for 'box' command\r\n");
  EXPECT_EQ(h.registry.Find("put")->stats.rejected, 1U);
  EXPECT_EQ(h.registry.Find("put")->stats.calls, 0U);
}

TEST_F(DispatcherTest, FailedCommandsLeaveNoTrace) {
  EXPECT_EQ(h.Run("fail", "k", "v"), "-ERR no such luck\r\n");
  EXPECT_EQ(h.Records(), 0U);
  EXPECT_EQ(h.Run("look", "k"), "$-1\r\n");
  EXPECT_EQ(h.registry.Find("fail")->stats.failed, 1U);
  EXPECT_EQ(h.dispatcher.counters().errors.at("ERR"), 1U);
}

TEST_F(DispatcherTest, ARefusalMayCommit) {
  EXPECT_EQ(h.Run("refuse", "k", "v"), "-NOSESSION no such session\r\n");
  EXPECT_EQ(h.Records(), 1U);
  EXPECT_EQ(h.registry.Find("refuse")->stats.failed, 1U);
  EXPECT_EQ(h.dispatcher.counters().errors.at("NOSESSION"), 1U);
}

TEST_F(DispatcherTest, RepliesDependOnTheNewestRecord) {
  EXPECT_EQ(h.Run("put", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.last_outcome.depends_on, 1U);
  EXPECT_EQ(h.Run("look", "k"), "$1\r\nv\r\n");
  EXPECT_EQ(h.last_outcome.depends_on, 1U);
  EXPECT_EQ(h.dispatcher.lookups().hits, 1U);
}

TEST_F(DispatcherTest, WithoutThePasswordOnlyTheHandshakeRuns) {
  h.server.password = "hunter2";
  h.client().authenticated = false;
  EXPECT_EQ(h.Run("look", "k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(h.Run("hush", "on"), "");
  EXPECT_EQ(h.Run("nope"), "-ERR unknown command 'nope', with args beginning with: \r\n");
  h.client().authenticated = true;
  EXPECT_EQ(h.Run("look", "k"), "$-1\r\n");
}

TEST_F(DispatcherTest, ClientReplyModesSilence) {
  EXPECT_EQ(h.Run("hush", "skip"), "");
  EXPECT_EQ(h.Run("put", "k", "v"), "") << "the one after SKIP";
  EXPECT_EQ(h.Run("look", "k"), "$1\r\nv\r\n");
  EXPECT_EQ(h.Run("hush", "off"), "");
  EXPECT_EQ(h.Run("look", "k"), "");
  EXPECT_EQ(h.Run("nope"), "");
  EXPECT_EQ(h.Run("hush", "on"), "");
  EXPECT_EQ(h.Run("look", "k"), "$1\r\nv\r\n");
}

// Under PAUSE WRITE reads go on; what is wrong anyway is refused at once.
TEST_F(DispatcherTest, PauseHoldsBack) {
  h.server.pause_mode = PauseMode::kWrite;
  EXPECT_EQ(h.Run("put", "k", "v"), "");
  EXPECT_TRUE(h.last_outcome.postponed);
  EXPECT_EQ(h.Records(), 0U);
  EXPECT_EQ(h.Run("look", "k"), "$-1\r\n");
  EXPECT_FALSE(h.last_outcome.postponed);
  h.server.pause_mode = PauseMode::kAll;
  EXPECT_EQ(h.Run("look", "k"), "");
  EXPECT_TRUE(h.last_outcome.postponed);
  EXPECT_EQ(h.Run("look"), "-ERR wrong number of arguments for 'look' command\r\n");
  h.server.pause_mode = PauseMode::kOff;
  EXPECT_EQ(h.Run("put", "k", "v"), "+OK\r\n");
}

TEST_F(DispatcherTest, SlowCommandsAreLogged) {
  EXPECT_EQ(h.Run("put", "k", "v"), "+OK\r\n");
  EXPECT_TRUE(h.server.slow_log.empty()) << "the threshold is -1: off";
  h.server.slow_log_threshold_us = 0;
  EXPECT_EQ(h.Run("put", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("hidden", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("secret", "token", "v"), "+OK\r\n");
  ASSERT_EQ(h.server.slow_log.size(), 2U);
  EXPECT_EQ(h.server.slow_log[0].words, (std::vector<std::string>{"secret", "(redacted)", "v"}));
  EXPECT_EQ(h.server.slow_log[1].words, (std::vector<std::string>{"put", "k", "v"}));
}

TEST_F(DispatcherTest, MonitorsSeeAllButAdminsAndSecrets) {
  h.server.monitors = 1;
  EXPECT_EQ(h.Run("put", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("hidden", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("secret", "token", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("put", "k"), "-ERR wrong number of arguments for 'put' command\r\n");
  ASSERT_EQ(h.server.monitored.size(), 2U);
  EXPECT_EQ(h.server.monitored[0],
            "+1700000000.000000 [0 127.0.0.1:50001] \"put\" \"k\" \"v\"\r\n");
  EXPECT_EQ(h.server.monitored[1].find("token"), std::string::npos);
}

TEST_F(DispatcherTest, MultiQueuesAndExecRunsOneRecord) {
  h.client().in_multi = true;
  EXPECT_EQ(h.Run("put", "a", "1"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("fail", "b", "2"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("put", "c", "3"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("look", "c"), "+QUEUED\r\n");
  EXPECT_EQ(h.Records(), 0U);
  std::string out;
  Reply reply(out, 2);
  ASSERT_TRUE(h.dispatcher.ExecuteQueue(h.client(), reply).has_value());
  reply.Flush();
  EXPECT_EQ(out, "*4\r\n+OK\r\n-ERR no such luck\r\n+OK\r\n$1\r\n3\r\n");
  EXPECT_EQ(h.Records(), 1U) << "one record for all of an EXEC";
  EXPECT_FALSE(h.client().in_multi);
  EXPECT_TRUE(h.client().queued.empty());
}

TEST_F(DispatcherTest, WhatIsRefusedWhileQueueingBreaksTheTransaction) {
  h.client().in_multi = true;
  EXPECT_EQ(h.Run("alone"), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_TRUE(h.client().multi_broken);
  h.dispatcher.Forget(h.client());
  h.client().in_multi = true;
  EXPECT_FALSE(h.client().multi_broken);
  static_cast<void>(h.Run("nope"));
  EXPECT_TRUE(h.client().multi_broken);
}

TEST_F(DispatcherTest, StatsAddUpAndReset) {
  for (int i = 0; i < 3; ++i) static_cast<void>(h.Run("look", "k"));
  static_cast<void>(h.Run("fail", "k", "v"));
  EXPECT_EQ(h.registry.Find("look")->stats.calls, 3U);
  EXPECT_EQ(h.dispatcher.counters().commands, 4U);
  EXPECT_EQ(h.dispatcher.counters().error_replies, 1U);
  EXPECT_EQ(h.client().commands, 4U);
  EXPECT_EQ(h.client().last_command, "fail");
  h.dispatcher.ResetStats();
  EXPECT_EQ(h.registry.Find("look")->stats.calls, 0U);
  EXPECT_EQ(h.dispatcher.counters().commands, 0U);
  EXPECT_TRUE(h.dispatcher.counters().errors.empty());
  EXPECT_EQ(h.dispatcher.lookups().misses, 0U);
}

}  // namespace
}  // namespace cloakroom
