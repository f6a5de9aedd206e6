#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/store_counts.h"
#include "tests/support/sim_inode.h"

namespace cloakroom {

/// What one seed of the store's simulation came to.
struct StoreSimulation {
  std::string problem;  // what was promised and not held; empty: nothing
  SimDiskCounts disk;
  StoreCounts counts;
  uint64_t records = 0;  // executed
  uint64_t lives = 0;
};

/// Runs processes, one after the other, on one machine: a shard with commands, its log and its
/// images, random commands that write, faults of the disk, and an end of each at any moment, by a
/// kill, a power cut, or by itself; bits may rot meanwhile. After each end the next one recovers:
///   - all is there that a reply has promised, whatever level it had waited for;
///   - what is there is a prefix of what was executed, and the state is what an empty keyspace
///     becomes by it, then and later;
///   - so is each image that was finished;
///   - a rotten image costs nothing while the one before is kept; a rotten log stops the start;
///   - while the disk takes no writes none is executed, reads go on, and writes come back.
/// With `trace` it prints what it does.
[[nodiscard]] StoreSimulation SimulateStore(uint64_t seed, bool trace = false);

}  // namespace cloakroom
