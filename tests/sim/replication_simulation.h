#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/replication_counts.h"

namespace cloakroom {

/// What one seed of the replication's simulation came to.
struct ReplicationSimulation {
  std::string problem;  // what was promised and not held; empty: nothing
  ReplicationCounts counts;
  uint64_t records = 0;    // executed by primaries
  int64_t virtual_ms = 0;  // that went by
  uint64_t hash = 0;       // of all that happened
};

/// Runs a few whole nodes, each with its disk, its clock and its role, on one network, under faults
/// of all of these and with people who promote and re-point them at any moment:
///   - what a replica holds is what the primaries of its lineage have executed, record by record,
///     and its state is what those make of an empty keyspace;
///   - what it has acknowledged it has; what it said was on its disk is there after a power cut;
///   - what a process was to promise its clients is there after a kill, or a power cut;
///   - what a former primary gives up is kept in a file, those records and no others;
///   - once all is well, all become equal to the one primary that is left, within bounded time.
/// With `trace` it prints what it does.
[[nodiscard]] ReplicationSimulation SimulateReplication(uint64_t seed, bool trace = false);

}  // namespace cloakroom
