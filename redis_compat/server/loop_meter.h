#pragma once

#include <cstdint>

#include "redis_compat/command/server_control.h"
#include "store/env/clock.h"

namespace cloakroom {

/// Times the event loop: how long it works between two waits, and how much of that is upkeep. A
/// turn counts from the first event that ended the wait until the loop may wait again, so reading,
/// executing, writing and upkeep are all in it; where the loop goes on at once, so is the poll in
/// between.
///
/// It also tells what the thread really had of its processor in any turn, to some 50 us, for the
/// kernel may have given it to others. Costs two readings of the monotonic clock a turn, none a
/// command. The thread's own clock is a system call: it is read where a turn lasted longer than any
/// had of the processor so far, and as a turn begins once in kMarkUs of work.
class LoopMeter {
 public:
  /// So much work may lie between a reading of the thread's clock and a turn that is judged by it.
  static constexpr int64_t kMarkUs = 250;

  explicit LoopMeter(Clock& clock) : clock_(clock) {}

  /// Something happened. The first call after a wait starts a turn.
  void Wake() {
    if (since_us_ < 0) Begin(clock_.MonotonicUs());
  }
  /// When the turn at hand began, by the monotonic clock; one is under way.
  [[nodiscard]] int64_t since_us() const { return since_us_; }

  /// A slice of upkeep of the turn at hand took from `began_us` to `ended_us`.
  void AddUpkeep(int64_t began_us, int64_t ended_us);

  /// The same of a slice of sweeping; `cut`: there is more to sweep.
  void AddSweep(int64_t began_us, int64_t ended_us, bool cut);

  /// The turn ends, having executed `commands`; when it `goes_on`, the next has begun already.
  void TurnEnded(uint32_t commands, bool goes_on);

  [[nodiscard]] const LoopMetrics& metrics() const { return metrics_; }
  /// Forgets what was. Of the turn at hand only the processor time from here on will count.
  void Reset();

 private:
  static constexpr int64_t kWaitUs = 5;  // what going to sleep and waking costs the thread itself

  void Begin(int64_t now_us);
  void NoteCpu(int64_t span_us);
  void Mark();

  Clock& clock_;
  int64_t since_us_ = -1;  // -1: the loop waits
  int64_t waits_us_ = 0;   // since when
  int64_t upkeep_us_ = 0;  // of the turn at hand
  // The mark: the thread's processor time at its last reading, and about what it had from there to
  // the beginning of the turn at hand. There is none yet.
  int64_t marked_cpu_us_ = 0;
  int64_t since_mark_us_ = kMarkUs;
  LoopMetrics metrics_;
};

}  // namespace cloakroom
