#pragma once

#include <cmath>
#include <cstdint>

namespace cloakroom::bench {

/// The clock of an open loop: arrival n is due at start + n / rate, whatever the server does. A
/// latency counts from there, so a server that stalls is charged for all who would have come.
class Schedule {
 public:
  /// `per_second` > 0 arrivals from `start_ns` on, an instant of any clock in nanoseconds.
  Schedule(double per_second, uint64_t start_ns) : gap_ns_(1e9 / per_second), start_ns_(start_ns) {}

  /// When the next arrival is due, in nanoseconds of the same clock. Never adds up rounding errors.
  [[nodiscard]] uint64_t NextDue() const {
    return start_ns_ + static_cast<uint64_t>(std::llround(gap_ns_ * static_cast<double>(count_)));
  }

  /// Takes the next arrival off the schedule.
  void Take() { ++count_; }

  /// How many arrivals were taken.
  [[nodiscard]] uint64_t taken() const { return count_; }

 private:
  double gap_ns_;
  uint64_t start_ns_;
  uint64_t count_ = 0;
};

}  // namespace cloakroom::bench
