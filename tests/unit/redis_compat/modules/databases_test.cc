#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class DatabasesTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }

  Harness h{RegisterStrings, RegisterKeys, RegisterDatabases, RegisterCluster, RegisterMemory};
};

TEST_F(DatabasesTest, FlushDbEmptiesOneDatabaseAlone) {
  Run("SET", "a", "1");
  h.client().db = 1;
  Run("SET", "b", "2");
  EXPECT_EQ(Run("FLUSHDB"), "+OK\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
  h.client().db = 0;
  EXPECT_EQ(Run("DBSIZE"), ":1\r\n");
  EXPECT_EQ(Run("FLUSHALL", "async"), "+OK\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

// Only who says SYNC makes everybody wait for the memory; else it is freed in slices.
TEST_F(DatabasesTest, OnlySyncFreesAtOnce) {
  for (const std::string command : {"FLUSHDB", "FLUSHALL"}) {
    for (const std::string mode : {"", "ASYNC", "SYNC"}) {
      for (int i = 0; i < 1000; ++i) Run("SET", "k" + std::to_string(i), "v");
      EXPECT_EQ(mode.empty() ? Run(command) : Run(command, mode), "+OK\r\n");
      EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
      EXPECT_EQ(h.shard.keys().Detached() == 0, mode == "SYNC") << command << mode;
    }
  }
}

TEST_F(DatabasesTest, FlushTakesOneModeAtMost) {
  EXPECT_EQ(Run("FLUSHALL", "NOW"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("FLUSHDB", "ASYNC", "SYNC"), "-ERR syntax error\r\n");
}

TEST_F(DatabasesTest, SwapDbExchangesWhatEveryClientSees) {
  ClientState& other = h.AddClient();
  other.db = 1;
  Run("SET", "a", "1");
  EXPECT_EQ(Run("SWAPDB", "0", "1"), "+OK\r\n");
  EXPECT_EQ(Run("GET", "a"), "$-1\r\n");
  EXPECT_EQ(h.RunAs(other, {"GET", "a"}), "$1\r\n1\r\n");
  EXPECT_EQ(Run("SWAPDB", "1", "1"), "+OK\r\n");
  EXPECT_EQ(Run("SWAPDB", "x", "1"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(Run("SWAPDB", "1", "3000000000"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(Run("SWAPDB", "1", "16"), "-ERR DB index is out of range\r\n");
}

// Cluster-aware clients route by these, so they answer truly although no cluster is there.
TEST_F(DatabasesTest, SlotsAreKnownWithoutACluster) {
  EXPECT_EQ(Run("CLUSTER", "KEYSLOT", "foo"), ":12182\r\n");
  EXPECT_EQ(Run("CLUSTER", "KEYSLOT", "{foo}bar"), ":12182\r\n");
  Run("MSET", "foo", "1", "{foo}bar", "2", "other", "3");
  EXPECT_EQ(Run("CLUSTER", "COUNTKEYSINSLOT", "12182"), ":2\r\n");
  EXPECT_EQ(Run("CLUSTER", "GETKEYSINSLOT", "12182", "0"), "*0\r\n");
  EXPECT_EQ(Run("CLUSTER", "GETKEYSINSLOT", "12182", "1").substr(0, 4), "*1\r\n");
  EXPECT_EQ(Run("CLUSTER", "GETKEYSINSLOT", "12182", "10").substr(0, 4), "*2\r\n");
  EXPECT_EQ(Run("CLUSTER", "COUNTKEYSINSLOT", "16384"), "-ERR Invalid slot\r\n");
  EXPECT_EQ(Run("CLUSTER", "GETKEYSINSLOT", "0", "-1"), "-ERR Invalid slot or number of keys\r\n");
  EXPECT_EQ(Run("CLUSTER", "NODES"), "-ERR This instance has cluster support disabled\r\n");
}

TEST_F(DatabasesTest, MemoryUsageWeighsAKey) {
  EXPECT_EQ(Run("MEMORY", "USAGE", "none"), "$-1\r\n");
  Run("SET", "k", std::string(1000, 'x'));
  const std::string reply = Run("MEMORY", "USAGE", "k", "SAMPLES", "0");
  ASSERT_EQ(reply[0], ':');
  EXPECT_GE(std::stoi(reply.substr(1)), 1000);
  EXPECT_LE(std::stoi(reply.substr(1)), 1200);
  EXPECT_EQ(Run("MEMORY", "USAGE", "k", "SAMPLES", "-1"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("MEMORY", "USAGE", "k", "SAMPLES"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("MEMORY", "USAGE", "k", "FOO", "1"), "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace cloakroom
