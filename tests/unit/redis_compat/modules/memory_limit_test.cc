// What clients see of a memory limit: which commands are refused, and what a refusal leaves.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "store/table/session_space.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr std::string_view kExecOom =
    "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > "
    "'maxmemory'.\r\n";
constexpr std::string_view kOom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

class MemoryLimitTest : public testing::Test {
 protected:
  /// The limit is so many bytes above what is counted now; below, where negative.
  void Limit(int64_t room_bytes, EvictionPolicy policy = EvictionPolicy::kNone) {
    const auto counted = static_cast<int64_t>(h.shard.Measure().Counted());
    options.limit_bytes = static_cast<uint64_t>(counted + room_bytes);
    options.eviction = {.policy = policy, .samples = 5, .tenacity = 100};
    h.shard.SetMemoryOptions(options);
  }
  void Unlimit() { h.shard.SetMemoryOptions({}); }
  void Fill(int keys, size_t value_bytes = 200) {
    for (int i = 0; i < keys; ++i)
      ASSERT_EQ(h.Run("SET", "key" + std::to_string(i), std::string(value_bytes, 'v')), "+OK\r\n");
  }
  static std::string Word(const std::string& reply, const std::string& name) {
    const size_t at = reply.find("\r\n" + name + "\r\n");
    size_t from = at + name.size() + 4;
    if (reply[from] == '$') from = reply.find("\r\n", from) + 2;
    return reply.substr(from, reply.find("\r\n", from) - from);
  }

  Harness h{{RegisterStrings, RegisterKeys, RegisterExpiry, RegisterHashes, RegisterSets,
             RegisterTransactions, RegisterConnection, RegisterSession}};
  Shard::MemoryOptions options;
};

TEST_F(MemoryLimitTest, OverTheLimitOnlyWhatMayGrowIsRefused) {
  Fill(100);
  h.Run("SADD", "set", "a", "b");
  h.Run("EXPIRE", "key0", "100");  // the first deadline makes the wheel
  Limit(-1000);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("SET", "key1", "v"), kOom);
  EXPECT_EQ(h.Run("APPEND", "key1", ""), kOom);
  EXPECT_EQ(h.Run("HSET", "key1", "f", "v"), kOom) << "before the types are looked at";
  EXPECT_EQ(h.Run("SADD", "set", "a"), kOom);
  EXPECT_EQ(h.Run("COPY", "set", "other"), kOom);
  EXPECT_EQ(h.Records(), records) << "a refused command leaves no trace";
  EXPECT_EQ(h.Run("GET", "key1").size(), 208U);
  EXPECT_EQ(h.Run("EXPIRE", "key1", "100"), ":1\r\n");
  EXPECT_EQ(h.Run("SREM", "set", "a"), ":1\r\n");
  EXPECT_EQ(h.Run("GETDEL", "key2").size(), 208U);
  EXPECT_EQ(h.Run("SET", "k"), "-ERR wrong number of arguments for 'set' command\r\n");
  for (int i = 3; i < 30; ++i) h.Run("DEL", "key" + std::to_string(i));
  EXPECT_EQ(h.Run("SET", "key1", "v"), "+OK\r\n") << "there is room again";
}

// A write that would pass the limit is refused although memory is below it, and leaves nothing.
TEST_F(MemoryLimitTest, WhatWouldNotFitIsRefusedBeforehand) {
  Fill(100);
  Limit(1'000'000);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("SET", "big", std::string(2'000'000, 'x')), kOom);
  EXPECT_EQ(h.Run("SETRANGE", "big", "400000000", "x"), kOom);
  EXPECT_EQ(h.Run("SETRANGE", "key1", "400000000", "x"), kOom);
  EXPECT_EQ(h.Run("MSET", "a", std::string(900'000, 'x'), "b", std::string(900'000, 'x')), kOom);
  EXPECT_EQ(h.Records(), records);
  EXPECT_EQ(h.Run("EXISTS", "big", "a", "b"), ":0\r\n");
  EXPECT_EQ(h.Run("STRLEN", "key1"), ":200\r\n");
  EXPECT_EQ(h.Run("SET", "key1", std::string(500'000, 'x')), "+OK\r\n");
  EXPECT_EQ(h.Run("APPEND", "key1", std::string(600'000, 'x')), kOom);
  EXPECT_EQ(h.Run("COPY", "key1", "key1copy"), kOom);
  EXPECT_EQ(h.Run("SET", "key1", std::string(490'000, 'y')), "+OK\r\n") << "in its place it fits";
  EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes);
}

// What changes in place fits however full it is.
TEST_F(MemoryLimitTest, AtTheLimitWritesInPlaceGoOn) {
  Fill(100);
  h.Run("HSET", "h", "f", "1");
  Limit(0);
  EXPECT_EQ(h.Run("SET", "key1", std::string(200, 'w')), "+OK\r\n");
  EXPECT_EQ(h.Run("HINCRBY", "h", "f", "1"), ":2\r\n");
  EXPECT_EQ(h.Run("SET", "new", std::string(200, 'w')), kOom);
}

TEST_F(MemoryLimitTest, EvictsForWhatWouldNotFit) {
  Fill(1000);
  Limit(1000, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(h.Run("SET", "big", std::string(50'000, 'x')), "+OK\r\n");
  EXPECT_EQ(h.Run("STRLEN", "big"), ":50000\r\n");
  EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes);
  const uint64_t evicted = h.shard.evictor().counters().evicted_keys;
  EXPECT_GE(evicted, 180U);
  EXPECT_LE(evicted, 350U);
}

// What a handler has read may be evicted before its batch is committed: then it runs again, on what
// is there then. With one key in the keyspace that must be the very key.
TEST_F(MemoryLimitTest, ACommandWhoseKeyIsEvictedRunsAgain) {
  h.Run("SET", "only", std::string(10'000, 'a'));
  Limit(9000, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(h.Run("APPEND", "only", std::string(12'000, 'b')), ":12000\r\n");
  EXPECT_EQ(h.Run("STRLEN", "only"), ":12000\r\n");
}

// As in Redis: EXEC is refused whole when something in its queue may grow, and while memory is over
// its limit nothing is queued at all.
TEST_F(MemoryLimitTest, TransactionsAreRefusedWhole) {
  Fill(10);
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("SET", "key1", "v"), "+QUEUED\r\n");
  EXPECT_EQ(h.Run("GET", "key1"), "+QUEUED\r\n");
  Limit(-1);
  EXPECT_EQ(h.Run("EXEC"), kExecOom);
  EXPECT_EQ(h.Run("STRLEN", "key1"), ":200\r\n") << "and MULTI is over";
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("GET", "key1"), kOom);
  EXPECT_EQ(h.Run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("DISCARD"), "+OK\r\n");
  Unlimit();
  h.Run("MULTI");
  h.Run("GET", "key1");
  Limit(-1);
  EXPECT_EQ(h.Run("EXEC").substr(0, 4), "*1\r\n") << "reading alone needs no memory";
}

// A queue that broke for want of memory says so at EXEC, as in Redis, while the want lasts and what
// was queued before may grow.
TEST_F(MemoryLimitTest, AQueueThatBrokeForMemorySaysSo) {
  for (const bool lasts : {true, false}) {
    h.Run("MULTI");
    h.Run("SET", "key1", "v");
    Limit(-1);
    EXPECT_EQ(h.Run("SET", "key2", "v"), kOom);
    if (!lasts) Unlimit();
    EXPECT_EQ(
        h.Run("EXEC"),
        lasts ? kExecOom : "-EXECABORT Transaction discarded because of previous errors.\r\n");
    Unlimit();
  }
}

// To end sessions must go on however full it is; to note the revocation of users who have none
// would take memory without end.
TEST_F(MemoryLimitTest, RevokingUsersWithoutSessionsNeedsMemory) {
  for (const char* user : {"ann", "ben"}) h.Run("SESSION.CREATE", "web", user);
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "ben", "ALL"), ":1\r\n");
  Fill(100);
  Limit(-1000);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "nobody", "ALL"), kOom);
  EXPECT_EQ(h.Run("SESSION.REVOKE", "none", "ann", "ALL"), kOom);
  EXPECT_EQ(h.Records(), records);
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "ann", "ALL"), ":1\r\n");
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "ann", "ALL"), ":0\r\n") << "its mark is renewed";
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "ben", "ALL"), ":0\r\n");
  EXPECT_EQ(h.Run("SESSION.REVOKEALL", "none"), ":0\r\n");
  Unlimit();
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "nobody", "ALL"), ":0\r\n");
}

// Half a transaction is worse than none: what does not fit as a whole is refused before any of it
// runs.
TEST_F(MemoryLimitTest, ATransactionThatDoesNotFitIsRefusedWhole) {
  Fill(10);
  h.Run("MULTI");
  h.Run("SET", "key1", std::string(200, 'w'));
  h.Run("SETRANGE", "key2", "5000000", "x");
  h.Run("GET", "key1");
  Limit(100'000);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("EXEC"), kExecOom);
  EXPECT_EQ(h.Records(), records);
  EXPECT_EQ(h.Run("GET", "key1"), "$200\r\n" + std::string(200, 'v') + "\r\n") << "MULTI is over";
  EXPECT_EQ(h.Run("STRLEN", "key2"), ":200\r\n");
}

// What it makes of its own values is seen only as it runs.
TEST_F(MemoryLimitTest, ATransactionMayNotMultiplyItsOwnValues) {
  h.Run("MULTI");
  h.Run("SET", "a", std::string(3'000'000, 'x'));
  for (int i = 0; i < 3; ++i) h.Run("COPY", "a", "b" + std::to_string(i));
  Limit(4'000'000);
  EXPECT_EQ(h.Run("EXEC"),
            "*4\r\n+OK\r\n" + std::string(kOom) + std::string(kOom) + std::string(kOom));
}

// The words of a command go as it ends, and those of a transaction as the whole ends: their memory
// serves once.
TEST_F(MemoryLimitTest, TheWordsOfATransactionAreCreditedOnce) {
  Fill(10);
  h.Run("MULTI");
  for (int i = 0; i < 3; ++i) h.Run("SET", "big" + std::to_string(i), std::string(20'000, 'x'));
  h.client().input_memory_bytes = 25'000;
  Limit(2000);
  EXPECT_EQ(h.Run("EXEC"), kExecOom);
  EXPECT_EQ(h.Run("EXISTS", "big0", "big1", "big2"), ":0\r\n");
}

// Where there is something to evict, it is evicted before the transaction begins, by records of its
// own, within the turn's time: if that is not enough, EXEC waits as any other large command.
TEST_F(MemoryLimitTest, ATransactionWaitsForItsRoom) {
  Fill(1000);
  h.Run("MULTI");
  for (int i = 0; i < 3; ++i) h.Run("SETRANGE", "big" + std::to_string(i), "20000", "x");
  Limit(100, EvictionPolicy::kAllKeysRandom);
  options.eviction.tenacity = 0;
  h.shard.SetMemoryOptions(options);
  const uint64_t before = h.Records();
  std::string reply;
  int turns = 0;
  for (; turns < 100 && reply.empty(); ++turns) {
    const uint64_t records = h.Records();
    reply = h.Run("EXEC");
    if (!reply.empty()) break;
    EXPECT_TRUE(h.last_outcome.waits_for_memory);
    EXPECT_LE(h.Records(), records + 32) << "a slice";
    ClientState& other = h.AddClient();
    EXPECT_EQ(h.RunAs(other, {"EXISTS", "big0", "big1", "big2"}), ":0\r\n");
  }
  EXPECT_GT(turns, 3);
  EXPECT_EQ(reply, "*3\r\n:20001\r\n:20001\r\n:20001\r\n");
  EXPECT_GT(h.Records(), before + 100);
  EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes);
}

// What EXEC evicts for itself may be what its client watches.
TEST_F(MemoryLimitTest, EvictionForATransactionBreaksItsWatch) {
  h.Run("SET", "only", std::string(10'000, 'a'));
  h.Run("WATCH", "only");
  h.Run("MULTI");
  h.Run("SETRANGE", "other", "12000", "b");
  Limit(9000, EvictionPolicy::kAllKeysLru);
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
  EXPECT_EQ(h.Run("EXISTS", "only", "other"), ":0\r\n");
}

// A handler that wants more each time it runs must not be let through in the end.
Result<void> Greedy(CommandContext& ctx, Args args, Reply& reply) {
  static size_t bytes = 10'000;
  ctx.batch.PutString(0, ctx.Ref(args[1]), std::string(bytes *= 2, 'g'), kNoDeadline);
  return reply.Ok();
}
constexpr CommandSpec kGreedy[] = {{.name = "greedy",
                                    .arity = 2,
                                    .flags = kWrite | kDenyOom,
                                    .keys = {1, 1, 1},
                                    .categories = "string",
                                    .group = "string",
                                    .since = "1.0.0",
                                    .summary = "Wants more each time",
                                    .syntax = "key",
                                    .handler = Greedy}};

TEST(MemoryLimitGreedTest, WhatNeverFitsIsRefused) {
  Harness h{{RegisterStrings, RegisterKeys, [](Registry& registry) { registry.Add(kGreedy); }}};
  for (int i = 0; i < 5000; ++i) h.Run("SET", "key" + std::to_string(i), std::string(200, 'v'));
  Shard::MemoryOptions options;
  options.limit_bytes = h.shard.Measure().Counted();
  options.eviction = {.policy = EvictionPolicy::kAllKeysLru, .samples = 5, .tenacity = 100};
  h.shard.SetMemoryOptions(options);
  EXPECT_EQ(h.Run("GREEDY", "g"), kOom);
  EXPECT_EQ(h.Run("EXISTS", "g"), ":0\r\n");
}

TEST_F(MemoryLimitTest, SessionsThatGrowAreRefused) {
  const std::string made = h.Run("SESSION.CREATE", "web", "ana", "FIELDS", "1", "f", "1");
  const std::string token = Word(made, "token");
  ASSERT_EQ(token.size(), 35U);
  Limit(-1);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("SESSION.CREATE", "web", "ben"), kOom);
  EXPECT_EQ(h.Run("SESSION.ANON", "web"), kOom);
  EXPECT_EQ(h.Run("SESSION.PUT", "web", std::string(30, 't'), "ana"), kOom);
  EXPECT_EQ(h.Run("SESSION.SET", token, "FIELDS", "1", "f", "2"), kOom);
  EXPECT_EQ(h.Run("SESSION.INCR", token, "f", "1"), kOom);
  EXPECT_EQ(h.Run("SESSION.ROTATE", token), kOom);
  EXPECT_EQ(h.Records(), records);
  EXPECT_EQ(h.Run("SESSION.TOUCH", token)[0], ':');
  EXPECT_EQ(h.Run("SESSION.DESTROY", token), ":1\r\n");
}

// To slide takes no memory, so readers stay logged in while memory is full; and a stolen token that
// is shown again ends its session. The reply waits for neither.
TEST_F(MemoryLimitTest, WithFullMemoryAGetSlidesAllTheSame) {
  h.Run("SESSION.POLICY", "web", "SET", "on-reuse", "revoke");
  const std::string made = h.Run("SESSION.CREATE", "web", "ana", "IDLE", "1000");
  const std::string token = Word(made, "token");
  const std::string deadline = Word(made, "deadline");
  const std::string stolen = Word(h.Run("SESSION.CREATE", "web", "ben"), "token");
  const std::string next = Word(h.Run("SESSION.ROTATE", stolen), "token");
  for (int i = 0; i < 4; ++i) {
    h.clock.Advance(500'000);
    Limit(-1);
    const uint64_t records = h.Records();
    EXPECT_NE(Word(h.Run("SESSION.GET", token), "deadline"), deadline) << i;
    EXPECT_EQ(h.Records(), records + 1);
    EXPECT_EQ(h.last_outcome.depends_on, records);
    EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes + 1);
    Unlimit();
    h.Run("SESSION.GET", next);
  }
  Limit(-1);
  EXPECT_EQ(h.Run("SESSION.GET", stolen), "$-1\r\n");
  EXPECT_EQ(h.Run("SESSION.GET", next), "$-1\r\n");
}

// A policy may make a namespace, and those are never freed.
TEST_F(MemoryLimitTest, WithFullMemoryPoliciesAreReadAndNotSet) {
  Limit(-1);
  EXPECT_EQ(h.Run("SESSION.POLICY", "other", "SET", "idle", "60"), kOom);
  EXPECT_EQ(Word(h.Run("SESSION.POLICY", "other"), "idle"), ":1800");
  Unlimit();
  EXPECT_EQ(Word(h.Run("SESSION.POLICY", "other", "SET", "idle", "60"), "idle"), ":60");
}

// The one policy that ends sessions takes the anonymous ones, the longest unused first, and no
// others: when they are gone, writes are refused.
TEST_F(MemoryLimitTest, AnonymousSessionsGoFirstAndNoOthers) {
  std::vector<std::string> anonymous;
  std::vector<std::string> users;
  Fill(20);
  for (int i = 0; i < 300; ++i) {
    anonymous.push_back(
        Word(h.Run("SESSION.ANON", "web", "FIELDS", "1", "f", std::string(300, 'x')), "token"));
    users.push_back(Word(h.Run("SESSION.CREATE", "web", "user" + std::to_string(i)), "token"));
    h.clock.Advance(200);
  }
  for (int i = 0; i < 50; ++i) h.Run("SESSION.TOUCH", anonymous[static_cast<size_t>(i)]);
  const auto live = [&](const std::vector<std::string>& tokens, size_t from, size_t to) {
    size_t count = 0;
    for (size_t i = from; i < to; ++i)
      count += h.Run("SESSION.GET", tokens[i], "NOTOUCH") != "$-1\r\n" ? 1 : 0;
    return count;
  };
  Limit(-40'000, EvictionPolicy::kSessionsAnonymousFirst);
  options.eviction.samples = 20;
  h.shard.SetMemoryOptions(options);
  EXPECT_EQ(h.Run("SET", "key1", "v"), "+OK\r\n");
  EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes);
  EXPECT_EQ(live(users, 0, 300), 300U);
  const size_t left = live(anonymous, 0, 300);
  EXPECT_LT(left, 250U);
  EXPECT_GT(left, 50U);
  EXPECT_GE(live(anonymous, 0, 50), 45U) << "these were used last";
  EXPECT_GT(live(anonymous, 200, 300), live(anonymous, 50, 150));
  EXPECT_EQ(Word(h.Run("SESSION.STATS", "web"), "evicted"), ":" + std::to_string(300 - left));
  EXPECT_EQ(h.shard.evictor().counters().evicted_keys, 0U);

  // A late write of an evicted session does not bring it back.
  size_t gone = 0;
  while (h.Run("SESSION.GET", anonymous[gone], "NOTOUCH") != "$-1\r\n") ++gone;
  EXPECT_EQ(h.Run("SESSION.SET", anonymous[gone], "FIELDS", "1", "f", "v").substr(0, 10),
            "-NOSESSION");

  Limit(-200'000, EvictionPolicy::kSessionsAnonymousFirst);
  EXPECT_EQ(h.Run("SET", "key1", "v"), kOom);
  EXPECT_EQ(live(anonymous, 0, 300), 0U);
  EXPECT_EQ(live(users, 0, 300), 300U);
  EXPECT_EQ(h.shard.keys().Size(0), 20U);
}

// Few among many: the search goes through all of them rather than give up.
TEST_F(MemoryLimitTest, FindsTheFewAnonymousSessions) {
  for (int i = 0; i < 2000; ++i) h.Run("SESSION.CREATE", "web", "user" + std::to_string(i));
  std::string token;
  for (int i = 0; i < 5; ++i)
    token = Word(h.Run("SESSION.ANON", "web", "FIELDS", "1", "f", std::string(2000, 'x')), "token");
  Limit(-4000, EvictionPolicy::kSessionsAnonymousFirst);
  EXPECT_EQ(h.Run("SET", "k", "v"), "+OK\r\n");
  const SessionSpace::Counts counts = h.shard.keys().sessions().CountsOf(nullptr, h.shard.now());
  EXPECT_GE(counts.anonymous, 2U);
  EXPECT_LE(counts.anonymous, 3U);
  EXPECT_EQ(counts.live, 2000 + counts.anonymous);
}

// CLIENT PAUSE stops evictions too: what waits is asked again afterwards.
TEST_F(MemoryLimitTest, NothingIsEvictedDuringAPause) {
  Fill(100);
  Limit(-1000, EvictionPolicy::kAllKeysLru);
  h.server.pause_mode = PauseMode::kWrite;
  h.Run("SET", "new", "v");
  EXPECT_TRUE(h.last_outcome.postponed);
  EXPECT_EQ(h.shard.keys().Size(0), 100U);
  h.server.pause_mode = PauseMode::kOff;
  EXPECT_EQ(h.Run("SET", "new", "v"), "+OK\r\n");
  EXPECT_LT(h.shard.keys().Size(0), 100U);
}

// A watched key that is evicted has changed.
TEST_F(MemoryLimitTest, EvictionBreaksAWatch) {
  Fill(10);
  ClientState& other = h.AddClient();
  for (int i = 0; i < 10; ++i) h.Run("WATCH", "key" + std::to_string(i));
  Limit(-500, EvictionPolicy::kAllKeysRandom);
  h.RunAs(other, {"SET", "x", "y"});
  Unlimit();
  h.Run("MULTI");
  h.Run("GET", "key0");
  EXPECT_EQ(h.Run("EXEC"), "*-1\r\n");
}

}  // namespace
}  // namespace cloakroom
