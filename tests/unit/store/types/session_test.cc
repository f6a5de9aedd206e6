#include "store/types/session.h"

#include <fmt/format.h>

#include <string>

#include "store/base/hash.h"
#include "store/types/user.h"
#include "tests/unit/store/types/session_fixture.h"

namespace cloakroom {
namespace {

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
    auto sum = IncrementSession(space(), made.token, "n", by, shard.now, shard.batch);
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
  const std::string other = fmt::format("{}2", kForeign);
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

// A PUT that shortens the absolute end gives each session a lifetime of its own: a millisecond more
// or less. Those must not take the room in which sessions share their lifetimes and names.
TEST_F(SessionTest, ShortenedLifetimesAreNotShared) {
  const auto token = [](int i) { return std::string(kForeign) + std::to_string(i); };
  const auto put = [&](int i, std::optional<TimeMs> abs_ms) {
    const Words fields = {"cart", "3"};
    SessionRequest request = Request("ana");
    request.abs_ms = abs_ms;
    request.fields = fields;
    ASSERT_TRUE(Put(token(i), request).has_value());
    ++shard.now;
  };
  constexpr int kSessions = 6000;
  for (int i = 0; i < kSessions; ++i) put(i, std::nullopt);
  const size_t before = space().MemoryParts().dictionary_bytes;
  for (int i = 0; i < kSessions; ++i) put(i, kHourMs);
  EXPECT_LT(space().MemoryParts().dictionary_bytes, before + 1000);
  for (int i = kSessions; i < kSessions + 2; ++i) put(i, std::nullopt);
  EXPECT_NE(View(token(kSessions + 1)).shape, 0U);
}

}  // namespace
}  // namespace cloakroom
