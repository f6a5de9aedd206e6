#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <vector>

#include "store/table/expiry_wheel.h"

namespace cloakroom {
namespace {

constexpr TimeMs kStart = 1'700'000'000'000;
constexpr TimeMs kDayMs = 86'400'000;

struct Timed {
  Arm arm;
  TimeMs at;
};

// Arms as random as positions are, due within `span` of the start.
std::vector<Timed> DrawArms(size_t count, TimeMs span) {
  std::mt19937_64 random(13);
  std::vector<Timed> arms(count);
  for (Timed& timed : arms) {
    timed.arm = ArmOf(Position{static_cast<uint16_t>(random() % 16384), random()});
    timed.at = kStart + 1 + static_cast<TimeMs>(random() % static_cast<uint64_t>(span));
  }
  return arms;
}

void Start(ExpiryWheel& wheel) {
  std::array<Arm, 1> none;
  (void)wheel.Take(kStart, none);
}

/// Question: what does a deadline cost when it is set, and how many bytes?
/// Arg: arms, due within a day. Items are arms.
void BM_WheelAdd(benchmark::State& state) {
  const auto arms = DrawArms(static_cast<size_t>(state.range(0)), kDayMs);
  for (auto _ : state) {
    ExpiryWheel wheel;
    Start(wheel);
    for (const Timed& timed : arms) wheel.Add(timed.arm, timed.at);
    state.PauseTiming();
    state.counters["bytes_each"] =
        static_cast<double>(wheel.bytes()) / static_cast<double>(wheel.size());
    while (!wheel.Clear(1024)) {
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_WheelAdd)->Arg(1 << 10)->Arg(1 << 20);

/// Question: what does an arm cost from when it is added until it has fired, with the way through
/// the levels? An owner adds what comes out early again, now into a finer level.
/// Arg: arms, due within ten minutes. Items are arms.
void BM_WheelFire(benchmark::State& state) {
  constexpr TimeMs kSpan = 600'000;
  const auto count = static_cast<size_t>(state.range(0));
  const auto arms = DrawArms(count, kSpan);
  std::array<Arm, 64> taken;
  for (auto _ : state) {
    ExpiryWheel wheel;
    Start(wheel);
    // The arm's place in the list stands for it, so that its time is found again.
    for (size_t i = 0; i < count; ++i) wheel.Add(i, arms[i].at);
    for (TimeMs now = kStart; now <= kStart + kSpan; now += 10) {
      while (const size_t n = wheel.Take(now, taken))
        for (size_t i = 0; i < n; ++i)
          if (arms[taken[i]].at > now) wheel.Add(taken[i], arms[taken[i]].at);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_WheelFire)->Arg(1 << 10)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

/// Question: what does a turn pay for a wheel in which nothing is due?
/// Arg: arms, due within a day.
void BM_WheelNothingDue(benchmark::State& state) {
  ExpiryWheel wheel;
  Start(wheel);
  for (const Timed& timed : DrawArms(static_cast<size_t>(state.range(0)), kDayMs))
    wheel.Add(timed.arm, timed.at + kDayMs);
  std::array<Arm, 64> taken;
  TimeMs now = kStart;
  for (auto _ : state) {
    benchmark::DoNotOptimize(wheel.Take(now, taken));
    now += now < kStart + kDayMs ? 1 : 0;
  }
}
BENCHMARK(BM_WheelNothingDue)->Arg(1 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace cloakroom
