#include "redis_compat/migrate/redis_follower.h"

#include "tests/unit/redis_compat/migrate/follow_fixture.h"

namespace cloakroom {
namespace {

using State = RedisFollower::State;

const std::string kHandshake = Words({"REPLCONF", "listening-port", "7000"}) +
                               Words({"REPLCONF", "capa", "eof", "capa", "psync2"});

TEST_F(FollowTest, ShakesHandsAsAReplicaOfRedisDoes) {
  Connect();
  EXPECT_EQ(Sent(), "*1\r\n$4\r\nPING\r\n");
  Say("+PONG\r\n");
  EXPECT_EQ(Sent(), kHandshake);
  Say("+OK\r\n");
  EXPECT_EQ(Sent(), "");
  Say("+OK\r\n");
  EXPECT_EQ(Sent(), Words({"PSYNC", "?", "-1"}));
}

TEST_F(FollowTest, SendsUserPasswordAndAddress) {
  RedisFollower::Options options;
  options.user = "ana";
  options.password = "secret";
  options.announce_ip = "10.0.0.7";
  Begin(true, options);
  Connect();
  static_cast<void>(Sent());
  Say("-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(Sent(), Words({"AUTH", "ana", "secret"}) +
                        Words({"REPLCONF", "listening-port", "7000"}) +
                        Words({"REPLCONF", "ip-address", "10.0.0.7"}) +
                        Words({"REPLCONF", "capa", "eof", "capa", "psync2"}));
  // A primary that does not know an option is followed all the same.
  Say("+OK\r\n+OK\r\n-ERR Unrecognized REPLCONF option: ip-address\r\n+OK\r\n");
  EXPECT_EQ(Sent(), Words({"PSYNC", "?", "-1"}));
  Disconnect();
  follower->SetAuth("", "other");
  Connect();
  Say("+PONG\r\n");
  EXPECT_NE(Sent().find(Words({"AUTH", "other"})), std::string::npos);
}

// Each is the primary's own word, and another try may find it otherwise.
TEST_F(FollowTest, ReportsWhatThePrimaryRefuses) {
  const std::string hands = "+PONG\r\n+OK\r\n+OK\r\n";
  for (const auto& [said, reported] : std::vector<std::pair<std::string, std::string>>{
           {"-LOADING Redis is loading\r\n", "answers PING with: LOADING Redis is loading"},
           {hands + "-NOMASTERLINK Can't SYNC\r\n", "cannot be followed yet: NOMASTERLINK Can't"},
           {hands + "-LOADING wait\r\n", "cannot be followed yet: LOADING wait"},
           {hands + "-NOAUTH Authentication required.\r\n", "refuses PSYNC: NOAUTH Authentication"},
           {hands + "-ERR unknown command\r\n", "refuses PSYNC: ERR unknown command"},
           {hands + "+CONTINUE\r\n", "goes on where nothing was begun"},
           {hands + "+FULLRESYNC short 5\r\n", "answers PSYNC with: FULLRESYNC short 5"},
           {hands + "+FULLRESYNC " + kHistory + " 5\r\n-ERR no fork\r\n", "gave the full sync up"},
           {hands + "+FULLRESYNC " + kHistory + " 5\r\n$EOF:short\r\n", "begins a dump with"},
           {std::string(9000, 'x'), "a line of more than 8192 bytes"}}) {
    Connect();
    Say(said);
    EXPECT_NE(error.find(reported), std::string::npos) << error;
    EXPECT_EQ(follower->state(), State::kDown);
    Disconnect();
  }
  RedisFollower::Options options;
  options.password = "wrong";
  Begin(true, options);
  Connect();
  Say("+PONG\r\n-WRONGPASS invalid username-password pair\r\n");
  EXPECT_NE(error.find("masterauth: WRONGPASS invalid"), std::string::npos) << error;
}

/// The whole life of a connection: newlines while the dump is prepared, the dump, the stream.
std::string Life(const std::string& dump) {
  return "+PONG\r\n+OK\r\n+OK\r\n\n\n+FULLRESYNC " + kHistory + " 100\r\n\n\n" + dump +
         Words({"SELECT", "2"}) + Words({"SET", "a", "1"}) + Words({"PING"}) + Words({"MULTI"}) +
         Words({"INCR", "a"}) + Words({"SELECT", "3"}) + Words({"HSET", "h", "f", "v"}) +
         Words({"PUBLISH", "c", "m"}) + Words({"EXEC"}) + Words({"REPLCONF", "GETACK", "*"}) +
         Words({"DEL", "gone"});
}

// However the bytes are torn, the same comes of them.
TEST_F(FollowTest, FollowsAStreamThatIsCutAnywhere) {
  RdbBytes items = OneKey("k", "v");
  items.Byte(0).String("gone").String("x");
  items.Byte(254).Length(1).Byte(4).String("hash").Length(1).String("f").String("w");
  for (const std::string& dump : {SizedDump(items), MarkedDump(items)}) {
    const std::string life = Life(dump);
    const size_t stream = life.find(Words({"SELECT", "2"}));
    const uint64_t before_ack = 100 + life.find(Words({"REPLCONF", "GETACK", "*"})) - stream;
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{64}, SIZE_MAX}) {
      Begin();
      published.clear();
      Connect();
      Say(life, piece);
      ASSERT_EQ(error, "");
      EXPECT_EQ(Value("k"), "string v");
      EXPECT_EQ(Value("hash", 1), "hash f=w");
      EXPECT_EQ(Value("a", 2), "string 2");
      EXPECT_EQ(Value("h", 3), "hash f=v");
      EXPECT_EQ(Value("gone", 3), "none");
      EXPECT_EQ(published, "c=m;");
      EXPECT_EQ(follower->offset(), 100 + life.size() - stream);
      EXPECT_EQ(Sent(), Words({"PING"}) + kHandshake + Words({"PSYNC", "?", "-1"}) + Ack(100) +
                            Ack(before_ack));
      EXPECT_EQ(follower->counters().full_syncs, 1U);
    }
    // And at every single place.
    for (size_t cut = 1; cut < life.size(); ++cut) {
      Begin();
      Connect();
      Say(life.substr(0, cut));
      Say(life.substr(cut));
      ASSERT_EQ(error, "") << "cut at " << cut;
      ASSERT_EQ(Value("a", 2), "string 2") << "cut at " << cut;
      ASSERT_EQ(follower->offset(), 100 + life.size() - stream);
    }
  }
}

// A transaction is one record, and nobody sees a part of it.
TEST_F(FollowTest, MakesOneRecordOfATransaction) {
  Sync();
  const uint64_t records = h->Records();
  Say(Words({"MULTI"}) + Words({"SET", "a", "1"}) + Words({"SET", "b", "2"}));
  EXPECT_EQ(h->Records(), records);
  EXPECT_EQ(Value("a"), "none");
  EXPECT_EQ(follower->offset(), 100U) << "it will be sent again, from MULTI on";
  Say(Words({"EXEC"}));
  EXPECT_EQ(h->Records(), records + 1);
  EXPECT_EQ(Value("b"), "string 2");
}

// It goes on at the byte behind the last that was executed, wherever the connection broke.
TEST_F(FollowTest, GoesOnWhereItWasCut) {
  const std::string stream = Words({"SELECT", "1"}) + Words({"INCR", "n"}) + Words({"MULTI"}) +
                             Words({"SELECT", "2"}) + Words({"INCR", "n"}) + Words({"EXEC"}) +
                             Words({"INCR", "n"});
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    Begin();
    Sync();
    Say(stream.substr(0, cut));
    Disconnect();
    ShakeHands();
    const std::string asked = Sent();
    const size_t at = static_cast<size_t>(follower->offset()) - 100;
    EXPECT_TRUE(asked.ends_with(Words({"PSYNC", kHistory, std::to_string(101 + at)}))) << asked;
    Say("+CONTINUE\r\n" + stream.substr(at));
    ASSERT_EQ(error, "");
    EXPECT_EQ(Value("n", 1), "string 1") << "cut at " << cut;
    EXPECT_EQ(Value("n", 2), "string 2") << "cut at " << cut;
    EXPECT_EQ(follower->offset(), 100 + stream.size());
    EXPECT_EQ(follower->counters().partial_syncs, 1U);
  }
}

// After a failover of the primary its history has a new name.
TEST_F(FollowTest, TakesOverTheNewNameOfAHistory) {
  Sync();
  Disconnect();
  ShakeHands();
  const std::string other(40, 'b');
  Say("+CONTINUE " + other + "\r\n");
  Disconnect();
  ShakeHands();
  EXPECT_TRUE(Sent().ends_with(Words({"PSYNC", other, "101"})));
}

TEST_F(FollowTest, BeginsAnewWhenThePrimaryCannotGoOn) {
  Sync(OneKey("old", "v"));
  Disconnect();
  ShakeHands();
  EXPECT_EQ(Value("old"), "string v") << "served until there is something newer";
  Say("+FULLRESYNC " + std::string(40, 'b') + " 7\r\n");
  EXPECT_EQ(Value("old"), "string v");
  EXPECT_FALSE(h->shard.loading());
  Say(MarkedDump(OneKey("new", "v")));
  EXPECT_EQ(Value("old"), "none");
  EXPECT_EQ(Value("new"), "string v");
  EXPECT_EQ(follower->offset(), 7U);
  EXPECT_EQ(follower->replication_id(), std::string(40, 'b'));
}

// Nobody may take a part of a state for the state.
TEST_F(FollowTest, ABrokenFullSyncLeavesNothing) {
  const std::string dump = SizedDump(OneKey("k", "v").Byte(0).String("k2").String("v"));
  Sync(OneKey("old", "v"));
  Disconnect();
  ShakeHands();
  Say("+FULLRESYNC " + kHistory + " 500\r\n" + dump.substr(0, dump.size() - 1));
  EXPECT_TRUE(h->shard.loading());
  Disconnect();
  EXPECT_TRUE(h->shard.loading()) << "it is tried again";
  EXPECT_EQ(h->shard.keys().Size(0), 0U);
  ShakeHands();
  EXPECT_TRUE(Sent().ends_with(Words({"PSYNC", "?", "-1"})));
  Say("+FULLRESYNC " + kHistory + " 500\r\n" + dump);
  EXPECT_FALSE(h->shard.loading());
  EXPECT_EQ(h->shard.keys().Size(0), 2U);
}

TEST_F(FollowTest, ADamagedDumpIsTriedAgain) {
  std::string dump = SizedDump(OneKey("k", "v"));
  for (size_t at = dump.find("REDIS"); at < dump.size(); ++at) {
    Begin();
    ShakeHands();
    std::string damaged = dump;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    Say("+FULLRESYNC " + kHistory + " 5\r\n" + damaged);
    EXPECT_NE(follower->state(), State::kStream) << "byte " << at;
    follower->Disconnected();
    EXPECT_EQ(h->shard.keys().Size(0), 0U);
  }
  Begin();
  ShakeHands();
  std::string wrong_mark = MarkedDump({});
  wrong_mark.back() = 'x';
  Say("+FULLRESYNC " + kHistory + " 5\r\n" + wrong_mark);
  EXPECT_NE(error.find("is not as announced"), std::string::npos) << error;
  EXPECT_EQ(follower->state(), State::kDown);
}

TEST_F(FollowTest, RefusesADumpWithWhatThereIsNoTypeFor) {
  RdbBytes items = OneKey("k", "v");
  items.Byte(1).String("list").Length(1).String("x");
  items.Byte(1).String("list2").Length(1).String("x").Byte(0).String("k2").String("v");
  ShakeHands();
  Say("+FULLRESYNC " + kHistory + " 5\r\n" + SizedDump(items));
  EXPECT_EQ(error,
            "the primary holds what there is no type for here: 2 of type list: list (db 0, list), "
            "list2 (db 0, list). Nothing was taken over; option import-other-types skip leaves it "
            "out");
  EXPECT_EQ(follower->state(), State::kStopped);
  EXPECT_EQ(follower->stop_reason(), error);
  EXPECT_EQ(h->shard.keys().Size(0), 0U) << "nothing half";
  EXPECT_FALSE(h->shard.loading());
}

TEST_F(FollowTest, RefusesAnythingElseThatWouldBeLost) {
  RdbBytes functions = RdbBytes{}.Byte(245).String("#!lua name=l");
  RdbBytes database = RdbBytes{}.Byte(254).Length(99).Byte(0).String("k").String("v");
  for (const auto& [items, reported] : std::vector<std::pair<RdbBytes, std::string>>{
           {functions, "1 libraries of functions"},
           {database, "database 99, must be below 16 (option databases)"}}) {
    Begin();
    ShakeHands();
    Say("+FULLRESYNC " + kHistory + " 5\r\n" + SizedDump(items));
    EXPECT_NE(error.find(reported), std::string::npos) << error;
    EXPECT_EQ(follower->state(), State::kStopped);
  }
}

TEST_F(FollowTest, PassesOverWhatItIsToldTo) {
  Begin(/*refuse=*/false);
  RdbBytes items = OneKey("k", "v");
  items.Byte(1).String("list").Length(1).String("x").Byte(0).String("k2").String("v");
  Sync(items);
  EXPECT_EQ(h->shard.keys().Size(0), 2U);
  EXPECT_EQ(target->passed_over().keys, 1U);
  EXPECT_EQ(target->passed_over().description, "1 of type list: list (db 0, list)");
}

// The primary of a primary has a database selected when the dump is made.
TEST_F(FollowTest, BeginsInTheDatabaseThatTheDumpNames) {
  RdbBytes items;
  items.Byte(250).String("repl-stream-db").String("4");
  Sync(items);
  Say(Words({"SET", "k", "v"}));
  EXPECT_EQ(Value("k", 4), "string v");
}

TEST_F(FollowTest, ACommandThatCannotBeExecutedEndsIt) {
  Sync();
  Say(Words({"SET", "k", "v"}) + Words({"LPUSH", "l", "x"}) + Words({"SET", "k", "w"}));
  EXPECT_EQ(error,
            "the primary's command LPUSH of key l (db 0) is for a type that there is not here "
            "(list); option import-other-types skip leaves such out");
  EXPECT_EQ(follower->state(), State::kStopped);
  EXPECT_EQ(Value("k"), "string v");
}

TEST_F(FollowTest, AStreamThatIsNoneAsksForAllAnew) {
  for (const std::string& said : {std::string("*x\r\n"), Words({"EXEC"}), Words({"SELECT", "x"}),
                                  Words({"MULTI"}) + Words({"MULTI"}), Words({"PUBLISH", "c"})}) {
    Begin();
    Sync();
    Say(said);
    EXPECT_NE(error.find("of the stream"), std::string::npos) << error;
    EXPECT_EQ(follower->state(), State::kDown);
    Disconnect();
    ShakeHands();
    EXPECT_TRUE(Sent().ends_with(Words({"PSYNC", "?", "-1"})));
  }
}

TEST_F(FollowTest, SaysHowFarItIs) {
  Sync();
  h->clock.Advance(50);
  Say(Words({"SET", "k", "v"}));
  follower->CaughtUp(Now());
  EXPECT_EQ(Sent(), "") << "not so often";
  h->clock.Advance(60);
  follower->CaughtUp(Now());
  EXPECT_EQ(Sent(), Ack(100 + Words({"SET", "k", "v"}).size()));
  h->clock.Advance(1000);
  follower->CaughtUp(Now());
  EXPECT_EQ(Sent(), "") << "that is no news";
  EXPECT_TRUE(follower->Tick(Now()).has_value());
  EXPECT_EQ(Sent(), Ack(100 + Words({"SET", "k", "v"}).size())) << "but that we live is";
}

TEST_F(FollowTest, ASilentPrimaryIsGivenUp) {
  Sync();
  h->clock.Advance(60'000);
  EXPECT_TRUE(follower->Tick(Now()).has_value());
  h->clock.Advance(1);
  const Result<void> ticked = follower->Tick(Now());
  ASSERT_FALSE(ticked.has_value());
  EXPECT_EQ(ticked.error().message, "the primary has said nothing for 60 s");
  Disconnect();
  // While the dump is prepared, newlines are enough; and during it we say that we live.
  ShakeHands();
  for (int i = 0; i < 10; ++i) {
    h->clock.Advance(30'000);
    Say("\n");
    EXPECT_TRUE(follower->Tick(Now()).has_value());
  }
  static_cast<void>(Sent());
  Say("+FULLRESYNC " + kHistory + " 5\r\n$100\r\nREDIS");
  EXPECT_TRUE(follower->Tick(Now()).has_value());
  EXPECT_EQ(Sent(), "\n");
}

}  // namespace
}  // namespace cloakroom
