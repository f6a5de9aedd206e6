#include "redis_compat/server/metrics.h"

#include <numeric>

namespace cloakroom {

void RateMeter::Sample(uint64_t count, int64_t now_us) {
  const int64_t span_us = now_us - last_us_;
  // A counter that was set back (CONFIG RESETSTAT) starts anew.
  if (last_us_ != 0 && span_us > 0 && count >= last_count_) {
    rates_[next_] = (count - last_count_) * 1'000'000 / static_cast<uint64_t>(span_us);
    next_ = (next_ + 1) % kSamples;
  }
  last_count_ = count;
  last_us_ = now_us;
}

uint64_t RateMeter::PerSecond() const {
  return std::accumulate(rates_.begin(), rates_.end(), uint64_t{0}) / kSamples;
}

}  // namespace cloakroom
