#include "redis_compat/migrate/shard_target.h"

#include "tests/unit/redis_compat/migrate/follow_fixture.h"

namespace cloakroom {
namespace {

class ShardTargetTest : public FollowTest {
 protected:
  void SetUp() override { Sync(); }
  void Skip() {
    Begin(/*refuse=*/false);
    Sync();
  }
  /// The primary sends a command; gives the error, if there is one.
  std::string Send(std::initializer_list<std::string_view> words) {
    error.clear();
    Say(Words(words));
    return error;
  }
  /// As a client, who reads by the wall clock.
  std::string Get(std::string_view key) { return h->Run("GET", key); }
};

// As a replica of Redis: what has passed its deadline is hidden from clients, but for the primary's
// commands it is there until the primary ends it.
TEST_F(ShardTargetTest, NothingDiesBeforeThePrimarySaysSo) {
  const TimeMs deadline = h->shard.now() + 1000;
  Send({"SET", "k", "v", "PXAT", std::to_string(deadline)});
  Send({"SET", "k2", "1", "PXAT", std::to_string(deadline)});
  h->clock.Advance(5000);
  EXPECT_EQ(Get("k"), "$-1\r\n");
  EXPECT_TRUE(h->shard.Sweep(1000));
  EXPECT_EQ(h->shard.keys().Size(0), 2U);
  // A clock that is behind ours still sees it live.
  EXPECT_EQ(Send({"PERSIST", "k"}), "");
  EXPECT_EQ(Get("k"), "$1\r\nv\r\n");
  EXPECT_EQ(Send({"INCR", "k2"}), "");
  EXPECT_EQ(Value("k2"), "string 2 @" + std::to_string(deadline));
  EXPECT_EQ(Send({"DEL", "k2"}), "");
  EXPECT_EQ(h->shard.keys().Size(0), 1U);
}

// When it follows no more, time goes on.
TEST_F(ShardTargetTest, TimeGoesOnAfterwards) {
  Send({"SET", "k", "v", "PXAT", std::to_string(h->shard.now() + 1000)});
  follower.reset();
  target.reset();
  h->clock.Advance(5000);
  h->shard.BeginTurn();
  while (!h->shard.Sweep(1000)) {
  }
  EXPECT_EQ(h->shard.keys().Size(0), 0U);
}

TEST_F(ShardTargetTest, SpansCountFromWhenTheyCame) {
  h->clock.Advance(10'000);
  h->shard.BeginTurn();
  const std::string in_10_s = " @" + std::to_string(h->clock.WallMs() + 10'000);
  Send({"SET", "k", "v", "EX", "10"});
  EXPECT_EQ(Value("k"), "string v" + in_10_s);
  Send({"SETEX", "k", "10", "w"});
  EXPECT_EQ(Value("k"), "string w" + in_10_s);
  Send({"SET", "k", "x"});
  Send({"EXPIRE", "k", "10"});
  EXPECT_EQ(Value("k"), "string x" + in_10_s);
}

// A client's refusals are not for the primary.
TEST_F(ShardTargetTest, AsksForNoPasswordAndNoMemory) {
  h->server.password = "secret";
  h->server.pause_mode = PauseMode::kAll;
  Shard::MemoryOptions memory;
  memory.limit_bytes = 1;
  h->shard.SetMemoryOptions(memory);
  EXPECT_EQ(Send({"SET", "k", std::string(100'000, 'x')}), "");
  EXPECT_EQ(h->shard.keys().Size(0), 1U);
  EXPECT_TRUE(h->shard.Sweep(1000));
  EXPECT_EQ(h->shard.keys().Size(0), 1U) << "what goes is the primary's business";
}

TEST_F(ShardTargetTest, EndsKeysButNoSessions) {
  Send({"SET", "k", "v"});
  Send({"SELECT", "3"});
  Send({"SET", "k", "v"});
  h->shard.set_time_held(false);
  const std::string made = h->Run("SESSION.CREATE", "web", "ana");
  ASSERT_NE(made.find("handle"), std::string::npos) << made;
  h->shard.set_time_held(true);
  EXPECT_EQ(Send({"FLUSHALL"}), "");
  EXPECT_EQ(Value("k"), "none");
  EXPECT_EQ(Value("k", 3), "none");
  EXPECT_NE(h->Run("SESSION.LIST", "web", "ana").find("handle"), std::string::npos);
  EXPECT_NE(Send({"SESSION.REVOKEALL", "web"}), "");
}

TEST_F(ShardTargetTest, ReadsChangeNothing) {
  const uint64_t records = h->Records();
  EXPECT_EQ(Send({"GET", "k"}), "");
  EXPECT_EQ(Send({"SCRIPT", "LOAD", "return 1"}), "");
  EXPECT_EQ(Send({"PFCOUNT", "k"}), "");
  EXPECT_EQ(h->Records(), records);
}

TEST_F(ShardTargetTest, RefusesWhatItDoesNotKnow) {
  for (const auto& [words, reported] :
       std::vector<std::pair<std::vector<std::string_view>, std::string>>{
           {{"ZADD", "z", "1", "m"}, "command ZADD of key z (db 0) is for a type that there is"},
           {{"XGROUP", "CREATE", "x", "g", "$"}, "command XGROUP of key x (db 0)"},
           {{"SORT", "s", "STORE", "d"}, "command SORT of key d (db 0)"},
           {{"JSON.SET", "j", "."}, "command JSON.SET of key j (db 0) is not known here"},
           {{"FUNCTION", "LOAD", "x"}, "command FUNCTION (db 0) is for a type"},
           {{"EVAL", "redis.call()", "0"}, "sends the script of EVAL"},
           {{"RENAME", "none", "k"}, "of key none (db 0) fails here: ERR no such key"},
           {{"SET", "k"}, "of key k (db 0) fails here: ERR wrong number of arguments"}}) {
    Begin();
    Sync();
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string_view word : words) bytes += Words({word}).substr(4);
    Say(bytes);
    EXPECT_NE(error.find(reported), std::string::npos) << error;
    EXPECT_EQ(follower->state(), RedisFollower::State::kStopped);
  }
}

// One that cannot be executed is found before the others are.
TEST_F(ShardTargetTest, RefusesATransactionAsAWhole) {
  const uint64_t records = h->Records();
  Say(Words({"MULTI"}) + Words({"SET", "k", "v"}) + Words({"LPUSH", "l", "x"}) + Words({"EXEC"}));
  EXPECT_NE(error.find("LPUSH of key l"), std::string::npos) << error;
  EXPECT_EQ(Value("k"), "none");
  EXPECT_EQ(h->Records(), records);
}

TEST_F(ShardTargetTest, ADatabaseThatThereIsNot) {
  Send({"SELECT", "16"});
  EXPECT_NE(Send({"SET", "k", "v"}).find("needs more than 16 databases"), std::string::npos);
}

// What was overwritten by something of another type must not stay as it was.
TEST_F(ShardTargetTest, SkippingKeepsNothingThatIsStale) {
  Skip();
  const auto again = [this] { EXPECT_EQ(Send({"SET", "k", "v"}), ""); };
  again();
  EXPECT_EQ(Send({"ZUNIONSTORE", "k", "1", "z"}), "");
  EXPECT_EQ(Value("k"), "none");
  again();
  EXPECT_EQ(Send({"RENAME", "list", "k"}), "");
  EXPECT_EQ(Value("k"), "none");
  again();
  EXPECT_EQ(Send({"COPY", "list", "k", "REPLACE"}), "");
  EXPECT_EQ(Value("k"), "none");
  again();
  EXPECT_EQ(Send({"SETBIT", "k", "1", "1"}), "");
  EXPECT_EQ(Value("k"), "none");
  again();
  EXPECT_EQ(Send({"LPUSH", "other", "x"}), "");
  EXPECT_EQ(Send({"LPUSH", "other", "y"}), "");
  EXPECT_EQ(Value("k"), "string v");
  EXPECT_EQ(Send({"HSET", "h", "f", "1", "g", "2"}), "");
  EXPECT_EQ(Send({"HPEXPIREAT", "h", "99999999999999", "FIELDS", "1", "f"}), "");
  EXPECT_EQ(Value("h"), "hash g=2");
  EXPECT_EQ(target->passed_over().commands, 7U);
  EXPECT_EQ(target->passed_over().by_name.at("LPUSH"), 2U);
  EXPECT_NE(Send({"EVAL", "x", "0"}), "") << "of a script nobody knows what it changes";
}

}  // namespace
}  // namespace cloakroom
