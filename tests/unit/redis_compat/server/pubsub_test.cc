// Messages through the whole server: who gets them when, and what becomes of who does not read.

#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

class ServerPubSubTest : public ServerTest {
 protected:
  static std::string Message(std::string_view channel, std::string_view payload) {
    return "*3\r\n$7\r\nmessage\r\n$" + std::to_string(channel.size()) + "\r\n" +
           std::string(channel) + "\r\n$" + std::to_string(payload.size()) + "\r\n" +
           std::string(payload) + "\r\n";
  }
  SimPeerPtr Subscriber(const std::string& channel) {
    const SimPeerPtr peer = Connect();
    Ask(peer, "SUBSCRIBE " + channel + "\r\n");
    return peer;
  }
};

TEST_F(ServerPubSubTest, AMessageLeavesInTheTurnItCameIn) {
  Start();
  const SimPeerPtr subscriber = Subscriber("news");
  const SimPeerPtr publisher = Connect();
  publisher->Send("PUBLISH news 1\r\nPUBLISH news 2\r\nPUBLISH other 3\r\n");
  network.Poll();
  EXPECT_EQ(subscriber->Take(), Message("news", "1") + Message("news", "2"));
  EXPECT_EQ(publisher->Take(), ":1\r\n:1\r\n:0\r\n");
}

TEST_F(ServerPubSubTest, WhoIsGoneIsSubscribedNoLonger) {
  Start();
  const SimPeerPtr first = Subscriber("news");
  const SimPeerPtr second = Subscriber("news");
  const SimPeerPtr publisher = Connect();
  EXPECT_EQ(Ask(publisher, "PUBLISH news x\r\n"), ":2\r\n");
  first->Break();
  network.Settle();
  EXPECT_EQ(Ask(publisher, "PUBLISH news x\r\n"), ":1\r\n");
  Ask(second, "RESET\r\n");
  EXPECT_EQ(Ask(publisher, "PUBLISH news x\r\nPUBSUB CHANNELS\r\n"), ":0\r\n*0\r\n");
}

TEST_F(ServerPubSubTest, TheHardLimitEndsASubscriberWhoDoesNotRead) {
  Start({{"client-output-buffer-limit", "pubsub 100000 0 0"}});
  const SimPeerPtr lazy = Subscriber("news");
  lazy->window_bytes = 0;
  const SimPeerPtr publisher = Connect();
  const std::string publish = "PUBLISH news " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(Ask(publisher, Times(90, publish)), Times(90, ":1\r\n"));
  EXPECT_FALSE(lazy->closed);
  Ask(publisher, Times(20, publish));
  EXPECT_TRUE(lazy->closed);
  EXPECT_EQ(Ask(publisher, publish), ":0\r\n");
  EXPECT_EQ(server->metrics().output_buffer_limit_disconnections, 1U);
}

TEST_F(ServerPubSubTest, TheSoftLimitEndsASubscriberAfterItsTime) {
  Start({{"client-output-buffer-limit", "normal 1 0 0 pubsub 0 50000 3"}});
  const SimPeerPtr lazy = Subscriber("news");
  lazy->window_bytes = 0;
  const SimPeerPtr publisher = Connect();
  publisher->Send("PUBLISH news " + std::string(60'000, 'x') + "\r\n");
  network.Settle();
  network.Pass(2500);
  EXPECT_FALSE(lazy->closed);
  network.Pass(2500);
  EXPECT_TRUE(lazy->closed);
}

// Without a limit of its own, a subscriber is bounded all the same: it cannot be made to wait.
TEST_F(ServerPubSubTest, NobodyIsKeptForWithoutEnd) {
  Start({{"client-output-buffer-limit", "pubsub 0 0 0"}});
  const SimPeerPtr lazy = Subscriber("news");
  lazy->window_bytes = 0;
  const SimPeerPtr publisher = Connect();
  const std::string publish =
      "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$1048576\r\n" + std::string(1 << 20, 'x') + "\r\n";
  for (size_t i = 0; i < Turn::kOutputMax >> 20 && !lazy->closed; ++i) Ask(publisher, publish);
  EXPECT_TRUE(lazy->closed);
}

TEST_F(ServerPubSubTest, AnIdleSubscriberIsNotClosed) {
  Start({{"timeout", "10"}});
  const SimPeerPtr subscriber = Subscriber("news");
  network.Pass(30'000);
  EXPECT_FALSE(subscriber->closed);
}

TEST_F(ServerPubSubTest, SubscriptionsCountAsTheClientsMemory) {
  Start({{"maxmemory-clients", "1mb"}});
  const SimPeerPtr greedy = Connect();
  std::string names;
  for (int i = 0; i < 10'000; ++i) names += "SUBSCRIBE channel" + std::to_string(i) + "\r\n";
  for (int part = 0; part < 10 && !greedy->closed; ++part) Ask(greedy, names);
  EXPECT_TRUE(greedy->closed);
  EXPECT_EQ(Ask(Connect(), "PUBSUB CHANNELS\r\n"), "*0\r\n");
}

TEST_F(ServerPubSubTest, KillingByClass) {
  Start();
  const SimPeerPtr subscriber = Subscriber("news");
  const SimPeerPtr other = Connect();
  EXPECT_EQ(Ask(other, "CLIENT KILL TYPE pubsub\r\n"), ":1\r\n");
  EXPECT_TRUE(subscriber->closed);
  EXPECT_FALSE(other->closed);
}

class ServerEventsTest : public ServerPubSubTest {
 protected:
  void SetUp() override {
    Start({{"notify-keyspace-events", "Exm"}});
    listener = Connect();
    Ask(listener, "SUBSCRIBE __keyevent@0__:expired __keyevent@0__:keymiss\r\n");
    client = Connect();
  }
  static std::string Expired(std::string_view key) {
    return Message("__keyevent@0__:expired", key);
  }

  SimPeerPtr listener;
  SimPeerPtr client;
};

// Nobody reads the key, and yet its end is told soon.
TEST_F(ServerEventsTest, AKeyExpiresWithoutARead) {
  Ask(client, "SET k v PX 1000\r\n");
  network.Pass(990);
  EXPECT_EQ(listener->Take(), "");
  network.Pass(20);
  EXPECT_EQ(listener->Take(), Expired("k"));
  network.Pass(1000);
  EXPECT_EQ(listener->Take(), "") << "once";
}

// Whoever finds it gone has then been told before.
TEST_F(ServerEventsTest, AKeyExpiresBeforeItIsMissed) {
  Ask(client, "SET k v PX 1000\r\n");
  clock.Advance(1000);
  EXPECT_EQ(Ask(client, "GET k\r\n"), "$-1\r\n");
  EXPECT_EQ(listener->Take(), Expired("k") + Message("__keyevent@0__:keymiss", "k"));
  network.Pass(1000);
  EXPECT_EQ(listener->Take(), "");
}

// Far deadlines lie in coarse buckets until they come near.
TEST_F(ServerEventsTest, AFarDeadlineIsKept) {
  Ask(client, "SET k v EX 120\r\nSET soon v PX 500\r\n");
  network.Pass(119'990);
  EXPECT_EQ(listener->Take(), Expired("soon"));
  network.Pass(100);
  EXPECT_EQ(listener->Take(), Expired("k"));
}

TEST_F(ServerEventsTest, DuringAPauseNothingEnds) {
  Ask(client, "SET k v PX 100\r\nCLIENT PAUSE 1000 WRITE\r\n");
  network.Pass(900);
  EXPECT_EQ(Ask(client, "PING\r\n"), "+PONG\r\n");
  EXPECT_EQ(listener->Take(), "");
  network.Pass(200);
  EXPECT_EQ(listener->Take(), Expired("k"));
}

TEST_F(ServerEventsTest, ClassesChangeWhileItRuns) {
  EXPECT_EQ(Ask(client, "CONFIG SET notify-keyspace-events \"\"\r\n"), "+OK\r\n");
  Ask(client, "SET k v PX 10\r\nGET none\r\n");
  network.Pass(100);
  EXPECT_EQ(listener->Take(), "");
  Ask(client, "SET k v PX 10\r\nCONFIG SET notify-keyspace-events Ex\r\n");
  network.Pass(100);
  EXPECT_EQ(listener->Take(), Expired("k"));
}

}  // namespace
}  // namespace cloakroom
