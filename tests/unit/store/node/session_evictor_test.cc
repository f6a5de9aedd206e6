#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/node/evictor.h"
#include "store/op/session_op.h"
#include "store/table/session_space.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "tests/unit/store/node/evictor_fixture.h"

namespace cloakroom {
namespace {

/// The policy sessions-anonymous-first.
class SessionEvictorTest : public EvictorTest {
 protected:
  std::string Create(std::string_view user) {
    SessionRequest request;
    request.ns = "shop";
    request.user = user;
    const auto made = CreateSession(space(), request, shard.now(), random, batch);
    EXPECT_TRUE(made);
    shard.Commit(batch);
    return made->token;
  }
  void Get(const std::string& token, bool note_use = true) {
    EXPECT_TRUE(OpenSession(space(), token, true, true, shard.now(), batch, note_use));
    shard.Commit(batch);
  }
  [[nodiscard]] SessionSpace::TokenState State(const std::string& token) {
    return space().Find(KeyOfToken(token), shard.now()).state;
  }
  [[nodiscard]] bool Lives(const std::string& token) {
    return State(token) == SessionSpace::TokenState::kLive;
  }
  void SetTombstone(TimeMs tombstone_ms) {
    SessionPolicy policy;
    policy.tombstone_ms = tombstone_ms;
    Add(batch, SessionPolicyOp{"shop", policy});
    shard.Commit(batch);
  }
  [[nodiscard]] const SessionSpace& space() { return shard.keys().sessions(); }
  [[nodiscard]] uint64_t Evicted() { return space().CountersOf(nullptr).evicted; }
  /// Lowers the limit byte by byte until so many sessions are gone.
  void Evict(uint64_t count) {
    for (int i = 0; i < 100'000 && Evicted() < count; ++i) {
      options.limit_bytes = shard.Measure().Counted() - 1;
      SetPolicy(EvictionPolicy::kSessionsAnonymousFirst);
      (void)shard.MakeRoom();
    }
    EXPECT_GE(Evicted(), count);
  }
};

// Reading a session is a use of it, although most reads move no deadline and log nothing.
TEST_F(SessionEvictorTest, WhatIsReadStays) {
  SetTombstone(0);
  std::vector<std::string> read;
  for (int i = 0; i < 50; ++i) read.push_back(Create(""));
  for (int i = 0; i < 500; ++i) (void)Create("");
  options.limit_bytes = shard.Measure().Counted() + 20'000;
  SetPolicy(EvictionPolicy::kSessionsAnonymousFirst);
  for (int i = 0; i < 8000; ++i) {
    if (i % 400 == 0) {
      Advance(1000);
      const uint64_t last = shard.log().last();
      for (const std::string& token : read) Get(token);
      EXPECT_EQ(shard.log().last(), last) << "no slide is due";
    }
    (void)Create("");
    EXPECT_TRUE(shard.MakeRoom());
  }
  EXPECT_GT(Evicted(), 7000U);
  size_t left = 0;
  for (const std::string& token : read) left += Lives(token) ? 1 : 0;
  EXPECT_GE(left, 48U);
}

// NOTOUCH, of the command and of the client, is no use.
TEST_F(SessionEvictorTest, WhatIsReadWithoutTouchingGoesFirst) {
  SetTombstone(0);
  const std::string read = Create("");
  const std::string touched = Create("");
  for (int i = 0; i < 1000; ++i) (void)Create("ana" + std::to_string(i));
  Advance(10'000);
  Get(read, false);
  Get(touched);
  Evict(1);
  EXPECT_FALSE(Lives(read));
  EXPECT_TRUE(Lives(touched));
}

// However few they are among the others, they go by last use.
TEST_F(SessionEvictorTest, TheFewGoInOrder) {
  SetTombstone(0);
  for (int i = 0; i < 2000; ++i) (void)Create("ana" + std::to_string(i));
  std::vector<std::string> few;
  for (int i = 0; i < 40; ++i) {
    Advance(10);
    few.push_back(Create(""));
  }
  for (const size_t gone : {8U, 20U, 39U}) {
    Evict(gone);
    const size_t evicted = Evicted();
    for (size_t i = 0; i < few.size(); ++i) EXPECT_EQ(Lives(few[i]), i >= evicted) << i;
  }
}

// A search among very many goes on from turn to turn, and none of them is long.
TEST_F(SessionEvictorTest, ALongSearchIsDoneInSlices) {
  for (int i = 0; i < 60'000; ++i) (void)Create("ana" + std::to_string(i));
  for (int i = 0; i < 3; ++i) (void)Create("");
  options.limit_bytes = shard.Measure().Counted() - 10'000;
  options.eviction = {
      .policy = EvictionPolicy::kSessionsAnonymousFirst, .samples = 5, .tenacity = 10};
  shard.SetMemoryOptions(options);
  clock.tick = 100;
  int turns = 0;
  for (; !shard.evictor().IsStuck() && turns < 10'000; ++turns) {
    shard.BeginTurn();
    const int64_t began_us = clock.MonotonicUs();
    (void)shard.MakeRoom();
    EXPECT_LE(clock.MonotonicUs() - began_us, 1000);
  }
  EXPECT_GT(turns, 10);
  EXPECT_EQ(Evicted(), 3U);
}

// What a flood leaves behind must not take the place of the living: beyond a part of the limit an
// evicted session leaves no tombstone, and the op says so, for replicas and the log.
TEST_F(SessionEvictorTest, TombstonesOfAFloodTakeAPartOfTheLimit) {
  (void)Create("");
  options.limit_bytes = shard.Measure().Counted() + 1'000'000;
  SetPolicy(EvictionPolicy::kSessionsAnonymousFirst);
  for (int i = 0; i < 40'000; ++i) {
    (void)Create(i % 100 == 0 ? "ana" + std::to_string(i) : "");
    ASSERT_TRUE(shard.MakeRoom()) << i;
  }
  EXPECT_GT(Evicted(), 20'000U);
  EXPECT_TRUE(WithinLimit());
  EXPECT_LE(space().TombstoneBytes(), options.limit_bytes / 16 + 64);
  EXPECT_GT(space().TombstoneBytes(), options.limit_bytes / 17);
  EXPECT_EQ(space().Inconsistencies(), std::vector<std::string>());
  Advance(61'000);
  for (bool more = true; more;) more = !shard.Sweep(1000);
  EXPECT_EQ(space().TombstoneBytes(), 0U);
}

// The token of an application is remembered where one of ours no longer is.
TEST_F(SessionEvictorTest, ForeignTokensAreRememberedLonger) {
  for (int i = 0; i < 10'000; ++i) Put("fill" + std::to_string(i));
  for (int i = 0; i < 4000; ++i) (void)Create("");
  SessionRequest request;
  request.ns = "shop";
  Advance(1);
  std::vector<std::string> foreign;
  for (int i = 0; i < 100; ++i) {
    foreign.push_back("an-applications-own-token-" + std::to_string(i));
    const auto put = PutSession(space(), foreign.back(), request, {}, shard.now(), random, batch);
    ASSERT_TRUE(put);
    shard.Commit(batch);
  }
  Evict(4100);
  size_t remembered = 0;
  for (const std::string& token : foreign)
    remembered += State(token) == SessionSpace::TokenState::kEnded ? 1 : 0;
  EXPECT_EQ(remembered, foreign.size());
  EXPECT_LT(space().TombstoneBytes(), 64U * 4000);
}

}  // namespace
}  // namespace cloakroom
