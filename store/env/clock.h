#pragma once

#include <cstdint>

#include "store/base/time.h"

namespace cloakroom {

/// The two clocks of the machine. Everything outside store/uv gets time only through this.
class Clock {
 public:
  virtual ~Clock() = default;

  /// The wall clock, unix milliseconds. May jump either way.
  [[nodiscard]] virtual TimeMs WallMs() = 0;

  /// Microseconds from some fixed start, never going back.
  [[nodiscard]] virtual int64_t MonotonicUs() = 0;

  /// Microseconds that the calling thread has had of its processor. Costs a system call.
  [[nodiscard]] virtual int64_t ThreadCpuUs() = 0;
};

}  // namespace cloakroom
