// A primary's feed and a replica's session, with the bytes between them in our hands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/keyspace_dump.h"
#include "tests/support/seeds.h"
#include "tests/unit/store/replication/pair_fixture.h"

namespace cloakroom {
namespace {

using testing::HasSubstr;

constexpr uint64_t kLarge = 8 << 20;

void ExpectEqual(TestPrimary& primary, TestReplica& replica) {
  EXPECT_EQ(replica.header.sequence, primary.log().last());
  EXPECT_EQ(DumpKeyspace(*replica.keys, primary.now()),
            DumpKeyspace(primary.player.log.keys, primary.now()));
}

TEST(PairTest, AReplicaWithoutStateGetsAnImageAndWhatFollows) {
  TestPrimary primary(1, kLarge);
  TestReplica replica;
  primary.Play(200);
  TestLink link(primary, replica);
  link.Settle();
  EXPECT_EQ(link.error, "");
  EXPECT_EQ(replica.full_syncs, 1);
  EXPECT_GT(replica.loaded, 0U);
  ExpectEqual(primary, replica);
  primary.Play(100);
  link.Settle();
  EXPECT_EQ(replica.applied, 100U);
  ExpectEqual(primary, replica);
}

// Whoever comes back gets what he missed, and nothing else.
TEST(PairTest, AReplicaThatComesBackGoesOn) {
  TestPrimary primary(2, kLarge);
  TestReplica replica;
  primary.Play(50);
  {
    TestLink link(primary, replica);
    link.Settle();
  }
  primary.Play(70);
  TestLink again(primary, replica);
  again.Settle();
  EXPECT_EQ(replica.full_syncs, 1);
  EXPECT_EQ(replica.continued, 1);
  EXPECT_EQ(replica.applied, 70U);
  ExpectEqual(primary, replica);
}

// What memory has forgotten is read from the log on disk.
TEST(PairTest, WhatIsNotInMemoryComesFromTheDisk) {
  WalMachine machine(4);
  TestPrimary primary(3, 4000);
  primary.StartLog(machine);
  TestReplica replica;
  primary.Play(20);
  {
    TestLink link(primary, replica);
    link.Settle();
  }
  for (int i = 0; i < 20; ++i) primary.Play(40);
  ASSERT_GT(primary.log().first(), replica.header.sequence + 1);
  ASSERT_GT(machine.log->writer().segments(), 2U);
  TestLink again(primary, replica);
  again.Settle();
  EXPECT_EQ(again.error, "");
  EXPECT_EQ(replica.full_syncs, 1);
  EXPECT_EQ(replica.applied, 800U);
  EXPECT_GT(primary.wakes, 0);
  ExpectEqual(primary, replica);
}

TEST(PairTest, WhatIsNowhereMakesAFullSync) {
  TestPrimary primary(4, 2000);
  TestReplica replica;
  primary.Play(20);
  {
    TestLink link(primary, replica);
    link.Settle();
  }
  primary.Play(500);
  TestLink again(primary, replica);
  again.Settle();
  EXPECT_EQ(replica.full_syncs, 2);
  ExpectEqual(primary, replica);
}

// A former primary has records that its successor never had; a replica of another history has
// numbers that mean something else.
TEST(PairTest, WhoHasOtherRecordsGetsAllAnew) {
  TestPrimary primary(5, kLarge);
  TestReplica replica;
  primary.Play(50);
  {
    TestLink link(primary, replica);
    link.Settle();
  }
  primary.Play(20);
  primary.lineage_.Add({NamedHistory('b'), 2, 41});  // it was promoted behind record 40
  {
    TestLink link(primary, replica);
    link.Settle();
    EXPECT_EQ(replica.full_syncs, 2);
    ExpectEqual(primary, replica);
  }
  replica.lineage = Lineage::Of(NamedHistory('x'), 9);
  TestLink link(primary, replica);
  link.Settle();
  EXPECT_EQ(replica.full_syncs, 3);
  ExpectEqual(primary, replica);
}

TEST(PairTest, AFullSyncWaitsForTheImageUnderWay) {
  TestPrimary primary(6, kLarge);
  TestReplica replica;
  primary.Play(50);
  primary.image_taken = true;
  TestLink link(primary, replica);
  link.Settle();
  EXPECT_EQ(link.feed.state(), PrimaryFeed::State::kWaiting);
  primary.image_taken = false;
  primary.Play(10);
  link.Settle();
  ExpectEqual(primary, replica);
}

TEST(PairTest, WhatIsPublishedComesBetweenTheRecords) {
  TestPrimary primary(7, kLarge);
  TestReplica replica;
  TestLink link(primary, replica);
  link.feed.AppendPublished(link.to_replica, {"early", "lost"});
  link.Settle();
  primary.Play(3);
  link.Settle();
  link.feed.AppendPublished(link.to_replica, {"news", "hello"});
  link.Settle();
  EXPECT_EQ(replica.heard, "news:hello@3 ");
}

TEST(PairTest, AReplicaSaysHowFarItHasCome) {
  TestPrimary primary(8, kLarge);
  TestReplica replica;
  primary.Play(5);
  TestLink link(primary, replica);
  link.Settle();
  AppendAck(link.to_primary, {.applied = 5, .disk = 3});
  link.Settle();
  EXPECT_EQ(link.feed.ack().applied, 5U);
  EXPECT_EQ(link.feed.ack().disk, 3U);
  EXPECT_EQ(link.feed.hello().port, 7002);
}

/// What a session says to `message` behind the records that the replica has.
std::string SaysTo(TestReplica& replica, const std::string& message) {
  TestPrimary primary(9, kLarge);
  primary.Play(10);
  TestLink link(primary, replica);
  link.Settle();
  EXPECT_EQ(link.error, "");
  link.session.Receive(message);
  std::string out;
  const Result<bool> more = link.session.Step(SIZE_MAX, out);
  return more ? "" : more.error().message;
}

TEST(PairTest, ARecordMustFollowTheOneBefore) {
  const auto says_to = [](uint64_t sequence, uint64_t epoch, TimeMs time_ms) {
    TestReplica replica;
    std::string message;
    AppendRecord(message, {sequence, epoch, time_ms}, "");
    return SaysTo(replica, message);
  };
  constexpr TimeMs kLater = 1'800'000'000'000;
  EXPECT_EQ(says_to(11, 1, kLater), "");
  EXPECT_THAT(says_to(12, 1, kLater), HasSubstr("record 12 follows 10"));
  EXPECT_THAT(says_to(10, 1, kLater), HasSubstr("record 10 follows 10"));
  EXPECT_THAT(says_to(11, 0, kLater), HasSubstr("an old primary"));
  EXPECT_THAT(says_to(11, 1, 5), HasSubstr("older than the one before"));
}

TEST(PairTest, APrimaryThatRefusesIsQuoted) {
  TestReplica replica;
  std::string out;
  ReplicaSession session(replica, {.user = "", .password = "secret"}, out);
  EXPECT_EQ(out, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
  session.Receive("+OK\r\n");
  ASSERT_TRUE(session.Step(SIZE_MAX, out).has_value());
  EXPECT_THAT(out, HasSubstr("REPLICATE"));
  session.Receive("-ERR unknown command 'REPLICATE', with args beginning with: '1' \r\n");
  const Result<bool> more = session.Step(SIZE_MAX, out);
  ASSERT_FALSE(more.has_value());
  EXPECT_THAT(more.error().message, HasSubstr("unknown command"));
  EXPECT_TRUE(session.is_redis());
}

// Connections end anywhere, records come meanwhile, memory forgets: in the end both are the same.
TEST(PairTest, WhereverConnectionsEndBothBecomeTheSame) {
  for (uint64_t seed = 1; seed <= SeedCount(60); ++seed) {
    SeededRandom random(seed);
    const auto below = [&random](uint64_t bound) { return random.Draw() % bound; };
    WalMachine machine(seed);
    TestPrimary primary(seed, 1000 + below(30'000));
    if (below(3) > 0) primary.StartLog(machine);
    TestReplica replica;
    for (int connection = 0; connection < 6; ++connection) {
      primary.Play(below(60));
      TestLink link(primary, replica);
      for (uint64_t steps = below(200); steps > 0; --steps) {
        link.Carry(1 + below(600), 1 + below(5000));
        if (below(4) == 0) primary.Play(1 + below(3));
        ASSERT_TRUE(link.error.empty() || primary.disk == nullptr) << seed << ": " << link.error;
      }
    }
    TestLink last(primary, replica);
    last.Settle();
    ASSERT_EQ(last.error, "") << "seed " << seed;
    ExpectEqual(primary, replica);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace cloakroom
