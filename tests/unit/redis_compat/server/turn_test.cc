// The turn: order, fairness, and clients that are slow or mean harm.

#include "redis_compat/server/turn.h"

#include <algorithm>

#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

class TurnTest : public ServerTest {
 protected:
  void SetUp() override { Start(); }
};

TEST_F(TurnTest, APipelineIsAnsweredInOrderInOneWrite) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "SET k 1\r\nINCR k\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n"),
            "+OK\r\n:2\r\n$1\r\n2\r\n+PONG\r\n");
  EXPECT_EQ(peer->writes, 1U) << "one write a turn";
}

// Wherever the network tears a pipeline, the replies are the same.
TEST_F(TurnTest, ATornPipelineIsAnsweredTheSame) {
  const std::string bytes =
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n\r\nGET "
      "k\r\n*0\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
  const std::string replies = "+OK\r\n$5\r\nhello\r\n$5\r\nhello\r\n";
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const SimPeerPtr peer = Connect();
    const std::string first = Ask(peer, bytes.substr(0, cut));
    EXPECT_EQ(first + Ask(peer, bytes.substr(cut)), replies) << "cut at " << cut;
    peer->End();
    network.Settle();
  }
  const SimPeerPtr peer = Connect();
  std::string out;
  for (const char byte : bytes) out += Ask(peer, std::string_view(&byte, 1));
  EXPECT_EQ(out, replies);
}

// What came before an error is answered, the error is named, and nothing behind it is executed.
TEST_F(TurnTest, AProtocolErrorEndsTheConnectionAfterTheRepliesBeforeIt) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "PING\r\n*1\r\nfoo\r\nSET k 1\r\n"),
            "+PONG\r\n-ERR Protocol error: expected '$', got 'f'\r\n");
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(Ask(Connect(), "EXISTS k\r\n"), ":0\r\n");
}

TEST_F(TurnTest, AnEndlessLineIsCutOff) {
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 65; ++i) {
    peer->Send(std::string(1024, 'a'));
    network.Settle();
  }
  EXPECT_EQ(peer->Take(), "-ERR Protocol error: too big inline request\r\n");
  EXPECT_TRUE(peer->closed);
}

TEST_F(TurnTest, WhoSpeaksHttpIsCutOffWithoutAWord) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_TRUE(peer->closed);
}

TEST_F(TurnTest, QuitClosesAfterItsReplyAndDropsTheRest) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "PING\r\nQUIT\r\nSET k 1\r\n"), "+PONG\r\n+OK\r\n");
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(Ask(Connect(), "EXISTS k\r\n"), ":0\r\n");
}

// A client that sends and shuts its side down at once still gets its answers.
TEST_F(TurnTest, RequestsBeforeTheEndAreServed) {
  const SimPeerPtr peer = Connect();
  peer->Send(Times(3000, "PING\r\n"));
  peer->End();
  network.Settle();
  EXPECT_EQ(peer->Take(), Times(3000, "+PONG\r\n"));
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(server->connected(), 0U);
}

// The heart of fairness: behind a pipeline of any depth, a newcomer waits for a turn, not for all.
TEST_F(TurnTest, ADeepPipelineStarvesNobody) {
  const SimPeerPtr deep = Connect();
  const SimPeerPtr quick = Connect();
  deep->Send(Times(100'000, "PING\r\n"));
  network.Poll();
  const size_t answered = deep->Take().size() / 7;
  EXPECT_GE(answered, Turn::kRequestsMax);
  EXPECT_LE(answered, Turn::kRequestsMax + 2 * Turn::kQuantum);
  for (int i = 0; i < 10; ++i) {
    quick->Send("PING\r\n");
    EXPECT_TRUE(network.Poll()) << "what is left over must not wait for the network";
    EXPECT_EQ(quick->Take(), "+PONG\r\n") << "each in the turn it came in";
  }
  network.Settle();
  EXPECT_EQ(answered + deep->Take().size() / 7, 100'000U);
}

// And the other way round: a crowd of newcomers does not hold up what is left over.
TEST_F(TurnTest, NewcomersDoNotStarveWhatIsLeftOver) {
  const SimPeerPtr deep = Connect();
  deep->Send(Times(10'000, "PING\r\n"));
  std::vector<SimPeerPtr> crowd;
  for (int i = 0; i < 200; ++i) crowd.push_back(Connect());
  network.Poll();
  deep->Take();
  for (const SimPeerPtr& each : crowd) each->Send("PING\r\n");
  network.Poll();
  EXPECT_GE(deep->Take().size(), 7U * Turn::kGroup);
}

// Time counts, not commands: whoever shares the server has a part of each turn, and whoever is
// alone need not stop so often.
TEST_F(TurnTest, ADeepPipelineHasAShareOfEachTurnWhileOthersAreServed) {
  const SimPeerPtr deep = Connect();
  const SimPeerPtr quick = Connect();
  constexpr int64_t kCommandUs = 10;
  clock.Tick(kCommandUs);
  Ask(quick, "PING\r\n");
  deep->Send(Times(10'000, "PING\r\n"));  // more than kDeepBytes
  for (int i = 0; i < 5; ++i) {
    network.Poll();
    const auto answered = static_cast<int64_t>(deep->Take().size() / 7);
    EXPECT_GE(answered, Turn::kLeftOverUs / kCommandUs - 1);
    EXPECT_LE(answered, Turn::kLeftOverUs / kCommandUs + 1);
  }
  clock.Advance(Turn::kAloneUs / 1000);  // nobody else came for so long
  network.Poll();
  deep->Take();
  network.Poll();
  const auto answered = static_cast<int64_t>(deep->Take().size() / 7);
  EXPECT_GE(answered, Turn::kLastingUs / kCommandUs * 8 / 10);
  EXPECT_LE(answered, Turn::kLastingUs / kCommandUs + 1);
}

// A refused command takes time as well.
TEST_F(TurnTest, NonsenseHasItsShareToo) {
  const SimPeerPtr deep = Connect();
  clock.Tick(10);
  Ask(Connect(), "PING\r\n");
  deep->Send(Times(1000, "NONSENSE\r\n"));
  network.Poll();
  const std::string replies = deep->Take();
  EXPECT_LE(std::count(replies.begin(), replies.end(), '\n'), Turn::kFreshUs / 10 + 1);
}

// Who asks for little has the answer before the rest of a deep pipeline is looked at.
TEST_F(TurnTest, RepliesLeaveBeforeWhatIsLeftOver) {
  const SimPeerPtr deep = Connect();
  const SimPeerPtr quick = Connect();
  deep->Send(Times(100, "PING\r\n") + "CLIENT LIST\r\n" + Times(Turn::kDeepBytes / 6, "PING\r\n"));
  quick->Send("CLIENT SETNAME quick\r\nPING\r\n");
  network.Poll();
  const std::string replies = deep->Take();
  const size_t line = replies.find("name=quick");
  ASSERT_NE(line, std::string::npos) << "first come those who sent little";
  EXPECT_EQ(replies.substr(replies.find(" oll=", line), 14), " oll=0 omem=0 ");
}

// AUTH in a pipeline lifts the limits for what follows it, so nothing is parsed ahead of it.
TEST_F(TurnTest, LimitsBeforeAuthDoNotReachBehindIt) {
  ASSERT_TRUE(server->ConfigSet({{"requirepass", "secret"}}).has_value());
  const std::string large = "*12\r\n$4\r\nMSET\r\n" + Times(11, "$1\r\na\r\n");
  EXPECT_EQ(Ask(Connect(), large), "-ERR Protocol error: unauthenticated multibulk length\r\n");
  EXPECT_EQ(Ask(Connect(), "AUTH secret\r\n" + large).substr(0, 9), "+OK\r\n-ERR");
  EXPECT_EQ(Ask(Connect(), "*12\r\n$4\r\nDEL" + Times(11, "$1\r\na\r\n")).substr(0, 4), "-ERR");
}

TEST_F(TurnTest, ALargeValueArrivesInPieces) {
  const SimPeerPtr peer = Connect();
  const std::string value(3'000'000, 'v');
  const std::string request = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3000000\r\n" + value + "\r\n";
  for (size_t at = 0; at < request.size(); at += 100'000) {
    peer->Send(std::string_view(request).substr(at, 100'000));
    network.Poll();
  }
  EXPECT_EQ(peer->Take(), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "GET k\r\nPING\r\n"), "$3000000\r\n" + value + "\r\n+PONG\r\n");
}

// Many small words that make up more than any read: the connection must go on reading.
TEST_F(TurnTest, ALongRequestOfSmallWordsIsRead) {
  const SimPeerPtr peer = Connect();
  std::string request = "*50001\r\n$3\r\nDEL\r\n";
  for (int i = 0; i < 50'000; ++i) request += "$3\r\nabc\r\n";
  EXPECT_EQ(Ask(peer, request), ":0\r\n");
}

// However high the limit is set, a word that no entry can hold is refused before it comes.
TEST_F(TurnTest, WordsStayBelowWhatAnEntryCanHold) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "CONFIG SET proto-max-bulk-len 10gb\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "*2\r\n$3\r\nGET\r\n$4294967296\r\n"),
            "-ERR Protocol error: invalid bulk length\r\n");
}

TEST_F(TurnTest, PausedCommandsWaitInOrder) {
  const SimPeerPtr peer = Connect();
  const SimPeerPtr other = Connect();
  EXPECT_EQ(Ask(other, "CLIENT PAUSE 1000 WRITE\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "GET k\r\nSET k 1\r\nGET k\r\nPING\r\n"), "$-1\r\n");
  EXPECT_EQ(Ask(other, "GET k\r\n"), "$-1\r\n") << "who only reads is not held up";
  network.Pass(500);
  EXPECT_EQ(peer->Take(), "");
  network.Pass(600);
  EXPECT_EQ(peer->Take(), "+OK\r\n$1\r\n1\r\n+PONG\r\n");
}

TEST_F(TurnTest, UnpauseLetsThemGoOnAtOnce) {
  const SimPeerPtr peer = Connect();
  const SimPeerPtr other = Connect();
  EXPECT_EQ(Ask(other, "CLIENT PAUSE 100000 WRITE\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "SET k 1\r\n"), "");
  EXPECT_EQ(Ask(other, "CLIENT UNPAUSE\r\n"), "+OK\r\n");
  EXPECT_EQ(peer->Take(), "+OK\r\n");
}

TEST_F(TurnTest, RepliesOffAndSkippedAreNotSent) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "CLIENT REPLY SKIP\r\nSET k 1\r\nGET k\r\n"), "$1\r\n1\r\n");
  EXPECT_EQ(Ask(peer, "CLIENT REPLY OFF\r\nSET k 2\r\nGET k\r\n"), "");
  EXPECT_EQ(Ask(peer, "CLIENT REPLY ON\r\nGET k\r\n"), "+OK\r\n$1\r\n2\r\n");
}

TEST_F(TurnTest, AKilledClientIsGoneWithAllItSent) {
  const SimPeerPtr victim = Connect();
  const SimPeerPtr other = Connect();
  victim->Send("PING\r\n");
  other->Send("CLIENT KILL ID 1\r\n");
  network.Settle();
  EXPECT_TRUE(victim->closed);
  EXPECT_EQ(other->Take(), ":1\r\n");
}

// One's own end comes after the reply that tells of it.
TEST_F(TurnTest, WhoKillsItselfGetsTheReply) {
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "CLIENT KILL ID 1 SKIPME NO\r\nPING\r\n"), ":1\r\n");
  EXPECT_TRUE(peer->closed);
}

TEST_F(TurnTest, MonitorsSeeWhatOthersDo) {
  const SimPeerPtr monitor = Connect();
  const SimPeerPtr other = Connect();
  EXPECT_EQ(Ask(monitor, "MONITOR\r\n"), "+OK\r\n");
  Ask(other, "SET k v\r\n");
  const std::string line = monitor->Take();
  EXPECT_NE(line.find("\"SET\" \"k\" \"v\"\r\n"), std::string::npos) << line;
  monitor->Break();
  network.Settle();
  EXPECT_EQ(Ask(other, "GET k\r\n"), "$1\r\nv\r\n");
  EXPECT_FALSE(server->HasMonitors());
}

// A reader that never reads: its requests are not executed for ever, and it harms no other.
TEST_F(TurnTest, AReaderThatNeverReadsIsHeldUp) {
  const SimPeerPtr mean = Connect();
  Ask(mean, "SET k " + std::string(60'000, 'v') + "\r\n");
  mean->window_bytes = 1000;
  mean->Send(Times(5000, "GET k\r\n"));  // 300 MB of replies
  network.Settle();
  size_t pending = 0;
  server->ForEachClient([&](ClientState& client) { pending = client.output_buffer_bytes; });
  EXPECT_GE(pending, Turn::kOutputMax - 2 * Turn::kOutputEnough);
  EXPECT_LE(pending, Turn::kOutputMax + 2 * Turn::kOutputEnough);
  EXPECT_EQ(Ask(Connect(), "PING\r\n"), "+PONG\r\n");
  // When it reads after all, it gets everything.
  mean->window_bytes = SIZE_MAX;
  size_t got = 0;
  while (network.Poll() || got < 300'000'000) {
    const size_t part = mean->Take().size();
    got += part;
    if (part == 0) break;
  }
  EXPECT_EQ(got, 5000U * (60'000 + 10));
}

TEST_F(TurnTest, TheQueryBufferLimitEndsAClient) {
  ASSERT_TRUE(server->ConfigSet({{"client-query-buffer-limit", "1mb"}}).has_value());
  const SimPeerPtr peer = Connect();
  peer->Send("*2\r\n$3\r\nGET\r\n$5000000\r\n" + std::string(2'000'000, 'x'));
  network.Settle();
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(server->metrics().query_buffer_limit_disconnections, 1U);
}

}  // namespace
}  // namespace cloakroom
