#pragma once

#include "store/env/clock.h"

namespace cloakroom {

/// The machine's clocks.
class UvClock final : public Clock {
 public:
  [[nodiscard]] TimeMs WallMs() override;
  [[nodiscard]] int64_t MonotonicUs() override;
  [[nodiscard]] int64_t ThreadCpuUs() override;
};

}  // namespace cloakroom
