// What the server does about memory: what it counts, whose connection goes, who waits.

#include <fmt/format.h>

#include "redis_compat/server/client_memory.h"
#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

class ServerMemoryTest : public ServerTest {
 protected:
  /// The value of a line of INFO.
  std::string Info(const SimPeerPtr& peer, const std::string& name) {
    const std::string text = Ask(peer, "INFO\r\n");
    const size_t at = text.find("\r\n" + name + ":");
    if (at == std::string::npos) return "(none)";
    const size_t from = at + name.size() + 3;
    return text.substr(from, text.find("\r\n", from) - from);
  }
  static std::string Bulk(const std::string& word) {
    return "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  static std::string Set(const std::string& key, size_t bytes) {
    return "*3\r\n$3\r\nSET\r\n" + Bulk(key) + Bulk(std::string(bytes, 'v'));
  }
};

TEST_F(ServerMemoryTest, CountsWhatIsOutsideTheTables) {
  process.allocated_bytes = 50 * kMiB;
  Start({{"maxmemory", "60mb"}});
  const SimPeerPtr peer = Connect();
  EXPECT_GE(std::stoull(Info(peer, "used_memory")), 49 * kMiB);
  EXPECT_EQ(Info(peer, "maxmemory"), "62914560");
  EXPECT_EQ(Ask(peer, "SET k v\r\n"), "+OK\r\n");
  process.allocated_bytes = 70 * kMiB;
  network.Pass(200);  // housekeeping looks
  EXPECT_EQ(Ask(peer, "SET k v\r\n").substr(0, 5), "-OOM ");
  EXPECT_EQ(Ask(peer, "CONFIG SET maxmemory 0\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "SET k v\r\n"), "+OK\r\n");
}

TEST_F(ServerMemoryTest, TellsTheLimitOfTheControlGroup) {
  process.cgroup_bytes = 512 * kMiB;
  Start();
  EXPECT_EQ(Info(Connect(), "cgroup_memory_limit"), std::to_string(512 * kMiB));
}

// A large value that needs many evictions is not set in one go: others are served in between, and
// the reply comes when there is room.
TEST_F(ServerMemoryTest, ALargeWriteWaitsForItsRoom) {
  Start({{"maxmemory-policy", "allkeys-lru"}, {"maxmemory-eviction-tenacity", "0"}});
  process.allocated_bytes = 0;
  network.Pass(200);
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 5000; ++i) {
    peer->Send(Set("key" + std::to_string(i), 100));
    if (i % 100 == 0) network.Settle();
  }
  network.Settle();
  peer->Take();
  const size_t used = shard.Measure().Counted();
  ASSERT_EQ(Ask(peer, "CONFIG SET maxmemory " + std::to_string(used + 2000) + "\r\n"), "+OK\r\n");
  const SimPeerPtr other = Connect();
  // SETRANGE brings no bytes of its own that could be counted against the need.
  peer->Send("SETRANGE large 300000 x\r\nGET after\r\n");
  int polls = 0;
  for (; polls < 1000 && peer->from_server.empty(); ++polls) {
    other->Send("PING\r\n");
    network.Poll();
    EXPECT_NE(other->Take(), "") << "poll " << polls;
  }
  EXPECT_GT(polls, 20);
  network.Settle();
  EXPECT_EQ(peer->Take(), ":300001\r\n$-1\r\n");
  EXPECT_LE(shard.Measure().Counted(), used + 2000);
  EXPECT_GT(std::stoull(Info(peer, "evicted_keys")), 1000U);
  EXPECT_EQ(Ask(peer, "CONFIG RESETSTAT\r\n"), "+OK\r\n");
  EXPECT_EQ(Info(peer, "evicted_keys"), "0");
}

// Whoever waits for memory and goes away takes nothing along.
TEST_F(ServerMemoryTest, AWaitingClientMayLeave) {
  Start({{"maxmemory-policy", "allkeys-lru"}, {"maxmemory-eviction-tenacity", "0"}});
  process.allocated_bytes = 0;
  network.Pass(200);
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 3000; ++i) peer->Send(Set("key" + std::to_string(i), 100));
  network.Settle();
  peer->Take();
  const size_t used = shard.Measure().Counted();
  Ask(peer, "CONFIG SET maxmemory " + std::to_string(used + 2000) + "\r\n");
  const SimPeerPtr waiting = Connect();
  waiting->Send("SETRANGE large 200000 x\r\n");
  network.Poll();
  waiting->Break();
  network.Settle();
  EXPECT_EQ(server->connected(), 1U);
  network.Pass(300);
  EXPECT_EQ(Ask(peer, "SET small v\r\n"), "+OK\r\n");
  EXPECT_EQ(Ask(peer, "EXISTS large\r\n"), ":0\r\n");
}

// A lowered limit is reached in the background, whether or not anybody writes.
TEST_F(ServerMemoryTest, ALoweredLimitIsReachedWithoutWrites) {
  Start({{"maxmemory-policy", "allkeys-random"}, {"maxmemory-eviction-tenacity", "0"}});
  process.allocated_bytes = 0;
  network.Pass(200);
  const SimPeerPtr peer = Connect();
  for (int i = 0; i < 3000; ++i) peer->Send(Set("key" + std::to_string(i), 100));
  network.Settle();
  peer->Take();
  const size_t used = shard.Measure().Counted();
  EXPECT_EQ(Ask(peer, "CONFIG SET maxmemory " + std::to_string(used - 100'000) + "\r\n"),
            "+OK\r\n");
  network.Pass(100);
  EXPECT_LE(shard.Measure().Counted(), used - 100'000);
}

TEST_F(ServerMemoryTest, TheLargestClientGoesFirst) {
  Start({{"maxmemory-clients", "2mb"}});
  const SimPeerPtr small = Connect();
  const SimPeerPtr large = Connect();
  const SimPeerPtr larger = Connect();
  small->Send("*2\r\n$3\r\nGET\r\n$1000\r\n" + std::string(100, 'k'));
  large->Send("*2\r\n$3\r\nGET\r\n$10000000\r\n" + std::string(600'000, 'k'));
  larger->Send("*2\r\n$3\r\nGET\r\n$10000000\r\n" + std::string(1'000'000, 'k'));
  network.Settle();
  EXPECT_FALSE(larger->closed);
  large->Send(std::string(900'000, 'k'));
  network.Settle();
  EXPECT_EQ(large->closed + larger->closed, 1) << "one is enough";
  EXPECT_FALSE(small->closed);
  EXPECT_EQ(Info(Connect(), "evicted_clients"), "1");
}

// Replies that a client does not read count as well as what it sends.
TEST_F(ServerMemoryTest, UnreadRepliesCount) {
  Start({{"maxmemory-clients", "1mb"}});
  const SimPeerPtr reader = Connect();
  ASSERT_EQ(Ask(reader, Set("k", 500'000)), "+OK\r\n");
  const SimPeerPtr lazy = Connect();
  lazy->window_bytes = 1000;
  lazy->Send("GET k\r\nGET k\r\nGET k\r\n");
  network.Settle();
  EXPECT_TRUE(lazy->closed);
  EXPECT_FALSE(reader->closed);
  EXPECT_EQ(Info(reader, "evicted_clients"), "1");
  EXPECT_LT(std::stoull(Info(reader, "mem_clients_normal")), 100'000U);
}

TEST_F(ServerMemoryTest, NoEvictIsHonoured) {
  Start({{"maxmemory-clients", "1mb"}});
  const SimPeerPtr safe = Connect();
  EXPECT_EQ(Ask(safe, "CLIENT NO-EVICT on\r\n"), "+OK\r\n");
  safe->Send("*2\r\n$3\r\nGET\r\n$10000000\r\n" + std::string(2'000'000, 'k'));
  network.Settle();
  EXPECT_FALSE(safe->closed);
  safe->Send(std::string(8'000'000, 'k') + "\r\nCLIENT NO-EVICT off\r\n");
  network.Settle();
  EXPECT_EQ(safe->Take(), "$-1\r\n+OK\r\n");
  safe->Send("*2\r\n$3\r\nGET\r\n$10000000\r\n" + std::string(2'000'000, 'k'));
  network.Settle();
  EXPECT_TRUE(safe->closed);
}

// A queue in MULTI is memory of the client too.
TEST_F(ServerMemoryTest, QueuedCommandsCount) {
  Start({{"maxmemory-clients", "1mb"}});
  const SimPeerPtr peer = Connect();
  EXPECT_EQ(Ask(peer, "MULTI\r\n"), "+OK\r\n");
  for (int i = 0; i < 30; ++i) {
    peer->Send(Set("k", 40'000));
    network.Settle();
  }
  EXPECT_TRUE(peer->closed);
}

// And so is what it watches, however little it sends at a time.
TEST_F(ServerMemoryTest, WatchedKeysCount) {
  Start({{"maxmemory-clients", "1mb"}});
  const SimPeerPtr peer = Connect();
  const SimPeerPtr other = Connect();
  int keys = 0;
  for (; keys < 10'000 && !peer->closed; ++keys) {
    peer->Send("WATCH key" + std::to_string(keys) + "\r\n");
    network.Settle();
  }
  EXPECT_TRUE(peer->closed);
  EXPECT_GT(keys, 4000);
  EXPECT_EQ(Info(other, "evicted_clients"), "1");
}

// CLIENT LIST and INFO tell what the limit looks at.
TEST_F(ServerMemoryTest, TheMemoryOfAClientIsOneFigure) {
  Start();
  const SimPeerPtr peer = Connect();
  const size_t alone = std::stoull(Info(peer, "mem_clients_normal"));
  EXPECT_EQ(alone, ClientMemory::kConnectionBytes);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Ask(peer, fmt::format("WATCH key{}\r\n", i)), "+OK\r\n");
  const size_t bytes = std::stoull(Info(peer, "mem_clients_normal"));
  EXPECT_GT(bytes, alone + 100 * 100);
  EXPECT_NE(Ask(peer, "CLIENT LIST\r\n").find(fmt::format(" tot-mem={} ", bytes)),
            std::string::npos);
  EXPECT_EQ(Ask(peer, "UNWATCH\r\n"), "+OK\r\n");
  EXPECT_EQ(std::stoull(Info(peer, "mem_clients_normal")), alone);
}

// A percentage is one of maxmemory; without that it sets no limit. And no limit is so low that
// nobody could be served.
TEST_F(ServerMemoryTest, LimitsOfClients) {
  Settings none;
  struct Case {
    int64_t clients;
    uint64_t memory;
    size_t limit;
  };
  for (const Case& each :
       {Case{0, 1 << 30, 0}, Case{-10, 0, 0}, Case{-10, 1'000'000'000, 100'000'000},
        Case{1 << 20, 0, 1 << 20}, Case{1000, 0, 128 << 10}, Case{-1, 1'000'000, 128 << 10}}) {
    cloakroom::Settings settings;
    settings.clients_memory_max = each.clients;
    settings.memory_bytes_max = each.memory;
    EXPECT_EQ(ClientMemory::LimitOf(settings), each.limit) << each.clients << ", " << each.memory;
  }
}

// Memory of its own that held a long pipeline is given back when the last request is done, even
// when that takes more turns than the reading did.
TEST_F(ServerMemoryTest, AnIdleClientHoldsNoBuffer) {
  Start();
  const SimPeerPtr peer = Connect();
  peer->Send(Times(50'000, "PING\r\n"));
  network.Settle();
  EXPECT_EQ(peer->Take().size(), 50'000U * 7);
  network.Settle();
  EXPECT_LE(std::stoull(Info(peer, "mem_clients_normal")), 2 * ClientMemory::kConnectionBytes);
}

}  // namespace
}  // namespace cloakroom
