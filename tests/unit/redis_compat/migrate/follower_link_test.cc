#include "redis_compat/migrate/follower_link.h"

#include "tests/support/sim_network.h"
#include "tests/unit/redis_compat/migrate/follow_fixture.h"

namespace cloakroom {
namespace {

/// A link on a simulated network, with the turns of a server around it.
class FollowerLinkTest : public FollowTest {
 protected:
  void SetUp() override { Make(); }
  void TearDown() override { link.reset(); }

  void Make(bool refuse = true) {
    link.reset();
    Begin(refuse);
    follower.reset();
    network = std::make_unique<SimNetwork>(h->clock);
    RedisFollower::Options options;
    options.listening_port = 7000;
    link = std::make_unique<FollowerLink>(
        h->clock, *network, *network, *target,
        FollowerLink::Options{{"redis.example", 6379}, options},
        FollowerLink::Events{[this](bool up) { changes += up ? "up " : "down "; },
                             [this](const std::string& reason) { stopped = reason; }});
    network->SetTurn([this] {
      h->shard.BeginTurn();
      const bool more = link->Turn();
      h->shard.EndTurn();
      return more;
    });
    changes.clear();
    link->Start();
  }

  /// The primary accepts, and goes as far as a stream of `items` at byte 100.
  SimPeerPtr Accept(const RdbBytes& items = {}) {
    SimPeerPtr peer = network->LetConnect();
    network->Settle();
    peer->Send("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC " + kHistory + " 100\r\n" + SizedDump(items));
    network->Settle();
    return peer;
  }

  std::unique_ptr<SimNetwork> network;
  std::unique_ptr<FollowerLink> link;
  std::string changes;
  std::string stopped;
};

TEST_F(FollowerLinkTest, FollowsAndTellsHowItIs) {
  EXPECT_EQ(network->Connects(), (std::vector<PeerAddress>{{"redis.example", 6379}}));
  EXPECT_TRUE(link->status().connecting);
  const SimPeerPtr peer = Accept(OneKey("k", "v"));
  EXPECT_TRUE(link->status().up);
  EXPECT_EQ(Value("k"), "string v");
  EXPECT_TRUE(peer->Take().ends_with(Ack(100)));
  peer->Send(Words({"SET", "k", "w"}) + Words({"REPLCONF", "GETACK", "*"}));
  network->Settle();
  EXPECT_EQ(Value("k"), "string w");
  EXPECT_EQ(peer->Take(), Ack(100 + Words({"SET", "k", "w"}).size()));
  const FollowerLink::Status status = link->status();
  EXPECT_EQ(status.offset,
            100 + Words({"SET", "k", "w"}).size() + Words({"REPLCONF", "GETACK", "*"}).size());
  EXPECT_EQ(status.read_offset, status.offset);
  EXPECT_EQ(status.heard_s, 0);
  EXPECT_EQ(status.full_syncs, 1U);
  EXPECT_EQ(changes, "up ");
  network->Pass(3000);
  EXPECT_EQ(link->status().heard_s, 3);
  EXPECT_TRUE(peer->Take().ends_with(Ack(status.offset))) << "each second";
}

TEST_F(FollowerLinkTest, TellsHowFarTheDumpIs) {
  const SimPeerPtr peer = network->LetConnect();
  network->Settle();
  const std::string dump = SizedDump(OneKey("k", "v"));
  peer->Send("+PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC " + kHistory + " 100\r\n" +
             dump.substr(0, dump.size() - 20));
  network->Settle();
  const FollowerLink::Status status = link->status();
  EXPECT_TRUE(status.syncing);
  EXPECT_FALSE(status.up);
  EXPECT_EQ(status.sync_left_bytes(), 20U);
  EXPECT_GT(status.sync_percent(), 10);
}

TEST_F(FollowerLinkTest, TriesAgainASecondAfterWhatWentWrong) {
  network->RefuseConnect();
  EXPECT_EQ(link->status().error, "connection refused");
  EXPECT_TRUE(network->Connects().empty());
  network->Pass(1000);
  ASSERT_EQ(network->Connects().size(), 1U);
  SimPeerPtr peer = Accept();
  peer->Send(Words({"SET", "a", "1"}));
  peer->End();
  network->Settle();
  EXPECT_EQ(Value("a"), "string 1") << "what came before the end counts";
  EXPECT_FALSE(link->status().up);
  EXPECT_EQ(link->status().error, "the primary closed the connection");
  EXPECT_TRUE(peer->closed);
  network->Pass(1000);
  peer = network->LetConnect();
  network->Settle();
  peer->Send("+PONG\r\n+OK\r\n+OK\r\n");
  network->Settle();
  const uint64_t next = 101 + Words({"SET", "a", "1"}).size();
  EXPECT_TRUE(peer->Take().ends_with(Words({"PSYNC", kHistory, std::to_string(next)})));
  peer->Send("+CONTINUE\r\n" + Words({"SET", "a", "2"}));
  network->Settle();
  EXPECT_EQ(Value("a"), "string 2");
  EXPECT_EQ(link->status().partial_syncs, 1U);
  EXPECT_EQ(changes, "up down up ");
  EXPECT_EQ(link->status().error, "");
}

TEST_F(FollowerLinkTest, ASilentPrimaryIsLeft) {
  const SimPeerPtr peer = Accept();
  network->Pass(62'000);
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(network->Connects().size(), 1U);
  network->Pass(62'000);
  EXPECT_EQ(link->status().error, "no connection within 60 s");
}

TEST_F(FollowerLinkTest, StopsForGoodWhereItWouldLoseData) {
  const SimPeerPtr peer = Accept();
  peer->Send(Words({"LPUSH", "l", "x"}));
  network->Settle();
  EXPECT_NE(stopped.find("LPUSH of key l"), std::string::npos) << stopped;
  EXPECT_TRUE(link->status().stopped);
  EXPECT_EQ(link->status().error, stopped);
  EXPECT_TRUE(peer->closed);
  network->Pass(5000);
  EXPECT_TRUE(network->Connects().empty());
}

// One command may be larger than the room there is for input.
TEST_F(FollowerLinkTest, TakesACommandOfAnySize) {
  const SimPeerPtr peer = Accept();
  const std::string value(5 << 20, 'x');
  peer->Send(Words({"SET", "k", value}) + Words({"SET", "k2", "v"}));
  network->Settle();
  EXPECT_EQ(Value("k").size(), value.size() + 7);
  EXPECT_EQ(Value("k2"), "string v");
}

TEST_F(FollowerLinkTest, StopsWhenItIsTold) {
  const SimPeerPtr peer = Accept();
  link->Stop();
  EXPECT_TRUE(peer->closed);
  network->Pass(5000);
  EXPECT_TRUE(network->Connects().empty());
}

// A disk that takes nothing makes the primary wait, and is no reason to leave it.
TEST_F(FollowerLinkTest, WaitsForTheDisk) {
  const SimPeerPtr peer = Accept();
  h->shard.RefuseWrites("the disk is full");
  network->Pass(100);
  peer->Send(Words({"SET", "k", "v"}));
  network->Pass(120'000);
  EXPECT_FALSE(peer->closed);
  EXPECT_EQ(Value("k"), "none");
  h->shard.RefuseWrites("");
  network->Pass(2000);
  EXPECT_EQ(Value("k"), "string v");
}

}  // namespace
}  // namespace cloakroom
