#include "store/uv/uv_clock.h"

#include <ctime>

namespace cloakroom {
namespace {

int64_t ReadUs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

TimeMs UvClock::WallMs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return TimeMs{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t UvClock::MonotonicUs() { return ReadUs(CLOCK_MONOTONIC); }
int64_t UvClock::ThreadCpuUs() { return ReadUs(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace cloakroom
