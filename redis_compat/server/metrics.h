#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cloakroom {

/// How fast a counter has grown lately: the mean over the last samples, as INFO's instantaneous
/// figures have it.
class RateMeter {
 public:
  /// The counter stands at `count` at `now_us`, by the monotonic clock. The first call only starts.
  void Sample(uint64_t count, int64_t now_us);
  [[nodiscard]] uint64_t PerSecond() const;

 private:
  static constexpr size_t kSamples = 16;

  std::array<uint64_t, kSamples> rates_{};
  size_t next_ = 0;
  uint64_t last_count_ = 0;
  int64_t last_us_ = 0;
};

}  // namespace cloakroom
