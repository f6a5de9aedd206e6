#pragma once

#include <cstdint>
#include <string>

#include "tests/support/sim_inode.h"

namespace cloakroom {

/// What one seed of the log's simulation came to.
struct WalSimulation {
  std::string problem;  // what was promised and not held; empty: nothing
  SimDiskCounts disk;
  uint64_t records = 0;     // appended
  uint64_t recoveries = 0;  // of a process from what the one before has left
  uint64_t cut_back = 0;    // of these, after which records were missing that nobody was promised
  uint64_t segments = 0;    // that were begun while serving
  uint64_t refusals = 0;    // of writes, because of the disk
  uint64_t damage = 0;      // flipped bits that were noticed
};

/// Runs processes, one after the other, that keep a log on one disk: random appends, syncs, faults,
/// and an end of each at any moment, by a kill, a power cut, or by itself. After each end the next
/// one recovers, and finds
///   - all that was acknowledged at kOs after a kill, at kDisk after a power cut;
///   - nothing but what was appended, cut at a record's edge.
/// In the end a bit may rot: that is noticed, or nothing that was proven durable is missing.
[[nodiscard]] WalSimulation SimulateWal(uint64_t seed);

}  // namespace cloakroom
