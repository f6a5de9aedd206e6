#pragma once

#include <cstdint>

#include "tests/support/manual_clock.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"

namespace cloakroom {

/// A machine on which processes run, one after the other: its clock, its loop, its disk.
class SimMachine {
 public:
  explicit SimMachine(uint64_t seed) : disk(clock, seed) {}

  /// Lets `span_ms` pass.
  void Pass(TimeMs span_ms) {
    for (; span_ms >= 0; --span_ms) {
      for (int i = 0; i < 3; ++i) {
        disk.Poll();
        loop.Poll();
      }
      if (span_ms > 0) clock.Advance(1);
    }
  }
  /// Until what can end without time passing has ended.
  void Settle() { Pass(0), Pass(0), Pass(0); }

  ManualClock clock;
  SimNetwork loop{clock};
  SimDisk disk;
};

}  // namespace cloakroom
