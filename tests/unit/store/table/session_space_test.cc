#include "store/table/session_space.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "store/types/policy.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/session_shard.h"

namespace cloakroom {
namespace {

class SessionSpaceTest : public ::testing::Test {
 protected:
  MintedSession Create(std::string_view user, std::string_view ns = "shop") {
    SessionRequest request;
    request.ns = ns;
    request.user = user;
    auto made = CreateSession(shard.space, request, shard.now, shard.random, shard.batch);
    EXPECT_TRUE(made.has_value());
    shard.Commit();
    return *made;
  }
  size_t RevokeAll(std::string_view user, const std::string& except = "") {
    NamedSession named;
    if (!except.empty())
      named = NameSession(shard.space, "shop", user, except, true, shard.now, shard.batch);
    const size_t ended = RevokeUser(shard.space, "shop", user, named, shard.now, shard.batch);
    shard.Commit();
    return ended;
  }
  bool Lives(std::string_view token) const {
    return shard.space.Find(KeyOfToken(token), shard.now).state == SessionSpace::TokenState::kLive;
  }
  const Namespace& Ns(std::string_view name = "shop") { return *shard.space.FindNamespace(name); }
  size_t Entries() const {
    size_t entries = 0;
    shard.space.ForEachEntry([&](const Entry&) { ++entries; });
    return entries;
  }
  void ExpectConsistent() {
    for (const std::string& wrong : shard.space.Inconsistencies()) ADD_FAILURE() << wrong;
  }

  SessionShard shard;
};

constexpr size_t kMany = 2000;

// A mass end is one small record and is seen whole at once; the memory comes back in slices.
TEST_F(SessionSpaceTest, RevokingManyIsOneRecordSeenAtOnce) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < kMany; ++i) tokens.push_back(Create("crowd").token);
  const std::string other = Create("ana").token;
  const size_t records = shard.log.size();
  EXPECT_EQ(RevokeAll("crowd", tokens[7]), kMany - 1);
  ASSERT_EQ(shard.log.size(), records + 1);
  EXPECT_LT(shard.log.back().second.size(), 100U);

  for (size_t i = 0; i < kMany; ++i) ASSERT_EQ(Lives(tokens[i]), i == 7);
  EXPECT_TRUE(Lives(other));
  EXPECT_EQ(shard.space.CountOfUser(Ns(), "crowd", shard.now), 1U);
  EXPECT_EQ(shard.space.CountsOf(&Ns(), shard.now).live, 2U);
  EXPECT_EQ(shard.space.NewestOfUser(Ns(), "crowd", shard.now, nullptr, kMany).size(), 1U);
  EXPECT_EQ(shard.space.CountersOf(&Ns()).revoked, kMany - 1);

  const std::string after = Create("crowd").token;
  EXPECT_TRUE(Lives(after)) << "a mark covers only what earlier records made";
  const auto lines = SessionShard::Lines(shard.space, shard.now);
  size_t slices = 0;
  while (!shard.space.Sweep(shard.now, 100) && slices < 10 * kMany) ++slices;
  EXPECT_GT(slices, kMany / 200) << "not all at once";
  EXPECT_EQ(SessionShard::Lines(shard.space, shard.now), lines) << "freeing is not seen";
  EXPECT_TRUE(Lives(after) && Lives(tokens[7]) && Lives(other));
  ExpectConsistent();
}

TEST_F(SessionSpaceTest, RevokingANamespaceSparesTheOthers) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < kMany; ++i) tokens.push_back(Create(i % 2 ? "crowd" : "").token);
  const std::string other = Create("crowd", "blog").token;
  EXPECT_EQ(RevokeNamespace(shard.space, "shop", shard.now, shard.batch), kMany);
  shard.Commit();
  for (const std::string& token : tokens) ASSERT_FALSE(Lives(token));
  EXPECT_TRUE(Lives(other));
  EXPECT_EQ(shard.space.CountsOf(&Ns(), shard.now).live, 0U);
  EXPECT_EQ(shard.space.CountsOf(&Ns(), shard.now).anonymous, 0U);
  EXPECT_EQ(shard.space.CountOfUser(Ns(), "crowd", shard.now), 0U);
  const std::string after = Create("crowd").token;
  EXPECT_EQ(RevokeNamespace(shard.space, "shop", shard.now, shard.batch), 1U);
  shard.Commit();
  EXPECT_FALSE(Lives(after));
  shard.SweepAll();
  EXPECT_TRUE(Ns().marks.empty()) << "no lookup pays for a mark that is swept";
  ExpectConsistent();
  shard.now += kMinuteMs;
  shard.SweepAll();
  EXPECT_EQ(Entries(), 1U) << "tombstones go at their time";
}

// A cap that comes late: what it ends is told in one small record, is seen at once, and is freed in
// slices. A replica that has the user's sessions in another form ends the same ones.
TEST_F(SessionSpaceTest, CapOverManyIsOneSmallRecord) {
  constexpr size_t kCap = 10;
  std::vector<MintedSession> made;
  for (size_t i = 0; i < kMany; ++i) {
    if (i % 3 == 0) shard.now += 1;
    made.push_back(Create("crowd"));
  }
  const size_t records = shard.log.size();
  SessionRequest request;
  request.ns = "shop";
  request.user = "crowd";
  request.cap = SessionCap{kCap, OnLimit::kEvict};
  const auto last = CreateSession(shard.space, request, shard.now, shard.random, shard.batch);
  ASSERT_TRUE(last.has_value());
  shard.Commit();
  ASSERT_EQ(shard.log.size(), records + 1);
  EXPECT_LT(shard.log.back().second.size(), 300U);
  ASSERT_EQ(last->evicted.size(), kEvictedListedMax);
  for (size_t i = 0; i < kEvictedListedMax; ++i) ASSERT_EQ(last->evicted[i], made[i].handle);

  for (size_t i = 0; i < kMany; ++i) ASSERT_EQ(Lives(made[i].token), i > kMany - kCap);
  EXPECT_EQ(shard.space.CountOfUser(Ns(), "crowd", shard.now), kCap);
  EXPECT_EQ(shard.space.CountsOf(&Ns(), shard.now).live, kCap);
  EXPECT_EQ(shard.space.CountersOf(&Ns()).evicted, kMany - kCap + 1);
  ExpectConsistent();
  shard.space.Sweep(shard.now, 100);
  EXPECT_TRUE(
      OpenSession(shard.space, made.back().token, true, true, shard.now + 70'000, shard.batch));
  shard.now += 70'000;
  shard.Commit();  // who is spared may go on, though the mark is still there
  EXPECT_TRUE(Lives(made.back().token));
  EXPECT_FALSE(Lives(made.front().token));
  const auto lines = SessionShard::Lines(shard.space, shard.now);
  shard.SweepAll();
  EXPECT_EQ(SessionShard::Lines(shard.space, shard.now), lines) << "freeing is not seen";
  EXPECT_TRUE(Ns().user_marks.empty());
  ExpectConsistent();
}

// The session that is rotated under a cap stays, however long ago it was used.
TEST_F(SessionSpaceTest, CapOverManySparesTheRotatedOne) {
  std::vector<MintedSession> made;
  for (size_t i = 0; i < 200; ++i) {
    shard.now += 1;
    made.push_back(Create("crowd"));
  }
  RotateRequest request;
  request.cap = SessionCap{5, OnLimit::kEvict};
  const auto next =
      RotateSession(shard.space, made[0].token, request, shard.now, shard.random, shard.batch);
  ASSERT_TRUE(next.has_value());
  shard.Commit();
  EXPECT_EQ(next->evicted.size(), 195U);
  EXPECT_TRUE(Lives(next->token));
  for (size_t i = 1; i < made.size(); ++i) ASSERT_EQ(Lives(made[i].token), i >= 196);
  shard.SweepAll();
  EXPECT_EQ(shard.space.CountOfUser(Ns(), "crowd", shard.now), 5U);
  ExpectConsistent();
}

// Under a large cap those who are over it go by and by, so that no login waits for all of them.
TEST_F(SessionSpaceTest, LargeCapIsReachedByAndBy) {
  for (size_t i = 0; i < kMany; ++i) Create("crowd");
  SessionRequest request;
  request.ns = "shop";
  request.user = "crowd";
  request.cap = SessionCap{kMany / 2, OnLimit::kEvict};
  size_t count = kMany;
  for (int i = 0; i < 10; ++i) {
    const auto made = CreateSession(shard.space, request, shard.now, shard.random, shard.batch);
    ASSERT_TRUE(made.has_value());
    shard.Commit();
    EXPECT_LE(made->evicted.size(), 256U);
    count = std::max(kMany / 2, count + 1 - 256);
    ASSERT_EQ(shard.space.CountOfUser(Ns(), "crowd", shard.now), count);
  }
  ExpectConsistent();
}

// With on a user with many sessions: what is asked of the least recently seen is asked of an
// ordered index, not of all.
TEST_F(SessionSpaceTest, ListsManyInOrderPageByPage) {
  std::vector<MintedSession> made;
  for (size_t i = 0; i < 500; ++i) {
    if (i % 3 == 0) shard.now += 1;
    made.push_back(Create("crowd"));
  }
  std::set<std::string> seen;
  std::string cursor = "0";
  TimeMs last = shard.now;
  do {
    const auto page = ListSessions(shard.space, "shop", "crowd", cursor, 7, shard.now);
    ASSERT_TRUE(page.has_value());
    for (const UserSession& session : page->sessions) {
      EXPECT_LE(session.seen, last);
      last = session.seen;
      EXPECT_EQ(session.handle, made[made.size() - 1 - seen.size()].handle)
          << "of those seen in one millisecond, the newest stands first";
      EXPECT_TRUE(seen.insert(HandleText(session.handle)).second);
    }
    cursor = page->cursor;
  } while (cursor != "0");
  EXPECT_EQ(seen.size(), made.size());
  EXPECT_FALSE(ListSessions(shard.space, "shop", "crowd", "1", 7, shard.now).has_value());
  EXPECT_EQ(shard.space.OldestOfUser(Ns(), "crowd", shard.now, nullptr, 1)[0].seen,
            made[0].deadline - 30 * kMinuteMs);
}

// A user may have as many sessions as an application: what FLUSHALL leaves of them is freed in
// slices too.
TEST_F(SessionSpaceTest, FlushedIndexOfOneUserIsFreedInSlices) {
  constexpr size_t kSlice = 100;
  for (size_t i = 0; i < kMany; ++i) Create("crowd");
  shard.space.FlushAll();
  size_t slices = 1;
  while (!shard.space.Sweep(shard.now, kSlice)) ++slices;
  EXPECT_GE(slices, 2 * kMany / kSlice) << "the sessions, and again their order";
}

// An index grows into its ordered form and back, and the sessions know which.
TEST_F(SessionSpaceTest, IndexChangesFormBothWays) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < 3 * UserIndex::kFewMax; ++i) {
    tokens.push_back(Create("ana").token);
    ExpectConsistent();
  }
  while (!tokens.empty()) {
    const ShownToken token = tokens.back();
    EXPECT_EQ(DestroySessions(shard.space, {&token, 1}, shard.now, shard.batch), 1U);
    shard.Commit();
    tokens.pop_back();
    ExpectConsistent();
    EXPECT_EQ(shard.space.CountOfUser(Ns(), "ana", shard.now), tokens.size());
  }
}

// How long an expired session is remembered was decided when it expired, not when it is freed.
TEST_F(SessionSpaceTest, TombstonesFollowThePolicyOfTheirTime) {
  const MintedSession made = Create("ana");
  SessionShard replica;
  for (size_t i = 0; i < shard.log.size(); ++i)
    SessionShard::Apply(replica.space, i + 1, shard.log[i].first, shard.log[i].second);
  shard.now = made.deadline + 1;
  shard.SweepAll();  // the replica does not
  SessionPolicy policy;
  policy.tombstone_ms = kHourMs;
  Add(shard.batch, SessionPolicyOp{"shop", policy});
  shard.Commit();
  SessionShard::Apply(replica.space, 9, shard.now, shard.log.back().second);
  for (const TimeMs at : {shard.now, made.deadline + kMinuteMs - 1, made.deadline + kMinuteMs}) {
    EXPECT_EQ(SessionShard::Lines(shard.space, at), SessionShard::Lines(replica.space, at));
    EXPECT_EQ(replica.space.Find(KeyOfToken(made.token), at).state,
              at < made.deadline + kMinuteMs ? SessionSpace::TokenState::kEnded
                                             : SessionSpace::TokenState::kUnknown);
  }
}

// At rest there is only slot and hash: neither the log nor the memory of any entry gives a login.
TEST_F(SessionSpaceTest, NoTokenRestsAnywhere) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 20; ++i) {
    tokens.push_back(Create(i % 3 == 0 ? "" : "ana").token);
    RotateRequest graceful;
    graceful.grace_ms = 1000;
    const auto next =
        RotateSession(shard.space, tokens.back(), graceful, shard.now, shard.random, shard.batch);
    ASSERT_TRUE(next.has_value());
    shard.Commit();
    tokens.push_back(next->token);
    const std::string foreign = "Minted.By.Another.Program." + std::to_string(i);
    SessionRequest request;
    request.ns = "shop";
    request.user = "bob";
    ASSERT_TRUE(
        PutSession(shard.space, foreign, request, {}, shard.now, shard.random, shard.batch));
    shard.Commit();
    tokens.push_back(foreign);
    if (i % 4 == 0) {
      const ShownToken gone = tokens.back();
      (void)DestroySessions(shard.space, {&gone, 1}, shard.now, shard.batch);
      shard.Commit();
    }
  }
  RevokeAll("ana", tokens[1]);
  std::string rest;
  for (const auto& [time, bytes] : shard.log) rest += bytes;
  shard.space.ForEachEntry([&](const Entry& entry) {
    rest.append(reinterpret_cast<const char*>(&entry), entry.BlockBytes());
  });
  for (const std::string& line : SessionShard::Lines(shard.space, shard.now)) rest += line;
  // Nor any piece of one; the first characters of a foreign token are all the same.
  constexpr size_t kPiece = 8;
  std::set<std::string_view> pieces;
  for (const std::string& token : tokens)
    for (size_t at = 0; at + kPiece <= token.size(); ++at)
      pieces.insert(std::string_view(token).substr(at, kPiece));
  for (size_t at = 0; at + kPiece <= rest.size(); ++at)
    ASSERT_EQ(pieces.count(std::string_view(rest).substr(at, kPiece)), 0U)
        << rest.substr(at, kPiece);
}

// FLUSHALL is O(1) and gives all memory back by and by; policies stay.
TEST_F(SessionSpaceTest, FlushAllKeepsPoliciesAndGivesMemoryBack) {
  SessionPolicy policy;
  policy.max = 7;
  Add(shard.batch, SessionPolicyOp{"blog", policy});
  shard.Commit();
  const size_t before = shard.space.memory().Total();
  for (size_t i = 0; i < kMany; ++i) Create(i % 2 ? "crowd" : "user" + std::to_string(i));
  RevokeAll("crowd");
  const std::string dead = Create("bob").token;
  shard.space.FlushAll();
  EXPECT_FALSE(Lives(dead));
  EXPECT_EQ(Entries(), 0U);
  EXPECT_EQ(shard.space.CountsOf(nullptr, shard.now).live, 0U);
  EXPECT_EQ(shard.space.PolicyOf(shard.space.FindNamespace("blog")).max, 7U);
  EXPECT_GT(shard.space.memory().Total(), before);
  const std::string fresh = Create("bob").token;
  shard.SweepAll();
  EXPECT_TRUE(Lives(fresh));
  EXPECT_LE(shard.space.memory().block_bytes, 512U);
  ExpectConsistent();
}

// The rows of SESSION.STATS are what happened: nothing is counted twice or lost.
TEST_F(SessionSpaceTest, EverySessionIsAccountedFor) {
  for (size_t i = 0; i < 300; ++i) Create(i % 2 ? "crowd" : "");
  RevokeAll("crowd");
  for (size_t i = 0; i < 100; ++i) Create("crowd");
  shard.now += 15 * kMinuteMs;
  RevokeNamespace(shard.space, "shop", shard.now, shard.batch);
  shard.Commit();
  shard.now += kHourMs;
  for (size_t i = 0; i < 50; ++i) Create("ana");
  shard.SweepAll();
  const SessionCounters counters = shard.space.CountersOf(&Ns());
  EXPECT_EQ(counters.created, 450U);
  EXPECT_EQ(counters.expired, 150U) << "visitors stay ten minutes";
  EXPECT_EQ(counters.revoked, 250U);
  EXPECT_EQ(counters.created,
            counters.expired + counters.revoked + shard.space.CountsOf(&Ns(), shard.now).live);
}

}  // namespace
}  // namespace cloakroom
