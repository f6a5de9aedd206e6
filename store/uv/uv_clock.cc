#include "store/uv/uv_clock.h"

#include <ctime>

namespace cloakroom {

TimeMs UvClock::WallMs() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return TimeMs{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t UvClock::MonotonicUs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace cloakroom
