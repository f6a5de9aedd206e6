#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "store/base/check.h"
#include "store/node/shard.h"
#include "store/types/session.h"
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

  std::string Create(std::string_view user) {
    static constexpr std::string_view kFields[] = {"cart",   "12,77,103", "csrf",
                                                   "f3a9c1", "lang",      "en"};
    SessionRequest request;
    request.ns = "shop";
    request.user = user;
    request.fields = kFields;
    Result<MintedSession> minted = CreateSession(space(), request, now(), random_, batch_);
    CHECK(minted);
    Commit();
    return std::move(minted->token);
  }
  /// As at the end of each turn.
  void Commit() {
    shard_.Commit(batch_);
    (void)shard_.Sweep(64);
  }

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
    const std::string_view ended[] = {token};
    CHECK(DestroySessions(sessions.space(), ended, sessions.now(), sessions.batch()) == 1);
    sessions.Commit();
    token = sessions.Create(Sessions::User(i++));
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

void Sizes(benchmark::internal::Benchmark* bench) { bench->Arg(1 << 10)->Arg(1 << 18); }
BENCHMARK(BM_SessionCreate)->Apply(Sizes);
BENCHMARK(BM_SessionGet)->Apply(Sizes);
BENCHMARK(BM_SessionTouch)->Apply(Sizes);
BENCHMARK(BM_SessionRotate)->Apply(Sizes);
BENCHMARK(BM_SessionList)->Apply(Sizes);

}  // namespace
}  // namespace cloakroom
