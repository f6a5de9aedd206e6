#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class TransactionsTest : public ::testing::Test {
 protected:
  Harness h{{RegisterTransactions, RegisterStrings, RegisterConnection, RegisterDatabases,
             RegisterServer, RegisterExpiry}};
  ClientState& other = h.AddClient();
};

TEST_F(TransactionsTest, ExecRunsWhatWasQueuedAsOneRecord) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("SET", "k", "v"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("INCR", "k"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("GET", "k"), "+QUEUED\r\n");
  EXPECT_EQ(h.RunAs(other, {"GET", "k"}), "$-1\r\n") << "nothing happens before EXEC";
  EXPECT_EQ(h.Run("EXEC"),
            "*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n$1\r\nv\r\n");
  EXPECT_EQ(h.Records(), 1U);
  EXPECT_EQ(h.Run("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionsTest, ABrokenQueueIsAborted) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("NOPE"), "-ERR unknown command 'NOPE', with args beginning with: \r\n");
  EXPECT_EQ(h.Run("SET", "k", "v"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(h.Records(), 0U);
  EXPECT_EQ(h.Run("SET", "k", "v"), "+OK\r\n");
}

// What Redis answers where EXEC itself is wrong.
TEST_F(TransactionsTest, AnExecWithTooManyWordsAborts) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC", "now"),
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
            "command\r\n");
  EXPECT_EQ(h.Run("DISCARD"), "-ERR DISCARD without MULTI\r\n");
}

TEST_F(TransactionsTest, MultiAndWatchInsideMultiAreRefusedButBreakNothing) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  EXPECT_EQ(h.Run("WATCH", "k"), "-ERR WATCH inside MULTI is not allowed\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*0\r\n");
}

TEST_F(TransactionsTest, AWatchedKeyThatChangesMakesExecNil) {
  EXPECT_EQ(h.Run("WATCH", "k"), "+OK\r\n");
  EXPECT_EQ(h.RunAs(other, {"SET", "k", "theirs"}), "+OK\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("SET", "k", "mine"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
  EXPECT_EQ(h.Run("GET", "k"), "$6\r\ntheirs\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*0\r\n") << "a failed EXEC ends the watches";
}

TEST_F(TransactionsTest, OnesOwnChangeBreaksTheWatchToo) {
  EXPECT_EQ(h.Run("WATCH", "k"), "+OK\r\n");
  EXPECT_EQ(h.Run("SET", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
}

TEST_F(TransactionsTest, UnwatchDiscardAndResetForget) {
  for (const std::string_view forget : {"UNWATCH", "DISCARD", "RESET"}) {
    EXPECT_EQ(h.Run("WATCH", "k"), "+OK\r\n");
    if (forget == "DISCARD") {
      EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
    }
    EXPECT_NE(h.Run(forget)[0], '-') << forget;
    EXPECT_EQ(h.RunAs(other, {"SET", "k", "v"}), "+OK\r\n");
    EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
    EXPECT_EQ(h.Run("EXEC"), "*0\r\n") << forget;
  }
}

TEST_F(TransactionsTest, AWatchedKeyThatExpiresMakesExecNil) {
  EXPECT_EQ(h.Run("SET", "k", "v", "PX", "100"), "+OK\r\n");
  EXPECT_EQ(h.Run("WATCH", "k"), "+OK\r\n");
  h.clock.Advance(100);
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
}

TEST_F(TransactionsTest, FlushesCountOnlyForKeysThatWereThere) {
  EXPECT_EQ(h.Run("WATCH", "absent"), "+OK\r\n");
  EXPECT_EQ(h.RunAs(other, {"FLUSHALL"}), "+OK\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*0\r\n");
  EXPECT_EQ(h.Run("SET", "k", "v"), "+OK\r\n");
  EXPECT_EQ(h.Run("WATCH", "k"), "+OK\r\n");
  EXPECT_EQ(h.RunAs(other, {"FLUSHDB"}), "+OK\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
}

TEST_F(TransactionsTest, HelloInsideChangesTheProtocolOnTheSpot) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("HELLO", "3"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("GET", "absent"), "+QUEUED\r\n");
  const std::string reply = h.Run("EXEC");
  EXPECT_TRUE(reply.starts_with("*2\r\n%7\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("_\r\n")) << reply;
}

// Nobody counts what a queue that was given up would keep.
TEST_F(TransactionsTest, DiscardFreesTheQueue) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(h.Run("GET", "k"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("DISCARD"), "+OK\r\n");
  EXPECT_EQ(h.client().queued.capacity(), 0U);
}

// Pausing writes holds an EXEC that would write, and no other.
TEST_F(TransactionsTest, PauseWriteHoldsAnExecThatWrites) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("SET", "k", "v"), "+QUEUED\r\n");
  h.server.pause_mode = PauseMode::kWrite;
  EXPECT_EQ(h.Run("EXEC"), "");
  EXPECT_TRUE(h.last_outcome.postponed);
  EXPECT_EQ(h.RunAs(other, {"MULTI"}), "+OK\r\n");
  EXPECT_EQ(h.RunAs(other, {"GET", "k"}), "+QUEUED\r\n");
  EXPECT_EQ(h.RunAs(other, {"EXEC"}), "*1\r\n$-1\r\n");
  h.server.pause_mode = PauseMode::kOff;
  EXPECT_EQ(h.Run("EXEC"), "*1\r\n+OK\r\n");
}

TEST_F(TransactionsTest, MonitorsSeeTheCommandsBeforeTheirExec) {
  h.server.monitors = 1;
  static_cast<void>(h.Run("MULTI"));
  static_cast<void>(h.Run("SET", "k", "v"));
  static_cast<void>(h.Run("EXEC"));
  ASSERT_EQ(h.server.monitored.size(), 3U);
  EXPECT_NE(h.server.monitored[0].find("\"MULTI\""), std::string::npos);
  EXPECT_NE(h.server.monitored[1].find("\"SET\""), std::string::npos);
  EXPECT_NE(h.server.monitored[2].find("\"EXEC\""), std::string::npos);
}

}  // namespace
}  // namespace cloakroom
