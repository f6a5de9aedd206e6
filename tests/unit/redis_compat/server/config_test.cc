#include "redis_compat/server/config.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloakroom {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string SetError(Config& config, const Pairs& pairs) {
  const Result<void> done = config.Set(pairs);
  return done ? "" : done.error().message;
}

std::string DirectError(Config& config, const std::vector<std::string>& words) {
  const Result<void> done = config.Direct(words);
  return done ? "" : done.error().message;
}

TEST(ConfigTest, DefaultsMeanWhatTheirTextsSay) {
  const Config config;
  EXPECT_EQ(config.settings().port, 6379);
  EXPECT_EQ(config.settings().databases, 16U);
  EXPECT_EQ(config.settings().clients_max, 10000U);
  EXPECT_EQ(config.settings().slow_log_threshold_us, 10000);
  EXPECT_EQ(config.settings().hash_packed_entries_max, 512U);
  EXPECT_EQ(config.settings().output_limit_pubsub.hard_bytes, 32U << 20);
  EXPECT_EQ(config.settings().log_level, LogLevel::kNotice);
  EXPECT_TRUE(config.settings().protected_mode);
  EXPECT_FALSE(config.settings().daemonize);
}

// FindOption walks the table; CONFIG GET and REWRITE show it in this order.
TEST(ConfigTest, OptionsAreSortedAndNamedOnce) {
  std::string_view last;
  for (const Option& option : AllOptions()) {
    EXPECT_LT(last, option.name);
    EXPECT_EQ(FindOption(option.name), &option);
    last = option.name;
  }
}

TEST(ConfigTest, OlderNamesAreTheSameOption) {
  Config config;
  EXPECT_EQ(SetError(config, {{"HASH-max-ziplist-entries", "7"}}), "");
  EXPECT_EQ(config.Get("hash-max-listpack-entries"), "7");
  EXPECT_EQ(config.settings().hash_packed_entries_max, 7U);
  EXPECT_EQ(config.Get("no-such-option"), std::nullopt);
}

// Tools save all that CONFIG GET shows and set it again.
TEST(ConfigTest, EveryMutableOptionTakesItsOwnValue) {
  Config config;
  for (const Option& option : AllOptions()) {
    if ((option.flags & (kImmutable | kProtected)) != 0) continue;
    const std::string name(option.name);
    const std::string value = config.Get(name).value();
    EXPECT_EQ(SetError(config, {{name, value}}), "") << name;
    EXPECT_EQ(config.Get(name), value) << name;
  }
  EXPECT_EQ(SetError(config, {{"repl-backlog-size", "2mb"}}), "");
  EXPECT_EQ(config.settings().backlog_bytes_max, 2U << 20);
}

// The sentences are Redis's, which clients and tests look for.
TEST(ConfigTest, RefusalsSayWhatRedisSays) {
  Config config;
  const auto failed = [](std::string_view name, std::string_view why) {
    return "CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - " +
           std::string(why);
  };
  EXPECT_EQ(SetError(config, {{"nope", "1"}}),
            "Unknown option or number of arguments for CONFIG SET - 'nope'");
  EXPECT_EQ(SetError(config, {{"hz", "10"}, {"HZ", "20"}}), failed("HZ", "duplicate parameter"));
  EXPECT_EQ(SetError(config, {{"port", "1"}, {"port", "2"}}),
            failed("port", "duplicate parameter"));
  EXPECT_EQ(SetError(config, {{"hz", "11"}, {"port", "1"}}),
            failed("port", "can't set immutable config"));
  EXPECT_EQ(config.Get("hz"), "10");
  EXPECT_EQ(SetError(config, {{"daemonize", "yes"}}),
            failed("daemonize", "can't set immutable config"));
  EXPECT_EQ(SetError(config, {{"dir", "/tmp"}}), failed("dir", "can't set protected config"));
  EXPECT_EQ(SetError(config, {{"timeout", "abc"}}),
            failed("timeout", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(SetError(config, {{"maxclients", "0"}}),
            failed("maxclients", "argument must be between 1 and 4294967295 inclusive"));
  EXPECT_EQ(SetError(config, {{"protected-mode", "maybe"}}),
            failed("protected-mode", "argument must be 'yes' or 'no'"));
  EXPECT_EQ(SetError(config, {{"proto-max-bulk-len", "1x"}}),
            failed("proto-max-bulk-len", "argument must be a memory value"));
  EXPECT_EQ(SetError(config, {{"loglevel", "loud"}}),
            failed("loglevel",
                   "argument(s) must be one of the following: debug, verbose, notice, warning"));
  EXPECT_EQ(SetError(config, {{"client-output-buffer-limit", "normal 0 0"}}),
            failed("client-output-buffer-limit",
                   "Wrong number of arguments in buffer limit configuration."));
}

TEST(ConfigTest, MemoryLimitsAreReadAsRedisDoes) {
  Config config;
  EXPECT_EQ(SetError(config, {{"maxmemory", "100mb"}, {"maxmemory-policy", "Volatile-TTL"}}), "");
  EXPECT_EQ(config.settings().memory_bytes_max, 100U << 20);
  EXPECT_EQ(config.Get("maxmemory"), "104857600");
  EXPECT_EQ(config.settings().eviction.policy, EvictionPolicy::kVolatileTtl);
  EXPECT_EQ(config.Get("maxmemory-policy"), "volatile-ttl");
  EXPECT_EQ(SetError(config, {{"maxmemory-policy", "sessions-anonymous-first"}}), "");
  EXPECT_EQ(config.settings().eviction.policy, EvictionPolicy::kSessionsAnonymousFirst);
  EXPECT_EQ(SetError(config, {{"maxmemory-policy", "noeviction"}}), "");
  EXPECT_EQ(config.settings().eviction.policy, EvictionPolicy::kNone);

  const auto clients = [&config](const std::string& text) {
    const std::string error = SetError(config, {{"maxmemory-clients", text}});
    return error.empty() ? *config.Get("maxmemory-clients") : error.substr(error.find(" - ") + 3);
  };
  EXPECT_EQ(clients("1g"), "1000000000");
  EXPECT_EQ(clients("5%"), "5%");
  EXPECT_EQ(config.settings().clients_memory_max, -5);
  EXPECT_EQ(clients("100%"), "100%");
  EXPECT_EQ(clients("0%"), "0");
  EXPECT_EQ(clients("101%"), "percentage argument must be less or equal to 100");
  for (const char* wrong : {"-1", "-5%", "5%%", "%", "1.5%", "abc"})
    EXPECT_EQ(clients(wrong), "argument must be a memory or percent value") << wrong;
}

TEST(ConfigTest, AllOrNone) {
  Config config;
  EXPECT_NE(SetError(config, {{"timeout", "5"}, {"maxclients", "none"}}), "");
  EXPECT_EQ(config.settings().timeout_s, 0);
  EXPECT_EQ(SetError(config, {{"timeout", "5"}, {"maxclients", "7"}}), "");
  EXPECT_EQ(config.settings().timeout_s, 5);
  EXPECT_EQ(config.settings().clients_max, 7U);
}

// An operator who asks for what is not built must hear of it, not lose data later.
TEST(ConfigTest, WhatIsNotBuiltIsAcceptedOnlyOff) {
  Config config;
  EXPECT_EQ(SetError(config, {{"activedefrag", "no"}}), "");
  const std::string error = SetError(config, {{"activedefrag", "yes"}});
  EXPECT_NE(error.find("'yes' is not supported"), std::string::npos) << error;
  EXPECT_EQ(config.Get("activedefrag"), "no");
}

TEST(ConfigTest, EventClassesAreLetters) {
  Config config;
  EXPECT_EQ(config.settings().event_classes, 0U);
  EXPECT_EQ(SetError(config, {{"notify-keyspace-events", "KEA"}}), "");
  EXPECT_EQ(config.Get("notify-keyspace-events"), "AKE");
  EXPECT_NE(config.settings().event_classes, 0U);
  EXPECT_EQ(SetError(config, {{"notify-keyspace-events", "K?"}}),
            "CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid "
            "event class character. Use 'Ag$lshzxeKEtmdn'.");
  EXPECT_EQ(config.Get("notify-keyspace-events"), "AKE");
  EXPECT_EQ(DirectError(config, {"notify-keyspace-events", ""}), "");
  EXPECT_EQ(config.settings().event_classes, 0U);
}

// The first line of a file replaces the rules of the default, each further one adds to them.
TEST(ConfigTest, SaveLinesAddUp) {
  Config config;
  EXPECT_EQ(config.Get("save"), "3600 1 300 100 60 10000");
  EXPECT_EQ(DirectError(config, {"save", "900", "1"}), "");
  EXPECT_EQ(DirectError(config, {"save", "300 10"}), "");
  EXPECT_EQ(config.Get("save"), "900 1 300 10");
  ASSERT_EQ(config.settings().persistence.save_rules.size(), 2U);
  EXPECT_EQ(config.settings().persistence.save_rules[1].after_ms, 300'000);
  EXPECT_EQ(config.settings().persistence.save_rules[1].changes, 10U);
  EXPECT_EQ(DirectError(config, {"save", ""}), "");
  EXPECT_TRUE(config.settings().persistence.save_rules.empty());
  for (const std::string_view bad : {"900", "0 1", "-1 1", "900 x", "900 1 3"})
    EXPECT_NE(SetError(config, {{"save", std::string(bad)}}), "") << bad;
}

// How long the log is kept is a time, a size, or both; anything else is named as neither.
TEST(ConfigTest, LogKeepIsATimeOrASize) {
  Config config;
  const Persistence::Options& kept = config.settings().persistence;
  EXPECT_EQ(SetError(config, {{"log-keep", "512mb"}}), "");
  EXPECT_EQ(kept.log_keep_bytes, 512U << 20);
  EXPECT_EQ(kept.log_keep_ms, 0);
  EXPECT_EQ(SetError(config, {{"log-keep", "7d 1gb"}}), "");
  EXPECT_EQ(kept.log_keep_bytes, 1U << 30);
  EXPECT_EQ(kept.log_keep_ms, 7 * 86'400'000);
  EXPECT_EQ(SetError(config, {{"log-keep", "90min"}}), "");
  EXPECT_EQ(kept.log_keep_ms, 5'400'000);
  EXPECT_NE(SetError(config, {{"log-keep", "soon"}}), "");
  EXPECT_EQ(config.Get("log-keep"), "90min");
}

// Whatever its form would be, the answer is that it is not built.
TEST(ConfigTest, WhatIsNotBuiltIsRefusedInAllItsWords) {
  Config config;
  EXPECT_EQ(DirectError(config, {"aclfile", "users", "acl"}),
            "aclfile 'users acl' is not supported yet, only ''");
  EXPECT_EQ(DirectError(config, {"aclfile", ""}), "");
}

TEST(ConfigTest, ThePrimaryIsAHostAndAPort) {
  Config config;
  const auto& primary = config.settings().replica_of;
  EXPECT_FALSE(primary.has_value());
  EXPECT_EQ(DirectError(config, {"replicaof", "10.0.0.1", "6380"}), "");
  EXPECT_EQ(primary, (PeerAddress{"10.0.0.1", 6380}));
  EXPECT_EQ(DirectError(config, {"slaveof", "::1 7000"}), "") << "as one argument brings it";
  EXPECT_EQ(primary, (PeerAddress{"::1", 7000}));
  EXPECT_EQ(config.Get("replicaof"), "::1 7000");
  for (const char* port : {"0", "65536", "port", ""})
    EXPECT_NE(DirectError(config, {"replicaof", "10.0.0.1", port}), "") << port;
  EXPECT_NE(DirectError(config, {"replicaof", "10.0.0.1"}), "");
  EXPECT_NE(SetError(config, {{"replicaof", "10.0.0.1 6380"}}), "") << "that is REPLICAOF's";
  EXPECT_EQ(primary, (PeerAddress{"::1", 7000}));
  EXPECT_EQ(DirectError(config, {"replicaof", "NO", "one"}), "");
  EXPECT_FALSE(primary.has_value());
  config.NoteReplicaOf("10.0.0.2", 6381);
  EXPECT_EQ(config.Get("slaveof"), "10.0.0.2 6381");
  EXPECT_EQ(primary, (PeerAddress{"10.0.0.2", 6381}));
  config.NoteReplicaOf("", 0);
  EXPECT_EQ(config.Get("replicaof"), "");
}

TEST(ConfigTest, DirectivesTakeWordsAsAFileHasThem) {
  Config config;
  EXPECT_EQ(DirectError(config, {"PORT", "7000"}), "");
  EXPECT_EQ(config.settings().port, 7000);
  EXPECT_EQ(DirectError(config, {"bind", "127.0.0.1", "-::1"}), "");
  EXPECT_EQ(config.settings().bind, (std::vector<std::string>{"127.0.0.1", "-::1"}));
  EXPECT_EQ(DirectError(config, {"unixsocketperm", "755"}), "");
  EXPECT_EQ(config.settings().unix_socket_mode, 0755U);
  EXPECT_EQ(config.Get("unixsocketperm"), "755");
  EXPECT_EQ(DirectError(config, {"client-output-buffer-limit", "replica", "1mb", "2kb", "3"}), "");
  EXPECT_EQ(config.Get("client-output-buffer-limit"),
            "normal 0 0 0 slave 1048576 2048 3 pubsub 33554432 8388608 60");
  EXPECT_EQ(DirectError(config, {"port"}), "Bad directive or wrong number of arguments");
  EXPECT_EQ(DirectError(config, {"prot", "1"}), "Bad directive or wrong number of arguments");
  EXPECT_EQ(DirectError(config, {"port", "1", "2"}), "wrong number of arguments");
}

TEST(ConfigTest, MemoryUnits) {
  const std::vector<std::pair<std::string_view, int64_t>> good = {
      {"0", 0},        {"12", 12},        {"1b", 1},        {"1k", 1000},
      {"1KB", 1024},   {"2m", 2'000'000}, {"2mb", 2 << 20}, {"3g", 3'000'000'000},
      {"1gb", 1 << 30}};
  for (const auto& [text, bytes] : good) {
    int64_t read = -1;
    EXPECT_TRUE(ParseMemory(text, read)) << text;
    EXPECT_EQ(read, bytes) << text;
  }
  for (const std::string_view text :
       {"", "k", "-1", "1 k", "1kbb", "1.5mb", "9223372036854775807k", "99999999999999999999"}) {
    int64_t read = -1;
    EXPECT_FALSE(ParseMemory(text, read)) << text;
  }
}

}  // namespace
}  // namespace cloakroom
