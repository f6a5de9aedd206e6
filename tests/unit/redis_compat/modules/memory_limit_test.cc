// What clients see of a memory limit: which commands are refused, and what a refusal leaves.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "store/table/session_space.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

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
  EXPECT_EQ(h.Run("EXEC"),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory "
            "> 'maxmemory'.\r\n");
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

// Inside EXEC a command that does not fit fails alone, as any other error there.
TEST_F(MemoryLimitTest, InsideExecOneCommandMayFail) {
  Fill(10);
  h.Run("MULTI");
  h.Run("SET", "key1", std::string(200, 'w'));
  h.Run("SETRANGE", "key2", "5000000", "x");
  h.Run("GET", "key1");
  Limit(100'000);
  EXPECT_EQ(h.Run("EXEC"),
            "*3\r\n+OK\r\n" + std::string(kOom) + "$200\r\n" + std::string(200, 'w') + "\r\n");
}

// And where there is something to evict, it is evicted within the transaction's own record.
TEST_F(MemoryLimitTest, InsideExecEvictionIsPartOfTheRecord) {
  Fill(500);
  h.Run("MULTI");
  for (int i = 0; i < 3; ++i) h.Run("SET", "big" + std::to_string(i), std::string(20'000, 'x'));
  Limit(100, EvictionPolicy::kAllKeysRandom);
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("EXEC"), "*3\r\n+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(h.Records(), records + 1);
  EXPECT_LE(h.shard.Measure().Counted(), options.limit_bytes);
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
  EXPECT_EQ(h.Run("SESSION.REVOKE", "web", "nobody", "ALL"), ":0\r\n");
  EXPECT_EQ(h.Run("SESSION.DESTROY", token), ":1\r\n");
}

// A read must not be refused for want of memory, nor may it write: it answers without sliding.
TEST_F(MemoryLimitTest, WithFullMemoryAGetDoesNotSlide) {
  const std::string made = h.Run("SESSION.CREATE", "web", "ana", "IDLE", "1000");
  const std::string token = Word(made, "token");
  const std::string deadline = Word(made, "deadline");
  h.clock.Advance(500'000);
  Limit(-1);
  const uint64_t records = h.Records();
  EXPECT_EQ(Word(h.Run("SESSION.GET", token), "deadline"), deadline);
  EXPECT_EQ(h.Records(), records);
  Unlimit();
  EXPECT_NE(Word(h.Run("SESSION.GET", token), "deadline"), deadline);
  EXPECT_EQ(h.Records(), records + 1);
  // Where something can be evicted, memory is never full for long, and reads slide.
  h.Run("SET", "k", std::string(1000, 'v'));
  h.clock.Advance(500'000);
  Limit(-1, EvictionPolicy::kAllKeysLru);
  EXPECT_NE(Word(h.Run("SESSION.GET", token), "deadline"), deadline);
  EXPECT_GT(h.Records(), records + 1);
}

// The one policy that ends sessions takes the anonymous ones, the longest unused first, and no
// others: when they are gone, writes are refused. Each leaves a tombstone as any ended session.
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
