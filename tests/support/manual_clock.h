#pragma once

#include "store/env/clock.h"

namespace cloakroom {

/// A clock that stands still until it is told.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimeMs WallMs() override { return wall_ms_; }
  [[nodiscard]] int64_t MonotonicUs() override { return monotonic_us_ += tick_us_; }

  void Advance(TimeMs span_ms) {
    wall_ms_ += span_ms;
    monotonic_us_ += span_ms * 1000;
  }
  /// The wall clock alone jumps, as when somebody sets it.
  void JumpWall(TimeMs span_ms) { wall_ms_ += span_ms; }

  [[nodiscard]] int64_t ThreadCpuUs() override { return monotonic_us_ - lost_us_; }
  /// Time goes by in which the processor works for others.
  void Preempt(TimeMs span_ms) {
    Advance(span_ms);
    lost_us_ += span_ms * 1000;
  }
  /// From now on each reading finds the monotonic clock so much later than the one before, as if
  /// what lies between two readings took that long.
  void Tick(int64_t us) { tick_us_ = us; }

 private:
  int64_t tick_us_ = 0;
  int64_t lost_us_ = 0;
  TimeMs wall_ms_ = 1'700'000'000'000;
  int64_t monotonic_us_ = 1'000'000;
};

}  // namespace cloakroom
