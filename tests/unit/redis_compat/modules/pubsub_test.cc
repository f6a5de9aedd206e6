#include "redis_compat/command/pubsub.h"

#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr std::string_view kOnlyFew =
    "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n";

class PubSubFamilyTest : public ::testing::Test {
 protected:
  Harness h{{RegisterPubSub, RegisterConnection, RegisterTransactions, RegisterStrings,
             RegisterCommand, RegisterServer}};
  ClientState& other = h.AddClient();
};

TEST_F(PubSubFamilyTest, EachNameIsConfirmed) {
  EXPECT_EQ(h.Run("SUBSCRIBE", "a", "b", "a"),
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n");
  EXPECT_EQ(h.Run("PSUBSCRIBE", "h*"), "*3\r\n$10\r\npsubscribe\r\n$2\r\nh*\r\n:3\r\n");
  EXPECT_EQ(h.Run("SSUBSCRIBE", "a"), "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(h.Run("UNSUBSCRIBE", "zz"), "*3\r\n$11\r\nunsubscribe\r\n$2\r\nzz\r\n:3\r\n");
  EXPECT_EQ(h.RunAs(other, {"PUNSUBSCRIBE"}), "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n");
  other.protocol = 3;
  EXPECT_EQ(h.RunAs(other, {"SUNSUBSCRIBE"}), ">3\r\n$12\r\nsunsubscribe\r\n_\r\n:0\r\n");
}

TEST_F(PubSubFamilyTest, InResp2ASubscriberMayDoLittle) {
  h.Run("SUBSCRIBE", "a");
  EXPECT_EQ(h.Run("GET", "k"), "-ERR Can't execute 'get': " + std::string(kOnlyFew));
  EXPECT_EQ(h.Run("CONFIG", "GET", "x"),
            "-ERR Can't execute 'config|get': " + std::string(kOnlyFew));
  EXPECT_EQ(h.Run("PUBLISH", "a", "x"), "-ERR Can't execute 'publish': " + std::string(kOnlyFew));
  EXPECT_EQ(h.Run("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(h.Run("PING"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  EXPECT_EQ(h.Run("PING", "hi"), "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
  EXPECT_EQ(h.Run("QUIT"), "+OK\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(h.Run("GET", "k"), "_\r\n");
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(h.Run("RESET"), "+RESET\r\n");
  EXPECT_FALSE(h.client().subscribed());
  EXPECT_EQ(h.RunAs(other, {"PUBLISH", "a", "x"}), ":0\r\n");
  EXPECT_EQ(h.Run("GET", "k"), "$-1\r\n");
}

// As redis-server 7.0.15: the message first, also in the middle of EXEC's array.
TEST_F(PubSubFamilyTest, OnesOwnMessageComesBeforeTheReply) {
  h.UseProtocol(3);
  h.Run("SUBSCRIBE", "a");
  const std::string message = ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";
  EXPECT_EQ(h.Run("PUBLISH", "a", "x"), message + ":1\r\n");
  h.Run("MULTI");
  h.Run("PING");
  h.Run("PUBLISH", "a", "x");
  EXPECT_EQ(h.Run("EXEC"), "*2\r\n+PONG\r\n" + message + ":1\r\n");
}

TEST_F(PubSubFamilyTest, SubscribingInsideExec) {
  h.Run("MULTI");
  EXPECT_EQ(h.Run("SUBSCRIBE", "m1", "m2"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("SSUBSCRIBE", "m3"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("PING"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("GET", "x"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("EXEC"),
            "*4\r\n*3\r\n$9\r\nsubscribe\r\n$2\r\nm1\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$2\r\nm2\r\n"
            ":2\r\n-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n"
            "*2\r\n$4\r\npong\r\n$0\r\n\r\n$-1\r\n");
}

// CLIENT REPLY silences replies; messages and confirmations are none.
TEST_F(PubSubFamilyTest, MessagesAreNotSilenced) {
  h.UseProtocol(3);
  h.Run("CLIENT", "REPLY", "OFF");
  EXPECT_EQ(h.Run("SUBSCRIBE", "r"), ">3\r\n$9\r\nsubscribe\r\n$1\r\nr\r\n:1\r\n");
  EXPECT_EQ(h.Run("PUBLISH", "r", "x"), ">3\r\n$7\r\nmessage\r\n$1\r\nr\r\n$1\r\nx\r\n");
  EXPECT_EQ(h.Run("PING"), "");
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "ON"), "+OK\r\n");
  h.Run("CLIENT", "REPLY", "SKIP");
  EXPECT_EQ(h.Run("UNSUBSCRIBE", "r"), ">3\r\n$11\r\nunsubscribe\r\n$1\r\nr\r\n:0\r\n");
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
}

TEST_F(PubSubFamilyTest, WhoListensToWhat) {
  h.RunAs(other, {"SUBSCRIBE", "a", "bb"});
  h.RunAs(other, {"PSUBSCRIBE", "x*", "y*"});
  h.RunAs(other, {"SSUBSCRIBE", "s"});
  EXPECT_EQ(h.Run("PUBSUB", "CHANNELS", "?"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "CHANNELS").substr(0, 4), "*2\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "NUMSUB", "a", "zz"), "*4\r\n$1\r\na\r\n:1\r\n$2\r\nzz\r\n:0\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "NUMSUB"), "*0\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "NUMPAT"), ":2\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "SHARDCHANNELS"), "*1\r\n$1\r\ns\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "SHARDNUMSUB", "s"), "*2\r\n$1\r\ns\r\n:1\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "CHANNELS", "a", "b"),
            "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB "
            "HELP.\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "NUMPAT", "x"),
            "-ERR wrong number of arguments for 'pubsub|numpat' command\r\n");
  EXPECT_EQ(h.Run("PUBSUB", "FOO"), "-ERR unknown subcommand 'FOO'. Try PUBSUB HELP.\r\n");
  const std::string info = h.Run("INFO", "stats");
  for (const char* line : {"pubsub_channels:2", "pubsub_patterns:2", "pubsubshard_channels:1"})
    EXPECT_NE(info.find(line), std::string::npos) << line;
}

TEST_F(PubSubFamilyTest, ClientsAreListedByClass) {
  h.RunAs(other, {"SUBSCRIBE", "a", "b"});
  h.RunAs(other, {"PSUBSCRIBE", "x*"});
  const std::string listed = h.Run("CLIENT", "LIST", "TYPE", "pubsub");
  EXPECT_NE(listed.find("id=2 "), std::string::npos);
  EXPECT_NE(listed.find(" flags=P db=0 sub=2 psub=1 ssub=0 "), std::string::npos) << listed;
  EXPECT_EQ(listed.find("id=1 "), std::string::npos);
  EXPECT_EQ(h.Run("CLIENT", "LIST", "TYPE", "normal").find("id=2 "), std::string::npos);
  EXPECT_EQ(h.Run("CLIENT", "KILL", "TYPE", "pubsub"), ":1\r\n");
  EXPECT_EQ(h.server.killed_ids, (std::vector<uint64_t>{2}));
}

// A pause of writes holds messages back too: replicas are told of them.
TEST_F(PubSubFamilyTest, APauseOfWritesHoldsMessages) {
  h.Run("CLIENT", "PAUSE", "100", "WRITE");
  h.Run("PUBLISH", "a", "x");
  EXPECT_TRUE(h.last_outcome.postponed);
  h.Run("SPUBLISH", "a", "x");
  EXPECT_TRUE(h.last_outcome.postponed);
  h.RunAs(other, {"SUBSCRIBE", "a"});
  EXPECT_FALSE(h.last_outcome.postponed);
}

// A shard channel has a slot, as a key has, but is no key.
TEST_F(PubSubFamilyTest, ShardChannelsAreNoKeys) {
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "SPUBLISH", "a", "x"),
            "-ERR The command has no key arguments\r\n");
  EXPECT_NE(h.Run("COMMAND", "INFO", "SSUBSCRIBE").find("+not_key\r\n"), std::string::npos);
}

}  // namespace
}  // namespace cloakroom
