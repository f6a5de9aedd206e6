// The server's life: listening, letting in, limits, timeouts, stopping.

#include "redis_compat/server/server.h"

#include <cstdlib>

#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

TEST_F(ServerTest, ListensAtEveryAddressAndTheSocket) {
  Start({{"bind", "127.0.0.1 ::1"}, {"port", "7000"}, {"unixsocket", "/tmp/c.sock"}});
  ASSERT_TRUE(started.has_value());
  EXPECT_EQ(server->listeners().size(), 3U);
  EXPECT_EQ(Ask(network.Connect(7000), "PING\r\n"), "+PONG\r\n");
  EXPECT_EQ(Ask(network.Connect("/tmp/c.sock"), "PING\r\n"), "+PONG\r\n");
}

// A leading minus says that the machine may lack the address, not that it may be taken.
TEST_F(ServerTest, OptionalAddressesMayBeAbsent) {
  network.absent_hosts = {"::1"};
  Start({{"bind", "127.0.0.1 -::1"}});
  ASSERT_TRUE(started.has_value());
  EXPECT_EQ(server->listeners().size(), 1U);
}

TEST_F(ServerTest, AnAddressThatMustBeThereIsNamedWhenItIsNot) {
  network.absent_hosts = {"10.1.2.3"};
  Start({{"bind", "10.1.2.3"}});
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("10.1.2.3:6379: Cannot assign"), std::string::npos);
}

TEST_F(ServerTest, AnOptionalAddressInUseIsAnError) {
  network.used_hosts = {"::1"};
  Start({{"bind", "127.0.0.1 -::1"}});
  EXPECT_FALSE(started.has_value());
}

TEST_F(ServerTest, TooManyClientsAreTurnedAway) {
  Start({{"maxclients", "2"}});
  const SimPeerPtr first = Connect();
  const SimPeerPtr second = Connect();
  const SimPeerPtr third = Connect();
  EXPECT_EQ(third->Take(), "-ERR max number of clients reached\r\n");
  EXPECT_TRUE(third->closed);
  EXPECT_EQ(server->metrics().connections_rejected, 1U);
  first->End();
  network.Settle();
  EXPECT_EQ(Ask(Connect(), "PING\r\n"), "+PONG\r\n") << "a place became free";
}

TEST_F(ServerTest, ProtectedModeLetsInOnlyThisMachine) {
  Start({{"bind", "*"}});
  const SimPeerPtr stranger = network.Connect(6379, "10.0.0.9");
  EXPECT_EQ(stranger->Take().substr(0, 8), "-DENIED ");
  EXPECT_TRUE(stranger->closed);
  EXPECT_EQ(Ask(Connect(), "CONFIG SET protected-mode no\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(network.Connect(6379, "10.0.0.9"), "PING\r\n"), "+PONG\r\n");
}

TEST_F(ServerTest, WithAPasswordStrangersMayKnock) {
  Start({{"bind", "*"}, {"requirepass", "secret"}});
  const SimPeerPtr stranger = network.Connect(6379, "10.0.0.9");
  EXPECT_EQ(Ask(stranger, "PING\r\n"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Ask(stranger, "AUTH secret\r\nPING\r\n"), "+OK\r\n+PONG\r\n");
}

TEST_F(ServerTest, KeepAliveIsTheOptions) {
  Start({{"tcp-keepalive", "77"}});
  EXPECT_EQ(Connect()->keep_alive_s, 77);
}

TEST_F(ServerTest, AnIdleClientIsClosedAfterItsTimeout) {
  Start({{"timeout", "10"}});
  const SimPeerPtr idle = Connect();
  const SimPeerPtr busy = Connect();
  for (int second = 0; second < 9; ++second) {
    network.Pass(1000);
    EXPECT_EQ(Ask(busy, "PING\r\n"), "+PONG\r\n");
  }
  EXPECT_FALSE(idle->closed);
  network.Pass(4000);
  EXPECT_TRUE(idle->closed);
  EXPECT_FALSE(busy->closed);
}

TEST_F(ServerTest, TheHardOutputLimitEndsAClientWithoutAReply) {
  Start({{"client-output-buffer-limit", "normal 100000 0 0"}});
  const SimPeerPtr peer = Connect();
  Ask(peer, "SET k " + std::string(60'000, 'v') + "\r\n");
  EXPECT_EQ(Ask(peer, "GET k\r\nGET k\r\n"), "");
  EXPECT_TRUE(peer->closed);
  EXPECT_EQ(server->metrics().output_buffer_limit_disconnections, 1U);
}

TEST_F(ServerTest, TheSoftOutputLimitEndsAClientAfterItsTime) {
  Start({{"client-output-buffer-limit", "normal 0 50000 3"}});
  const SimPeerPtr peer = Connect();
  Ask(peer, "SET k " + std::string(60'000, 'v') + "\r\n");
  peer->window_bytes = 100;
  Ask(peer, "GET k\r\nGET k\r\n");
  network.Pass(2000);
  EXPECT_FALSE(peer->closed);
  network.Pass(4000);
  EXPECT_TRUE(peer->closed);
}

// Stopping: what was answered is delivered, what was not begun is not.
TEST_F(ServerTest, StopSendsTheLastReplies) {
  Start();
  bool stopped = false;
  server->OnStopped([&stopped] { stopped = true; });
  const SimPeerPtr slow = Connect();
  Ask(slow, "SET k " + std::string(50'000, 'v') + "\r\n");
  slow->window_bytes = 100;
  slow->Send("GET k\r\n");
  network.Settle();
  server->Stop();
  network.Settle();
  EXPECT_FALSE(stopped) << "a reply is still on its way";
  EXPECT_EQ(Connect(), nullptr) << "nobody is let in any more";
  slow->Send("SET k other\r\n");
  std::string got = slow->Take();
  slow->window_bytes = SIZE_MAX;
  network.Pass(200);
  got += slow->Take();
  EXPECT_EQ(got.size(), 50'000U + 10);
  EXPECT_TRUE(stopped);
}

TEST_F(ServerTest, StopDoesNotWaitForWhoDoesNotRead) {
  Start();
  bool stopped = false;
  server->OnStopped([&stopped] { stopped = true; });
  const SimPeerPtr mean = Connect();
  Ask(mean, "SET k " + std::string(50'000, 'v') + "\r\n");
  mean->window_bytes = 0;
  mean->Send("GET k\r\n");
  network.Settle();
  server->Stop();
  network.Pass(300);
  EXPECT_FALSE(stopped);
  network.Pass(500);
  EXPECT_TRUE(stopped);
}

TEST_F(ServerTest, TheShutdownCommandStops) {
  Start();
  bool stopped = false;
  server->OnStopped([&stopped] { stopped = true; });
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "SET k 1\r\nSHUTDOWN NOSAVE\r\nSET k 2\r\n"), "+OK\r\n");
  EXPECT_TRUE(stopped);
}

// What is dead is freed without anybody asking for it.
TEST_F(ServerTest, TheDeadAreSweptInSilence) {
  Start();
  Ask(Connect(), "SET a 1 PX 30\r\nSET b 1 PX 5000\r\nSET c 1\r\n");
  EXPECT_EQ(shard.keys().Size(0), 3U);
  network.Pass(200);
  EXPECT_EQ(shard.keys().Size(0), 2U);
  network.Pass(5200);
  EXPECT_EQ(shard.keys().Size(0), 1U);
}

// Who pauses the clients wants the data to stand still; readers still see the dead as gone.
TEST_F(ServerTest, NothingIsSweptWhileClientsArePaused) {
  Start();
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "MULTI\r\nSET a 1 PX 30\r\nCLIENT PAUSE 50000 WRITE\r\nEXEC\r\n"),
            "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n");
  network.Pass(500);
  EXPECT_EQ(Ask(peer, "GET a\r\n"), "$-1\r\n");
  EXPECT_EQ(shard.keys().counters().expired_keys, 0U);
  EXPECT_EQ(Ask(peer, "CLIENT UNPAUSE\r\n"), "+OK\r\n");
  EXPECT_EQ(shard.keys().counters().expired_keys, 1U);
}

TEST_F(ServerTest, RatesAreThoseOfTheLastMoments) {
  Start();
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 40; ++i) {
    Ask(peer, Times(50, "PING\r\n"));
    network.Pass(100);
  }
  EXPECT_NEAR(static_cast<double>(server->metrics().ops_per_sec), 500, 10);
  network.Pass(2000);
  EXPECT_EQ(server->metrics().ops_per_sec, 0U);
}

// A read or write is one of the connection, whatever the number of commands in it.
TEST_F(ServerTest, CountsReadsAndWrites) {
  Start();
  const SimPeerPtr peer = Connect();
  Ask(peer, Times(50, "PING\r\n"));
  Ask(peer, "PING\r\n");
  EXPECT_EQ(server->metrics().reads, 2U);
  EXPECT_EQ(server->metrics().writes, 2U);
  Ask(peer, "CONFIG RESETSTAT\r\n");
  EXPECT_EQ(server->metrics().reads, 0U);
  EXPECT_EQ(server->metrics().writes, 1U) << "the answer";
}

// What is measured now and then begins anew with the counters; the most memory ever is no counter.
TEST_F(ServerTest, AResetForgetsRatesAndNotThePeak) {
  Start();
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 40; ++i) {
    Ask(peer, Times(50, "PING\r\n"));
    network.Pass(100);
  }
  Ask(peer, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + std::string(1'000'000, 'x') + "\r\n");
  network.Pass(100);
  Ask(peer, "DEL a\r\n");
  network.Pass(100);
  const uint64_t peak = server->Memory().peak;
  EXPECT_GT(peak, 1'000'000U);
  Ask(peer, "CONFIG RESETSTAT\r\n");
  EXPECT_EQ(server->metrics().ops_per_sec, 0U);
  EXPECT_EQ(server->metrics().input_kbps, 0);
  EXPECT_EQ(server->Memory().peak, peak);
}

TEST_F(ServerTest, ConfigGetDirSaysWhereTheServerWorks) {
  Start();
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "CONFIG GET dir\r\n"), "*2\r\n$3\r\ndir\r\n$4\r\n/srv\r\n");
  EXPECT_EQ(Ask(peer, "CONFIG GET D*R\r\n"), "*2\r\n$3\r\ndir\r\n$4\r\n/srv\r\n");
}

TEST_F(ServerTest, PasswordsAreComparedWhole) {
  Start({{"requirepass", "secret"}});
  EXPECT_TRUE(server->PasswordMatches("secret"));
  for (const char* wrong : {"", "s", "secre", "secret1", "Secret", "secretsecret"})
    EXPECT_FALSE(server->PasswordMatches(wrong)) << wrong;
}

// Thousands who do nothing must cost next to nothing.
TEST_F(ServerTest, IdleConnectionsHoldNoBuffers) {
  Start();
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "PING\r\n"), "+PONG\r\n");
  server->ForEachClient([](ClientState& client) {
    EXPECT_EQ(client.query_buffer_bytes + client.query_buffer_free_bytes, 0U);
    EXPECT_EQ(client.output_buffer_bytes, 0U);
  });
  EXPECT_LE(sizeof(Connection), 800U);
}

}  // namespace
}  // namespace cloakroom
