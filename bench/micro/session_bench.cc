#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "store/base/check.h"
#include "store/node/shard.h"
#include "store/table/session_value.h"
#include "store/types/policy.h"
#include "store/types/session.h"
#include "store/types/token.h"
#include "store/types/user.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

constexpr size_t kSessionsOfUser = 5;

/// A shard with `count` sessions, five for each user.
class Sessions {
 public:
  explicit Sessions(int64_t count) {
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) tokens_.push_back(Create(User(i)));
  }

  static std::string User(size_t i) { return "user:" + std::to_string(i / kSessionsOfUser); }

  static SessionRequest Request(std::string_view user) {
    static constexpr std::string_view kFields[] = {"cart",   "12,77,103", "csrf",
                                                   "f3a9c1", "lang",      "en"};
    SessionRequest request;
    request.ns = "shop";
    request.user = user;
    request.fields = kFields;
    return request;
  }
  std::string Create(const SessionRequest& request) {
    Result<MintedSession> minted = CreateSession(space(), request, now(), random_, batch_);
    CHECK(minted);
    Commit();
    return std::move(minted->token);
  }
  std::string Create(std::string_view user) { return Create(Request(user)); }
  void Destroy(const std::string& token) {
    const ShownToken ended[] = {token};
    CHECK(DestroySessions(space(), ended, now(), batch_) == 1);
    Commit();
  }
  /// As at the end of each turn.
  void Commit() {
    shard_.Commit(batch_);
    (void)shard_.Sweep(64);
  }

  /// Without the sweep.
  void CommitAlone() { shard_.Commit(batch_); }

  [[nodiscard]] const SessionSpace& space() { return shard_.keys().sessions(); }
  [[nodiscard]] TimeMs now() const { return shard_.now(); }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] WriteBatch& batch() { return batch_; }
  /// A token, far from the last one in memory.
  std::string& Next() {
    at_ = (at_ + 7919) % tokens_.size();
    return tokens_[at_];
  }

 private:
  ManualClock clock_;
  SeededRandom random_{1};
  Shard shard_{clock_, random_, Shard::Options{}};
  WriteBatch batch_;
  std::vector<std::string> tokens_;
  size_t at_ = 0;
};

/// Question: what does a login cost, from the token's drawing to the entry and its index?
/// Arg: live sessions. Each login is followed by the logout of another session, so that their
/// number stays; the logout is in the figure.
void BM_SessionCreate(benchmark::State& state) {
  Sessions sessions(state.range(0));
  size_t i = 0;
  for (auto _ : state) {
    std::string& token = sessions.Next();
    sessions.Destroy(token);
    token = sessions.Create(Sessions::User(i++));
  }
}

/// Question: and the logout alone?
/// Arg: live sessions. They end by the hundred; then the clock stands while as many log in.
void BM_SessionDestroy(benchmark::State& state) {
  constexpr size_t kAtOnce = 100;
  Sessions sessions(state.range(0));
  size_t i = 0;
  std::vector<std::string*> ended;
  while (state.KeepRunningBatch(kAtOnce)) {
    for (size_t k = 0; k < kAtOnce; ++k) {
      ended.push_back(&sessions.Next());
      sessions.Destroy(*ended.back());
    }
    state.PauseTiming();
    for (std::string* const token : ended) *token = sessions.Create(Sessions::User(i++));
    ended.clear();
    state.ResumeTiming();
  }
}

/// Question: and what does the first page of a visitor cost?
/// Arg: live sessions. As above, with another visitor's end in the figure.
void BM_SessionAnon(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    std::string& token = sessions.Next();
    sessions.Destroy(token);
    token = sessions.Create("");
  }
}

/// Question: what does it cost a framework to save a session under an id of its own, all fields at
/// once, as it does after each request?
/// Arg: live sessions.
void BM_SessionPut(benchmark::State& state) {
  Sessions sessions(state.range(0));
  std::vector<std::string> ids;
  const auto put = [&](size_t i) {
    const std::string user = Sessions::User(i);
    CHECK(PutSession(sessions.space(), ids[i], Sessions::Request(user), {}, sessions.now(),
                     sessions.random(), sessions.batch()));
    sessions.Commit();
  };
  for (size_t i = 0; i < static_cast<size_t>(state.range(0)); ++i) {
    ids.push_back("an-id-of-the-framework-" + std::to_string(i));
    put(i);
  }
  size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % ids.size();
    put(at);
  }
}

/// Question: what does it cost a request to find its session, when no slide is due?
/// Arg: live sessions.
void BM_SessionGet(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    const Result<OpenedSession> opened = OpenSession(sessions.space(), sessions.Next(), true, true,
                                                     sessions.now(), sessions.batch());
    CHECK(opened);
    benchmark::DoNotOptimize(opened->deadline);
  }
}

/// Question: and to read what it holds?
/// Arg: live sessions.
void BM_SessionGetAll(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    const Result<OpenedSession> opened = OpenSession(sessions.space(), sessions.Next(), true, true,
                                                     sessions.now(), sessions.batch());
    CHECK(opened);
    const SessionView& view = opened->found.view;
    benchmark::DoNotOptimize(view.handle());
    size_t bytes = 0;
    ForEachField(view, *sessions.space().NamespaceOf(view).names,
                 [&](const SessionItem& item) { bytes += item.name.size() + item.value.size(); });
    benchmark::DoNotOptimize(bytes);
  }
}

/// Question: what does it cost to change one field of three?
/// Arg: live sessions.
void BM_SessionSet(benchmark::State& state) {
  Sessions sessions(state.range(0));
  static constexpr std::string_view kCarts[][2] = {{"cart", "12,77"}, {"cart", "12,77,103,41"}};
  size_t i = 0;
  for (auto _ : state) {
    SetSessionRequest request;
    request.fields = kCarts[i++ % 2];
    CHECK(SetSession(sessions.space(), sessions.Next(), request, sessions.now(), sessions.batch()));
    sessions.Commit();
  }
}

/// Question: what does it cost to count in a field?
/// Arg: live sessions.
void BM_SessionIncr(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    CHECK(IncrementSession(sessions.space(), sessions.Next(), "hits", 1, sessions.now(),
                           sessions.batch()));
    sessions.Commit();
  }
}

/// Question: and when every use slides it?
/// Arg: live sessions.
void BM_SessionTouch(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    CHECK(TouchSession(sessions.space(), sessions.Next(), std::nullopt, sessions.now(),
                       sessions.batch()));
    sessions.Commit();
  }
}

/// Question: what does a new token for a session cost?
/// Arg: live sessions.
void BM_SessionRotate(benchmark::State& state) {
  Sessions sessions(state.range(0));
  RotateRequest request;
  request.grace_ms = 0;
  for (auto _ : state) {
    std::string& token = sessions.Next();
    Result<MintedSession> minted = RotateSession(sessions.space(), token, request, sessions.now(),
                                                 sessions.random(), sessions.batch());
    CHECK(minted);
    sessions.Commit();
    token = std::move(minted->token);
  }
}

/// Question: what does the page with a user's devices cost?
/// Arg: live sessions, five a user.
void BM_SessionList(benchmark::State& state) {
  Sessions sessions(state.range(0));
  const auto users = static_cast<size_t>(state.range(0)) / kSessionsOfUser;
  size_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % users;
    const Result<SessionPage> page = ListSessions(
        sessions.space(), "shop", Sessions::User(i * kSessionsOfUser), "0", 10, sessions.now());
    CHECK(page && page->sessions.size() == kSessionsOfUser);
  }
}

/// Question: what does a call of SCAN cost, with a page of about nine sessions?
/// Arg: live sessions.
void BM_SessionScan(benchmark::State& state) {
  Sessions sessions(state.range(0));
  uint64_t cursor = 0;
  size_t seen = 0;
  for (auto _ : state) {
    cursor = sessions.space().Scan(cursor, sessions.now(),
                                   [&](const Entry&, const SessionView&) { ++seen; });
  }
  benchmark::DoNotOptimize(seen);
}

/// Question: what does a logout from another device cost?
/// Arg: live sessions. Each is followed by a login, which is in the figure.
void BM_SessionRevokeHandle(benchmark::State& state) {
  Sessions sessions(state.range(0));
  const auto users = static_cast<size_t>(state.range(0)) / kSessionsOfUser;
  size_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % users;
    const std::string user = Sessions::User(i * kSessionsOfUser);
    const auto page = ListSessions(sessions.space(), "shop", user, "0", 1, sessions.now());
    const std::string handle = HandleText(page->sessions[0].handle);
    const std::string_view handles[] = {handle};
    CHECK(RevokeHandles(sessions.space(), "shop", user, handles, {}, sessions.now(),
                        sessions.batch()) == 1);
    sessions.Commit();
    sessions.Create(user);
  }
}

/// Question: what does "log out everywhere" cost a user with five sessions?
/// Arg: live sessions. Each is followed by five logins, which are in the figure.
void BM_SessionRevokeUser(benchmark::State& state) {
  Sessions sessions(state.range(0));
  const auto users = static_cast<size_t>(state.range(0)) / kSessionsOfUser;
  size_t i = 0;
  for (auto _ : state) {
    i = (i + 7919) % users;
    const std::string user = Sessions::User(i * kSessionsOfUser);
    CHECK(RevokeUser(sessions.space(), "shop", user, {}, sessions.now(), sessions.batch()) > 0);
    sessions.Commit();
    for (size_t k = 0; k < kSessionsOfUser; ++k) sessions.Create(user);
  }
}

/// Question: how long does a mass end take of its turn, until the sweep? It is a mark, so the
/// number of sessions should not matter.
/// Arg: sessions of the one user that it ends.
template <typename MassEnd>
void MeasureMassEnd(benchmark::State& state, MassEnd end) {
  for (auto _ : state) {
    state.PauseTiming();
    {
      Sessions sessions(0);
      for (int64_t k = 0; k < state.range(0); ++k) sessions.Create("crowd");
      state.ResumeTiming();
      end(sessions);
      sessions.CommitAlone();
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
}

void BM_SessionRevokeCrowd(benchmark::State& state) {
  MeasureMassEnd(state, [](Sessions& sessions) {
    CHECK(RevokeUser(sessions.space(), "shop", "crowd", {}, sessions.now(), sessions.batch()) > 0);
  });
}

void BM_SessionRevokeAll(benchmark::State& state) {
  MeasureMassEnd(state, [](Sessions& sessions) {
    CHECK(RevokeNamespace(sessions.space(), "shop", sessions.now(), sessions.batch()) > 0);
  });
}

/// The handles of a thousand are listed.
void BM_SessionCapCrowd(benchmark::State& state) {
  MeasureMassEnd(state, [](Sessions& sessions) {
    SessionRequest request = Sessions::Request("crowd");
    request.cap = SessionCap{10, OnLimit::kEvict};
    CHECK(CreateSession(sessions.space(), request, sessions.now(), sessions.random(),
                        sessions.batch()));
  });
}

/// Question: what does it cost to change a rule of an application?
/// Arg: live sessions.
void BM_SessionPolicy(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state) {
    SessionPolicy policy = sessions.space().PolicyOf(sessions.space().FindNamespace("shop"));
    CHECK(SetPolicyItem(policy, "max", "7"));
    Add(sessions.batch(), SessionPolicyOp{"shop", policy});
    sessions.Commit();
  }
}

/// Question: and to count its sessions?
/// Arg: live sessions.
void BM_SessionStats(benchmark::State& state) {
  Sessions sessions(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(
        sessions.space().CountsOf(sessions.space().FindNamespace("shop"), sessions.now()));
}

void Sizes(benchmark::internal::Benchmark* bench) { bench->Arg(1 << 10)->Arg(1 << 18); }
BENCHMARK(BM_SessionCreate)->Apply(Sizes);
BENCHMARK(BM_SessionDestroy)->Apply(Sizes);
BENCHMARK(BM_SessionAnon)->Apply(Sizes);
BENCHMARK(BM_SessionPut)->Apply(Sizes);
BENCHMARK(BM_SessionGet)->Apply(Sizes);
BENCHMARK(BM_SessionGetAll)->Apply(Sizes);
BENCHMARK(BM_SessionSet)->Apply(Sizes);
BENCHMARK(BM_SessionIncr)->Apply(Sizes);
BENCHMARK(BM_SessionTouch)->Apply(Sizes);
BENCHMARK(BM_SessionRotate)->Apply(Sizes);
BENCHMARK(BM_SessionList)->Apply(Sizes);
BENCHMARK(BM_SessionScan)->Apply(Sizes);
BENCHMARK(BM_SessionRevokeHandle)->Apply(Sizes);
BENCHMARK(BM_SessionRevokeUser)->Apply(Sizes);
BENCHMARK(BM_SessionRevokeCrowd)->Apply(Sizes)->Iterations(3);
BENCHMARK(BM_SessionRevokeAll)->Apply(Sizes)->Iterations(3);
BENCHMARK(BM_SessionCapCrowd)->Apply(Sizes)->Iterations(3);
BENCHMARK(BM_SessionPolicy)->Apply(Sizes);
BENCHMARK(BM_SessionStats)->Apply(Sizes);

}  // namespace
}  // namespace cloakroom
