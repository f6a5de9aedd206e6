#include "redis_compat/server/loop_meter.h"

#include <algorithm>

namespace cloakroom {

void LoopMeter::AddUpkeep(int64_t began_us, int64_t ended_us) {
  const int64_t span_us = ended_us - began_us;
  upkeep_us_ += span_us;
  metrics_.upkeep_sum_us += span_us;
  metrics_.upkeep_max_us = std::max(metrics_.upkeep_max_us, span_us);
}

void LoopMeter::AddSweep(int64_t began_us, int64_t ended_us, bool cut) {
  AddUpkeep(began_us, ended_us);
  metrics_.sweep_sum_us += ended_us - began_us;
  metrics_.sweeps_cut += cut ? 1 : 0;
}

void LoopMeter::Mark() {
  marked_cpu_us_ = clock_.ThreadCpuUs();
  since_mark_us_ = 0;
}

void LoopMeter::Begin(int64_t now_us) {
  since_us_ = now_us;
  since_mark_us_ += std::min(now_us - waits_us_, kWaitUs);
  if (since_mark_us_ >= kMarkUs) Mark();
}

// A turn had no more of the processor than it lasted, so few need a reading. The turns since the
// mark are taken to have had it all: they are so few that little can be wrong with that.
void LoopMeter::NoteCpu(int64_t span_us) {
  if (span_us <= metrics_.turn_max_cpu_us) {
    since_mark_us_ += span_us;
    return;
  }
  const int64_t before_us = marked_cpu_us_ + since_mark_us_;
  Mark();
  const int64_t own_us = std::min(span_us, marked_cpu_us_ - before_us);
  metrics_.turn_max_cpu_us = std::max(metrics_.turn_max_cpu_us, own_us);
}

void LoopMeter::TurnEnded(uint32_t commands, bool goes_on) {
  Wake();
  const int64_t now_us = clock_.MonotonicUs();
  const int64_t span_us = now_us - since_us_;
  ++metrics_.turns;
  metrics_.turn_sum_us += span_us;
  if (span_us > metrics_.turn_max_us) {
    metrics_.turn_max_us = span_us;
    metrics_.turn_max_commands = commands;
    metrics_.turn_max_upkeep_us = upkeep_us_;
  }
  NoteCpu(span_us);
  upkeep_us_ = 0;
  since_us_ = -1;
  waits_us_ = now_us;
  if (goes_on) Begin(now_us);
}

void LoopMeter::Reset() {
  metrics_ = {};
  Mark();
}

}  // namespace cloakroom
