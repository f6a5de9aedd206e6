#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "store/types/policy.h"
#include "store/types/session.h"
#include "tests/support/session_shard.h"

namespace cloakroom {

using Words = std::vector<std::string_view>;

inline constexpr std::string_view kForeign = "0123456789abcdefghijkl";

/// What SessionTest::Set returns for a refusal.
[[nodiscard]] constexpr int64_t Failure(Code code) { return -static_cast<int64_t>(code); }

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
    return Failure(version.error().code);
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
    const std::vector<ShownToken> shown(tokens.begin(), tokens.end());
    const size_t lived = DestroySessions(space(), shown, shard.now, shard.batch);
    shard.Commit();
    return lived;
  }
  SessionCounters Counters() { return space().CountersOf(space().FindNamespace("shop")); }
  SessionSpace& space() { return shard.space; }

  SessionShard shard;
};

}  // namespace cloakroom
