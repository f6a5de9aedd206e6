// TIME, ROLE, SHUTDOWN, MONITOR, CONFIG, SLOWLOG and INFO.

#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/info.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class ServerFamilyTest : public ::testing::Test {
 protected:
  Harness h{{RegisterConnection, RegisterServer, RegisterStrings, RegisterTransactions}};

  /// The value of a field of INFO, or "(none)".
  std::string Info(std::string_view field, std::string_view section = "everything") {
    const std::string text = h.Run("INFO", section);
    const std::string start = "\n" + std::string(field) + ":";
    const size_t at = text.find(start);
    if (at == std::string::npos) return "(none)";
    const size_t from = at + start.size();
    return text.substr(from, text.find('\r', from) - from);
  }
};

TEST_F(ServerFamilyTest, TimeIsTheTurnsTime) {
  EXPECT_EQ(h.Run("TIME"), "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n");
  h.clock.Advance(1234);
  EXPECT_EQ(h.Run("TIME"), "*2\r\n$10\r\n1700000001\r\n$6\r\n234000\r\n");
}

TEST_F(ServerFamilyTest, ShutdownReadsItsWords) {
  EXPECT_EQ(h.Run("SHUTDOWN", "FOO"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE", "NOSAVE"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("SHUTDOWN", "ABORT", "NOW"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("SHUTDOWN", "ABORT"), "-ERR No shutdown in progress.\r\n");
  EXPECT_FALSE(h.server.shutdown_asked);
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "");
  EXPECT_EQ(h.server.shutdown_save, ShutdownSave::kYes);
  EXPECT_EQ(h.Run("SHUTDOWN"), "");
  EXPECT_EQ(h.server.shutdown_save, ShutdownSave::kAsConfigured);
  EXPECT_EQ(h.Run("SHUTDOWN", "nosave", "now", "force"), "");
  EXPECT_EQ(h.server.shutdown_save, ShutdownSave::kNo);
  EXPECT_TRUE(h.server.shutdown_asked && h.server.shutdown_forced);
}

TEST_F(ServerFamilyTest, ShutdownSaveWaitsForAnImageBehindTheLog) {
  h.server.persisted.log = true;
  h.server.persisted.saving = true;
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "");
  EXPECT_EQ(h.server.jobs, 0U) << "another image is under way";
  h.server.persisted.saving = false;
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "");
  EXPECT_EQ(h.server.jobs, 1U);
  h.server.persisted.saving = true;
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "");
  EXPECT_EQ(h.server.jobs, 1U);
  EXPECT_FALSE(h.server.shutdown_asked);
  h.server.job_result = Result<void>();
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "");
  EXPECT_TRUE(h.server.shutdown_asked);
  EXPECT_EQ(h.server.shutdown_save, ShutdownSave::kNo);
}

TEST_F(ServerFamilyTest, ShutdownSaveGoesOnWhenTheImageFailed) {
  h.server.persisted.log = true;
  h.server.job_result = Fail(Code::kUnavailable, "no space");
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  EXPECT_FALSE(h.server.shutdown_asked);
  EXPECT_EQ(h.Run("SHUTDOWN", "SAVE", "FORCE"), "");
  EXPECT_TRUE(h.server.shutdown_asked);
}

TEST_F(ServerFamilyTest, MonitorStartsOnceAndNotInATransaction) {
  EXPECT_EQ(h.Run("MONITOR"), "+OK\r\n");
  EXPECT_EQ(h.Run("MONITOR"), "");
  EXPECT_EQ(h.server.monitors, 1);
  EXPECT_TRUE(h.server.monitored.empty()) << "MONITOR does not show itself";
  static_cast<void>(h.Run("MULTI"));
  static_cast<void>(h.Run("MONITOR"));
  EXPECT_EQ(h.Run("EXEC"), "*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
}

TEST_F(ServerFamilyTest, ConfigGetMatchesNamesOnceEach) {
  h.server.options = {{"maxclients", "10"}, {"maxmemory", "0"}, {"port", "1"}};
  EXPECT_EQ(h.Run("CONFIG", "GET", "port"), "*2\r\n$4\r\nport\r\n$1\r\n1\r\n");
  EXPECT_EQ(h.Run("CONFIG", "GET", "PORT", "port"), "*2\r\n$4\r\nPORT\r\n$1\r\n1\r\n");
  EXPECT_EQ(h.Run("CONFIG", "GET", "MAX*", "m*s"),
            "*4\r\n$10\r\nmaxclients\r\n$2\r\n10\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
  EXPECT_EQ(h.Run("CONFIG", "GET", "nope"), "*0\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(h.Run("CONFIG", "GET", "port"), "%1\r\n$4\r\nport\r\n$1\r\n1\r\n");
}

TEST_F(ServerFamilyTest, ConfigSetTakesPairs) {
  h.server.options = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(h.Run("CONFIG", "SET", "a", "3", "b", "4"), "+OK\r\n");
  EXPECT_EQ(h.server.options["b"], "4");
  EXPECT_EQ(h.Run("CONFIG", "SET", "a", "3", "b"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CONFIG", "SET", "a"),
            "-ERR wrong number of arguments for 'config|set' command\r\n");
}

TEST_F(ServerFamilyTest, ConfigSetKeepsPasswordsOutOfTheSlowLog) {
  h.server.options = {{"requirepass", ""}, {"hz", "10"}};
  h.server.slow_log_threshold_us = 0;
  static_cast<void>(h.Run("CONFIG", "SET", "hz", "20", "RequirePass", "hunter2"));
  ASSERT_EQ(h.server.slow_log.size(), 1U);
  EXPECT_EQ(h.server.slow_log[0].words.back(), "(redacted)");
  EXPECT_EQ(h.server.slow_log[0].words[3], "20");
}

TEST_F(ServerFamilyTest, SlowLogAnswersNewestFirst) {
  h.server.slow_log_threshold_us = 0;
  static_cast<void>(h.Run("PING"));
  static_cast<void>(h.Run("ECHO", "x"));
  h.server.slow_log_threshold_us = -1;
  EXPECT_EQ(h.Run("SLOWLOG", "LEN"), ":2\r\n");
  EXPECT_EQ(h.Run("SLOWLOG", "GET", "1"),
            "*1\r\n*6\r\n:1\r\n:1700000000\r\n:0\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"
            "$15\r\n127.0.0.1:50001\r\n$0\r\n\r\n");
  EXPECT_TRUE(h.Run("SLOWLOG", "GET").starts_with("*2\r\n"));
  EXPECT_TRUE(h.Run("SLOWLOG", "GET", "-1").starts_with("*2\r\n"));
  EXPECT_EQ(h.Run("SLOWLOG", "GET", "0"), "*0\r\n");
  EXPECT_EQ(h.Run("SLOWLOG", "GET", "-2"), "-ERR count should be greater than or equal to -1\r\n");
  EXPECT_EQ(h.Run("SLOWLOG", "RESET"), "+OK\r\n");
  EXPECT_EQ(h.Run("SLOWLOG", "LEN"), ":0\r\n");
}

TEST_F(ServerFamilyTest, InfoChoosesSections) {
  const std::string plain = h.Run("INFO");
  for (const std::string_view title :
       {"# Server", "# Clients", "# Memory", "# Persistence", "# Stats", "# Replication", "# CPU",
        "# Modules", "# Errorstats", "# Cluster", "# Keyspace"})
    EXPECT_NE(plain.find(title), std::string::npos) << title;
  EXPECT_EQ(plain.find("# Commandstats"), std::string::npos);
  EXPECT_NE(h.Run("INFO", "all").find("# Commandstats"), std::string::npos);
  EXPECT_EQ(h.Run("INFO", "nope"), "$0\r\n\r\n");
  EXPECT_EQ(h.Run("INFO", "CLUSTER", "nope"), "$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

// Clients wait for loading:0, choose replicas by role, and exporters read the rest.
TEST_F(ServerFamilyTest, InfoSaysWhatClientsRead) {
  EXPECT_EQ(Info("redis_version"), "7.0.15");
  EXPECT_EQ(Info("loading"), "0");
  EXPECT_EQ(Info("role"), "master");
  EXPECT_EQ(Info("connected_slaves"), "0");
  EXPECT_EQ(Info("cluster_enabled"), "0");
  EXPECT_EQ(Info("aof_enabled"), "0");
  EXPECT_EQ(Info("db0"), "(none)");
  static_cast<void>(h.Run("SET", "k", "v", "PX", "1000"));
  static_cast<void>(h.Run("SET", "l", "v", "PX", "1000"));
  EXPECT_EQ(Info("db0"), "keys=2,expires=2,avg_ttl=1000");
}

TEST_F(ServerFamilyTest, InfoCountsAndResets) {
  static_cast<void>(h.Run("GET", "absent"));
  static_cast<void>(h.Run("GET"));
  EXPECT_EQ(Info("keyspace_misses"), "1");
  EXPECT_EQ(Info("errorstat_ERR"), "count=1");
  EXPECT_EQ(Info("total_error_replies"), "1");
  EXPECT_EQ(Info("cmdstat_get"),
            "calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0");
  EXPECT_EQ(h.Run("CONFIG", "RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(h.server.stats_resets, 1);
  EXPECT_EQ(Info("keyspace_misses"), "0");
  EXPECT_EQ(Info("errorstat_ERR"), "(none)");
  EXPECT_EQ(Info("cmdstat_get"), "(none)");
}

TEST_F(ServerFamilyTest, InfoResetsWhatWasFreedInSlices) {
  static_cast<void>(h.Run("SET", "k", "v"));
  h.shard.BeginTurn();
  WriteBatch batch;
  batch.FlushDb(0);
  static_cast<void>(h.shard.Commit(batch));
  h.shard.keys().SweepDetached();
  EXPECT_NE(Info("lazyfreed_objects"), "0");
  EXPECT_EQ(h.Run("CONFIG", "RESETSTAT"), "+OK\r\n");
  EXPECT_EQ(Info("lazyfreed_objects"), "0");
}

TEST(HumanBytesTest, SaysAFewDigits) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1024), "1.00K");
  EXPECT_EQ(HumanBytes(1065736), "1.02M");
  EXPECT_EQ(HumanBytes(25276518400), "23.54G");
}

}  // namespace
}  // namespace cloakroom
