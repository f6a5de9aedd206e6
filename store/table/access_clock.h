#pragma once

#include <algorithm>
#include <cstdint>

#include "store/base/random_bits.h"
#include "store/base/time.h"
#include "store/table/entry.h"

namespace cloakroom {

/// What the 24 bits of an entry's clock mean, which the eviction policy chooses:
///
///   last use       seconds, modulo 2^24 (194 days)
///   how often      minutes of the last use, modulo 2^16 (45 days) | a logarithmic counter, 8 bits
///
/// The counter is Morris's: a use raises it with a probability that falls as it grows, and it loses
/// one for each decay time that passes without a use. Clocks are not state: after a change of the
/// policy what the old one wrote is read as if the new one had.
class AccessClock {
 public:
  struct Options {
    bool counts_uses = false;
    uint32_t log_factor = 10;    // the higher, the more uses a step of the counter takes
    uint32_t decay_minutes = 1;  // 0: it never decays
  };
  static constexpr uint32_t kMask = 0xFFFFFF;
  /// A new entry's counter: above zero, so that it lives long enough to be used.
  static constexpr uint32_t kNewCounter = 5;
  static constexpr uint32_t kCounterMax = 255;

  void set_options(const Options& options) { options_ = options; }
  [[nodiscard]] bool counts_uses() const { return options_.counts_uses; }

  /// The clock of an entry that is made at `now`.
  [[nodiscard]] uint32_t Fresh(TimeMs now) const {
    return options_.counts_uses ? Minutes(now) << 8 | kNewCounter : Seconds(now);
  }
  /// The clock of one that a record overwrites: its handler has counted the use.
  [[nodiscard]] uint32_t Overwritten(const Entry& entry, TimeMs now) const {
    return options_.counts_uses ? entry.clock() : Seconds(now);
  }
  /// The clock of an entry that was last used so many seconds ago, at least 0; they wrap.
  [[nodiscard]] static uint32_t Idle(int64_t seconds, TimeMs now) {
    return (Seconds(now) - static_cast<uint32_t>(seconds)) & kMask;
  }
  /// The clock of an entry whose uses are counted, and stand at `counter`.
  [[nodiscard]] static uint32_t Counted(uint32_t counter, TimeMs now) {
    return Minutes(now) << 8 | counter;
  }
  /// A use of `entry` by a command.
  void Touch(const Entry& entry, TimeMs now, DrawBits draw) const {
    if (!options_.counts_uses) [[likely]]
      return entry.set_clock(Seconds(now));
    Count(entry, now, draw);
  }

  /// Seconds since the last use.
  [[nodiscard]] static uint32_t IdleSeconds(const Entry& entry, TimeMs now) {
    return (Seconds(now) - entry.clock()) & kMask;
  }
  /// The counter, less what has decayed.
  [[nodiscard]] uint32_t Frequency(const Entry& entry, TimeMs now) const {
    const uint32_t counter = entry.clock() & 0xFF;
    if (options_.decay_minutes == 0) return counter;
    const uint32_t idle_minutes = (Minutes(now) - (entry.clock() >> 8)) & 0xFFFF;
    return counter - std::min(counter, idle_minutes / options_.decay_minutes);
  }

 private:
  [[nodiscard]] static uint32_t Seconds(TimeMs now) { return static_cast<uint32_t>(now / 1000); }
  [[nodiscard]] static uint32_t Minutes(TimeMs now) {
    return static_cast<uint32_t>(now / 60'000) & 0xFFFF;
  }

  void Count(const Entry& entry, TimeMs now, DrawBits draw) const {
    uint32_t counter = Frequency(entry, now);
    const uint64_t steps = counter <= kNewCounter ? 0 : counter - kNewCounter;
    if (counter < kCounterMax && ScaleBits(draw(), steps * options_.log_factor + 1) == 0) ++counter;
    entry.set_clock(Minutes(now) << 8 | counter);
  }

  Options options_;
};

}  // namespace cloakroom
