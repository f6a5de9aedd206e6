#include "store/types/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/base/hash.h"
#include "store/types/policy.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/session_shard.h"

namespace cloakroom {
namespace {

using Words = std::vector<std::string_view>;

/// Sessions of the namespace `shop`, under the default policy unless a test sets another.
class SessionTest : public ::testing::Test {
 protected:
  void Policy(std::string_view name, std::string_view value) {
    SessionPolicy policy = space().PolicyOf(space().FindNamespace("shop"));
    ASSERT_TRUE(SetPolicyItem(policy, name, value).has_value());
    Add(shard.batch, SessionPolicyOp{"shop", policy});
    shard.Commit();
  }

  SessionRequest Request(std::string_view user) {
    SessionRequest request;
    request.ns = "shop";
    request.user = user;
    return request;
  }
  /// The minted session, or the failure's message as its token.
  MintedSession Create(const SessionRequest& request) {
    auto made = CreateSession(space(), request, shard.now, shard.random, shard.batch);
    if (!made) {
      EXPECT_TRUE(shard.Dropped()) << "a refused command must leave no trace in the log";
      MintedSession failed;
      failed.token = made.error().message;
      return failed;
    }
    shard.Commit();
    return *made;
  }
  MintedSession Create(std::string_view user) { return Create(Request(user)); }

  Result<OpenedSession> Get(std::string_view token, bool slide = true, bool may_write = true) {
    auto opened = OpenSession(space(), token, slide, may_write, shard.now, shard.batch);
    shard.Commit();
    return opened;
  }
  bool Lives(std::string_view token) { return Get(token, false).has_value(); }
  SessionView View(std::string_view token) { return Get(token, false)->found.view; }
  std::string Field(std::string_view token, std::string_view name) {
    std::string value = "(none)";
    const SessionView view = View(token);
    ForEachField(view, *space().NamespaceOf(view).names, [&](const SessionItem& item) {
      if (!item.deleted && item.name == name) value = item.value;
    });
    return value;
  }

  /// The version, or minus the code of the failure.
  int64_t Set(std::string_view token, const SetSessionRequest& request) {
    const auto version = SetSession(space(), token, request, shard.now, shard.batch);
    if (version) {
      shard.Commit();
      return *version;
    }
    EXPECT_TRUE(shard.Dropped());
    return -static_cast<int64_t>(version.error().code);
  }
  int64_t SetFields(std::string_view token, const Words& fields) {
    SetSessionRequest request;
    request.fields = fields;
    return Set(token, request);
  }

  Result<PutSessionResult> Put(std::string_view token, const SessionRequest& request,
                               const PutCondition& condition = {}) {
    auto put = PutSession(space(), token, request, condition, shard.now, shard.random, shard.batch);
    shard.Commit();
    return put;
  }
  Result<MintedSession> Rotate(std::string_view token, const RotateRequest& request = {}) {
    auto rotated = RotateSession(space(), token, request, shard.now, shard.random, shard.batch);
    shard.Commit();
    return rotated;
  }
  size_t Destroy(const Words& tokens) {
    const size_t lived = DestroySessions(space(), tokens, shard.now, shard.batch);
    shard.Commit();
    return lived;
  }
  SessionCounters Counters() { return space().CountersOf(space().FindNamespace("shop")); }
  SessionSpace& space() { return shard.space; }

  SessionShard shard;
};

constexpr auto Failure = [](Code code) { return -static_cast<int64_t>(code); };

// ---- life

TEST_F(SessionTest, MintedTokenStandsInItsUsersSlot) {
  for (const std::string_view user : {"ana", "{tag}bob", "a{}b", "{}"}) {
    const MintedSession made = Create(user);
    EXPECT_EQ(SlotOf(made.token), SlotOf(user));
    EXPECT_EQ(made.version, 1U);
    EXPECT_EQ(made.deadline, shard.now + 30 * kMinuteMs);
    EXPECT_EQ(made.abs, shard.now + 30 * kDayMs);
  }
}

// Deadlines are exclusive: at exactly its deadline a session does not exist, for any command.
TEST_F(SessionTest, IsGoneAtItsDeadlineForEveryCommand) {
  const MintedSession made = Create("ana");
  shard.now = made.deadline - 1;
  EXPECT_TRUE(Lives(made.token));
  shard.now = made.deadline;
  EXPECT_FALSE(Get(made.token).has_value());
  EXPECT_EQ(SetFields(made.token, {"a", "1"}), Failure(Code::kNoSession));
  EXPECT_FALSE(TouchSession(space(), made.token, {}, shard.now, shard.batch).has_value());
  EXPECT_FALSE(IncrementSession(space(), made.token, "n", 1, shard.now, shard.batch).has_value());
  EXPECT_FALSE(Rotate(made.token).has_value());
  EXPECT_EQ(Destroy({made.token}), 0U);
  const Namespace& ns = *space().FindNamespace("shop");
  EXPECT_EQ(space().CountOfUser(ns, "ana", shard.now), 0U);
  EXPECT_EQ(space().CountsOf(&ns, shard.now).live, 0U) << "counts see it before it is freed";
  EXPECT_EQ(RevokeUser(space(), "shop", "ana", {}, shard.now, shard.batch), 0U);
}

// A slide is recorded only when it moves the deadline by min(quantum, 5 % of idle).
TEST_F(SessionTest, SlidesInQuanta) {
  const MintedSession made = Create("ana");
  const TimeMs start = shard.now;
  shard.now = start + kMinuteMs - 1;
  EXPECT_EQ(Get(made.token)->deadline, made.deadline);
  EXPECT_EQ(View(made.token).seen, start);
  const size_t records = shard.log.size();
  shard.now = start + kMinuteMs;
  EXPECT_EQ(Get(made.token)->deadline, made.deadline + kMinuteMs);
  EXPECT_EQ(shard.log.size(), records + 1);
  EXPECT_EQ(View(made.token).seen, shard.now);
  EXPECT_EQ(View(made.token).version, 1U) << "a slide is no change";

  SessionRequest brief = Request("ana");
  brief.idle_ms = 10'000;
  const MintedSession short_lived = Create(brief);
  shard.now += 499;
  EXPECT_EQ(Get(short_lived.token)->deadline, short_lived.deadline);
  shard.now += 1;
  EXPECT_EQ(Get(short_lived.token)->deadline, short_lived.deadline + 500) << "5 % of 10 s";
}

// Where writes are refused a read answers all the same, and moves nothing.
TEST_F(SessionTest, ReadsDoNotSlideWhereWritesAreRefused) {
  const MintedSession made = Create("ana");
  shard.now += 10 * kMinuteMs;
  const size_t records = shard.log.size();
  EXPECT_EQ(Get(made.token, true, false)->deadline, made.deadline);
  EXPECT_EQ(Get(made.token, false, true)->deadline, made.deadline) << "NOTOUCH";
  EXPECT_EQ(shard.log.size(), records);
}

TEST_F(SessionTest, NeverOutlivesItsAbsoluteEnd) {
  SessionRequest request = Request("ana");
  request.idle_ms = kHourMs;
  request.abs_ms = 2 * kHourMs;
  const MintedSession made = Create(request);
  const TimeMs end = shard.now + 2 * kHourMs;
  for (int i = 0; i < 3; ++i) {
    shard.now += 35 * kMinuteMs;
    ASSERT_TRUE(Get(made.token).has_value());
  }
  EXPECT_EQ(Get(made.token)->deadline, end);
  shard.now = end;
  EXPECT_FALSE(Lives(made.token));
}

TEST_F(SessionTest, TouchChangesIdleBothWays) {
  const MintedSession made = Create("ana");
  const auto touch = [&](std::optional<TimeMs> idle) {
    const auto left = TouchSession(space(), made.token, idle, shard.now, shard.batch);
    shard.Commit();
    return *left;
  };
  EXPECT_EQ(touch(std::nullopt), 30 * kMinuteMs);
  EXPECT_EQ(touch(kMinuteMs), kMinuteMs);
  EXPECT_EQ(View(made.token).idle_ms, kMinuteMs);
  EXPECT_EQ(touch(kHourMs), kHourMs);
  EXPECT_EQ(touch(100 * kDayMs), 30 * kDayMs) << "never past abs";
}

// ---- fields and versions

TEST_F(SessionTest, VersionCountsChangesAndFieldsRememberTheirs) {
  const MintedSession made = Create("ana");
  EXPECT_EQ(SetFields(made.token, {"a", "1", "b", "2"}), 2);
  EXPECT_EQ(SetFields(made.token, {"a", "3"}), 3);
  EXPECT_EQ(Field(made.token, "a"), "3");
  EXPECT_EQ(Field(made.token, "b"), "2");
  SetSessionRequest erase;
  const Words absent = {"nothing"};
  erase.deleted = absent;
  EXPECT_EQ(Set(made.token, erase), 3) << "deleting what is not there changes nothing";
  const Words a = {"a"};
  erase.deleted = a;
  EXPECT_EQ(Set(made.token, erase), 4);
  EXPECT_EQ(Field(made.token, "a"), "(none)");
  EXPECT_EQ(Set(made.token, SetSessionRequest{}), 4);
}

// Two requests that read the same version: the second to write loses under IFVER, and wins under
// UNCHANGED when it wrote other fields.
TEST_F(SessionTest, LostUpdatesAreConflicts) {
  const MintedSession made = Create("ana");
  EXPECT_EQ(SetFields(made.token, {"a", "1", "b", "1", "c", "1"}), 2);
  const Words set_a = {"a", "2"};
  const Words set_b = {"b", "2"};
  const Words only_a = {"a"};
  const Words only_b = {"b"};
  SetSessionRequest first;
  first.if_version = 2;
  first.fields = set_a;
  EXPECT_EQ(Set(made.token, first), 3);
  EXPECT_EQ(Set(made.token, first), Failure(Code::kVersionConflict));

  SetSessionRequest other;
  other.since = 2;
  other.unchanged = only_b;
  other.fields = set_b;
  EXPECT_EQ(Set(made.token, other), 4) << "a changed, b did not";
  EXPECT_EQ(Set(made.token, other), Failure(Code::kVersionConflict)) << "now b did";

  SetSessionRequest erase;
  erase.deleted = only_a;
  EXPECT_EQ(Set(made.token, erase), 5);
  SetSessionRequest late;
  late.since = 4;
  late.unchanged = only_a;
  late.fields = set_a;
  EXPECT_EQ(Set(made.token, late), Failure(Code::kVersionConflict)) << "a was deleted since";
  late.since = 5;
  EXPECT_EQ(Set(made.token, late), 6);
}

TEST_F(SessionTest, IncrementIsExactAndBounded) {
  const MintedSession made = Create("ana");
  const auto add = [&](int64_t by) {
    const auto sum = IncrementSession(space(), made.token, "n", by, shard.now, shard.batch);
    sum ? shard.Commit() : shard.batch.Clear();
    return sum;
  };
  EXPECT_EQ(*add(5), 5);
  EXPECT_EQ(*add(-7), -2);
  EXPECT_EQ(Field(made.token, "n"), "-2");
  ASSERT_GT(SetFields(made.token, {"n", "9223372036854775807"}), 0);
  EXPECT_FALSE(add(1).has_value());
  ASSERT_GT(SetFields(made.token, {"n", "07"}), 0);
  EXPECT_FALSE(add(1).has_value());
}

TEST_F(SessionTest, MaxBytesBoundsFieldsAndMetaTogether) {
  Policy("max-bytes", "10");
  SessionRequest request = Request("ana");
  const Words meta = {"ip", "123"};
  const Words fields = {"a", "1234"};
  const Words too_much = {"a", "12345"};
  request.meta = meta;
  request.fields = too_much;
  EXPECT_EQ(Create(request).token, "10");
  request.fields = fields;
  const MintedSession made = Create(request);
  EXPECT_EQ(SetFields(made.token, {"b", ""}), Failure(Code::kTooBig));
  EXPECT_EQ(SetFields(made.token, {"a", "", "b", "123"}), 2) << "what it replaces is gone";
  EXPECT_EQ(IncrementSession(space(), made.token, "b", 1000, shard.now, shard.batch).error().code,
            Code::kTooBig);
  Policy("max-bytes", "4");
  EXPECT_EQ(SetFields(made.token, {"b", "12"}), 3) << "a tighter policy lets it shrink";
}

// ---- PUT

constexpr std::string_view kForeign = "0123456789abcdefghijkl";

TEST_F(SessionTest, PutReplacesWhatItIsGiven) {
  const Words meta = {"ip", "1"};
  const Words fields = {"a", "1", "b", "2"};
  SessionRequest request = Request("ana");
  request.meta = meta;
  request.fields = fields;
  request.abs_ms = kHourMs;
  ASSERT_EQ(Put(kForeign, request)->version, 1U);
  const TimeMs created = shard.now;
  shard.now += kMinuteMs;

  SessionRequest again = Request("ana");
  const Words fewer = {"b", "3"};
  again.fields = fewer;
  again.abs_ms = 2 * kHourMs;
  EXPECT_EQ(Put(kForeign, again)->version, 2U);
  EXPECT_EQ(Field(kForeign, "a"), "(none)");
  EXPECT_EQ(Field(kForeign, "b"), "3");
  const SessionView view = View(kForeign);
  EXPECT_EQ(view.meta_count, 1U) << "what is left out stays";
  EXPECT_EQ(view.created, created);
  EXPECT_EQ(view.abs(), created + kHourMs) << "abs may only shrink";
  again.abs_ms = kMinuteMs;
  EXPECT_EQ(Put(kForeign, again)->deadline, shard.now + kMinuteMs);
}

// A late write of another request must not undo a logout.
TEST_F(SessionTest, PutIsRefusedWhileTheTombstoneStands) {
  const auto refused = [&](std::string_view token) {
    const auto put = Put(token, Request("ana"));
    return !put && put.error().code == Code::kNoSession;
  };
  ASSERT_TRUE(Put(kForeign, Request("ana")).has_value());
  EXPECT_EQ(Destroy({kForeign}), 1U);
  EXPECT_TRUE(refused(kForeign));
  shard.now += kMinuteMs - 1;
  EXPECT_TRUE(refused(kForeign));
  shard.now += 1;
  EXPECT_FALSE(refused(kForeign));

  // Expired: until the deadline and the tombstone's time have passed, freed or not.
  shard.now += 30 * kMinuteMs;
  EXPECT_TRUE(refused(kForeign));
  shard.SweepAll();
  shard.now += kMinuteMs - 1;
  EXPECT_TRUE(refused(kForeign));
  shard.now += 1;
  EXPECT_FALSE(refused(kForeign));

  // Rotated away: for as long as the session remembers it.
  const auto rotated = Rotate(kForeign);
  ASSERT_TRUE(rotated.has_value());
  EXPECT_TRUE(refused(kForeign));
  EXPECT_TRUE(Lives(rotated->token));
}

TEST_F(SessionTest, PutKeepsUsersApart) {
  ASSERT_TRUE(Put(kForeign, Request("")).has_value());
  EXPECT_EQ(View(kForeign).idle_ms, 10 * kMinuteMs);
  ASSERT_EQ(Put(kForeign, Request("ana"))->version, 2U) << "a visitor logs in";
  EXPECT_EQ(View(kForeign).auth_at, shard.now);
  EXPECT_EQ(Put(kForeign, Request("bob")).error().code, Code::kUserMismatch);
  EXPECT_EQ(Put(kForeign, Request("")).error().code, Code::kUserMismatch);
  SessionRequest elsewhere = Request("ana");
  elsewhere.ns = "blog";
  EXPECT_EQ(Put(kForeign, elsewhere).error().code, Code::kUserMismatch);

  Policy("strict-login", "yes");
  const std::string other = std::string(kForeign) + "2";
  ASSERT_TRUE(Put(other, Request("")).has_value());
  EXPECT_EQ(Put(other, Request("ana")).error().code, Code::kUserMismatch);
}

TEST_F(SessionTest, PutConditions) {
  PutCondition only_new;
  only_new.only_new = true;
  PutCondition only_existing;
  only_existing.only_existing = true;
  EXPECT_FALSE(Put(kForeign, Request("ana"), only_existing)->done);
  EXPECT_TRUE(Put(kForeign, Request("ana"), only_new)->done);
  EXPECT_FALSE(Put(kForeign, Request("ana"), only_new)->done);
  PutCondition version;
  version.version = 2;
  EXPECT_EQ(Put(kForeign, Request("ana"), version).error().code, Code::kVersionConflict);
  version.version = 1;
  EXPECT_TRUE(Put(kForeign, Request("ana"), version)->done);
}

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
  EXPECT_EQ(view.handle, visitor.handle);
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
