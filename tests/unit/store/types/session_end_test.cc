// Caps, revocations and rotations: how sessions and tokens end.

#include <algorithm>
#include <string>
#include <vector>

#include "store/base/hash.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/unit/store/types/session_fixture.h"

namespace cloakroom {
namespace {

// ---- caps and revocation

TEST_F(SessionTest, CapEvictsTheLeastRecentlySeen) {
  SessionRequest request = Request("ana");
  request.cap = SessionCap{2, OnLimit::kEvict};
  const MintedSession a = Create(request);
  shard.now += 2 * kMinuteMs;
  const MintedSession b = Create(request);
  shard.now += 2 * kMinuteMs;
  ASSERT_TRUE(Get(a.token).has_value());
  const MintedSession c = Create(request);
  ASSERT_EQ(c.evicted.size(), 1U);
  EXPECT_EQ(c.evicted[0], b.handle);
  EXPECT_FALSE(Lives(b.token));
  request.cap = SessionCap{2, OnLimit::kReject};
  EXPECT_EQ(Create(request).token, "2");
  shard.now = std::max(a.deadline, c.deadline) + kHourMs;
  EXPECT_EQ(Create(request).evicted.size(), 0U) << "the dead do not count, freed or not";
}

// Many logins come within one millisecond, and the clock cannot tell which is the oldest.
TEST_F(SessionTest, CapEvictsTheOldestOfThoseSeenAtOnce) {
  SessionRequest request = Request("ana");
  request.cap = SessionCap{4, OnLimit::kEvict};
  std::vector<SessionHandle> made;
  for (size_t i = 0; i < 40; ++i) {
    const MintedSession session = Create(request);
    made.push_back(session.handle);
    if (i < 4) continue;
    ASSERT_EQ(session.evicted.size(), 1U);
    EXPECT_EQ(session.evicted[0], made[i - 4]);
  }
}

// A login that is on its way while the user logs out everywhere must not survive it.
TEST_F(SessionTest, RevokeAllHoldsForLoginsCheckedBeforeIt) {
  const MintedSession old = Create("ana");
  EXPECT_EQ(RevokeUser(space(), "shop", "ana", {}, shard.now, shard.batch), 1U);
  shard.Commit();
  EXPECT_FALSE(Lives(old.token));
  SessionRequest request = Request("ana");
  request.auth_at = shard.now;
  EXPECT_NE(Create(request).token.find("REVOKE ALL"), std::string::npos);
  request.auth_at = shard.now + 1;
  EXPECT_EQ(Create(request).version, 1U);
  request.auth_at.reset();
  EXPECT_EQ(Create(request).version, 1U) << "unchecked";
  request.auth_at = shard.now;
  shard.now += 30 * kDayMs - 1;
  EXPECT_EQ(Create(request).version, 0U);
  shard.now += 1;
  EXPECT_EQ(Create(request).version, 1U) << "kept for the namespace's abs";
}

TEST_F(SessionTest, RevokeByHandleSparesOthersAndTheException) {
  const MintedSession a = Create("ana");
  const MintedSession b = Create("ana");
  const MintedSession c = Create("ana");
  const MintedSession d = Create("bob");
  const std::string texts[] = {HandleText(a.handle), HandleText(b.handle), HandleText(b.handle),
                               HandleText(d.handle), "no-such-handle--"};
  const Words handles(std::begin(texts), std::end(texts));
  NamedSession except = NameSession(space(), "shop", "ana", a.token, true, shard.now, shard.batch);
  EXPECT_EQ(RevokeHandles(space(), "shop", "ana", handles, except, shard.now, shard.batch), 1U);
  shard.Commit();
  EXPECT_TRUE(Lives(a.token));
  EXPECT_FALSE(Lives(b.token));
  EXPECT_TRUE(Lives(c.token));
  EXPECT_TRUE(Lives(d.token)) << "of another user";
}

// ---- rotation

TEST_F(SessionTest, RotationKeepsTheSessionAndItsHandle) {
  const MintedSession made = Create("ana");
  ASSERT_GT(SetFields(made.token, {"a", "1"}), 0);
  const auto next = Rotate(made.token);
  ASSERT_TRUE(next.has_value());
  EXPECT_NE(next->token, made.token);
  EXPECT_EQ(next->handle, made.handle);
  EXPECT_EQ(next->version, 2U);
  EXPECT_EQ(SlotOf(next->token), SlotOf("ana"));
  EXPECT_EQ(Field(next->token, "a"), "1");
  EXPECT_FALSE(Lives(made.token)) << "no grace";
  EXPECT_EQ(Counters().reuse, 1U);
}

TEST_F(SessionTest, WithinGraceTheOldTokenDoesAllAndGivesTheSameSuccessor) {
  const MintedSession made = Create("ana");
  RotateRequest graceful;
  graceful.grace_ms = 1000;
  const auto next = Rotate(made.token, graceful);
  shard.now += 999;
  EXPECT_EQ(SetFields(made.token, {"a", "1"}), 2);
  EXPECT_EQ(Rotate(made.token)->token, next->token);
  EXPECT_EQ(Rotate(made.token, graceful)->token, next->token);
  shard.now += 1;
  EXPECT_FALSE(Rotate(made.token).has_value());
  EXPECT_EQ(Field(next->token, "a"), "1");
}

// Who may not use the session after a login must not get in by an even older token.
TEST_F(SessionTest, ALoginEndsEveryGrace) {
  const MintedSession visitor = Create("");
  RotateRequest graceful;
  graceful.grace_ms = kHourMs;
  const auto second = Rotate(visitor.token, graceful);
  RotateRequest login;
  login.user = "ana";
  login.grace_ms = kHourMs;
  const auto third = Rotate(second->token, login);
  ASSERT_TRUE(third.has_value());
  EXPECT_FALSE(Lives(visitor.token));
  EXPECT_FALSE(Lives(second->token));
  EXPECT_EQ(SlotOf(third->token), SlotOf("ana"));
  EXPECT_EQ(third->version, 2U) << "a change of owner counts";
  const SessionView view = View(third->token);
  EXPECT_EQ(view.user, "ana");
  EXPECT_EQ(view.auth_at, shard.now);
  EXPECT_EQ(view.idle_ms, 30 * kMinuteMs);
  EXPECT_EQ(view.abs(), shard.now + 30 * kDayMs);
  EXPECT_EQ(view.handle(), visitor.handle);
  login.user = "bob";
  EXPECT_EQ(Rotate(third->token, login).error().code, Code::kUserMismatch);
}

TEST_F(SessionTest, ReauthStartsAbsAnewAndKeepsItsLength) {
  SessionRequest request = Request("ana");
  request.abs_ms = 2 * kHourMs;
  const MintedSession made = Create(request);
  shard.now += 20 * kMinuteMs;
  RotateRequest reauth;
  reauth.reauth = true;
  const auto next = Rotate(made.token, reauth);
  EXPECT_EQ(next->abs, shard.now + 2 * kHourMs);
  EXPECT_EQ(View(next->token).auth_at, shard.now);
  EXPECT_EQ(View(next->token).created, shard.now - 20 * kMinuteMs);
}

// A stolen token was used after its grace: with `on-reuse revoke` nobody keeps the session.
TEST_F(SessionTest, ReuseEndsTheSessionWhereThePolicySaysSo) {
  Policy("on-reuse", "revoke");
  const MintedSession made = Create("ana");
  const auto next = Rotate(made.token);
  const auto get = OpenSession(space(), made.token, true, false, shard.now, shard.batch);
  EXPECT_FALSE(get.has_value());
  EXPECT_TRUE(shard.batch.empty()) << "a replica leaves it be";
  EXPECT_TRUE(Lives(next->token));
  const auto set = SetSession(space(), made.token, {}, shard.now, shard.batch);
  EXPECT_EQ(set.error().code, Code::kNoSession);
  EXPECT_FALSE(shard.batch.empty()) << "to be committed with the refusal";
  shard.Commit();
  EXPECT_FALSE(Lives(next->token));
  EXPECT_EQ(Counters().reuse, 2U);
  EXPECT_EQ(Counters().revoked, 1U);
}

// Both tokens of one session in one command: it ends once.
TEST_F(SessionTest, DestroyCountsASessionOnce) {
  Policy("on-reuse", "revoke");
  const MintedSession made = Create("ana");
  RotateRequest graceful;
  graceful.grace_ms = 1000;
  const auto next = Rotate(made.token, graceful);
  EXPECT_EQ(Destroy({made.token, next->token, next->token}), 1U);
  const MintedSession other = Create("ana");
  const auto after = Rotate(other.token);
  EXPECT_EQ(Destroy({after->token, other.token}), 1U);
}

TEST_F(SessionTest, RemembersEightSpentTokens) {
  std::vector<std::string> tokens = {Create("ana").token};
  for (int i = 0; i < 9; ++i) tokens.push_back(Rotate(tokens.back())->token);
  for (const std::string& token : tokens) EXPECT_EQ(Lives(token), token == tokens.back());
  EXPECT_EQ(Counters().reuse, 8U) << "the ninth is forgotten";
  // Yet a PUT is refused for it while its tombstone stands.
  EXPECT_EQ(Put(tokens[0], Request("ana")).error().code, Code::kNoSession);
  shard.now += kMinuteMs;
  EXPECT_TRUE(Put(tokens[0], Request("ana")).has_value());
}

}  // namespace
}  // namespace cloakroom
