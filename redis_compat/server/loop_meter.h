#pragma once

#include <cstdint>

#include "redis_compat/command/server_control.h"
#include "store/env/clock.h"

namespace cloakroom {

/// Times the event loop: how long it works between two waits, and how much of that is upkeep. A
/// turn counts from the first event that ended the wait until the loop may wait again, so reading,
/// executing, writing and upkeep are all in it; where the loop goes on at once, so is the poll in
/// between. Costs two readings of the clock a turn, none a command; for a long turn a third, of
/// what the thread really had of its processor, for the kernel may have given it to others.
class LoopMeter {
 public:
  explicit LoopMeter(Clock& clock) : clock_(clock) {}

  /// Something happened. The first call after a wait starts a turn.
  void Wake() {
    if (since_us_ < 0) since_us_ = clock_.MonotonicUs();
  }
  /// When the turn at hand began, by the monotonic clock; one is under way.
  [[nodiscard]] int64_t since_us() const { return since_us_; }

  /// A slice of upkeep of the turn at hand took from `began_us` to `ended_us`.
  void AddUpkeep(int64_t began_us, int64_t ended_us);

  /// The turn ends, having executed `commands`; when it `goes_on`, the next has begun already.
  void TurnEnded(uint32_t commands, bool goes_on);

  [[nodiscard]] const LoopMetrics& metrics() const { return metrics_; }
  void Reset() { metrics_ = {}; }

 private:
  static constexpr int64_t kLongUs = 200;

  [[nodiscard]] int64_t OwnUs(int64_t span_us);

  Clock& clock_;
  int64_t since_us_ = -1;  // -1: the loop waits
  int64_t upkeep_us_ = 0;  // of the turn at hand
  int64_t cpu_us_ = 0;     // the thread's processor time at the end of the last long turn
  int64_t short_us_ = 0;   // and what the turns since then lasted
  LoopMetrics metrics_;
};

}  // namespace cloakroom
