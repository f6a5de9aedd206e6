#include "redis_compat/server/loop_meter.h"

#include <algorithm>

namespace cloakroom {

void LoopMeter::AddUpkeep(int64_t began_us, int64_t ended_us) {
  const int64_t span_us = ended_us - began_us;
  upkeep_us_ += span_us;
  metrics_.upkeep_sum_us += span_us;
  metrics_.upkeep_max_us = std::max(metrics_.upkeep_max_us, span_us);
}

// The processor time of a turn of `span_us`. Short turns are taken to have had it all; what the
// thread worked while it had nothing to do is counted too, so this is never too little by much.
int64_t LoopMeter::OwnUs(int64_t span_us) {
  if (span_us < kLongUs) {
    short_us_ += span_us;
    return span_us;
  }
  const int64_t cpu_us = clock_.ThreadCpuUs();
  const int64_t own_us = std::clamp<int64_t>(cpu_us - cpu_us_ - short_us_, 0, span_us);
  cpu_us_ = cpu_us;
  short_us_ = 0;
  return own_us;
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
  metrics_.turn_max_cpu_us = std::max(metrics_.turn_max_cpu_us, OwnUs(span_us));
  upkeep_us_ = 0;
  since_us_ = goes_on ? now_us : -1;
}

}  // namespace cloakroom
