#pragma once

#include <cstdint>
#include <string>

namespace cloakroom {

/// How often the faults, ends and ways on came that a run of the replication's simulation is about.
struct ReplicationCounts {
  // Faults.
  uint64_t delays = 0;        // directions that became slow
  uint64_t blocks = 0;        // directions that let nothing through
  uint64_t cuts = 0;          // connections that broke anywhere
  uint64_t halves = 0;        // of which one side was not told
  uint64_t refusals = 0;      // connects that were refused
  uint64_t full = 0;          // writes for which the kernel had no room
  uint64_t kills = 0;         // of processes
  uint64_t power_cuts = 0;    // of machines
  uint64_t cut_blocking = 0;  // of these, in the midst of what blocks
  uint64_t stops = 0;         // processes that got no time for a while
  uint64_t clock_steps = 0;
  uint64_t slow_disks = 0;
  uint64_t failed_syncs = 0;  // processes that stopped for one
  // What people did.
  uint64_t promotions = 0;
  uint64_t second_primaries = 0;  // promoted while another one served
  uint64_t followings = 0;        // replicas that were pointed elsewhere
  uint64_t chains = 0;            // at a replica
  uint64_t demotions = 0;         // primaries that became replicas
  uint64_t images = 0;            // that were asked for
  // What came of it.
  uint64_t partial = 0;        // went on where they stood
  uint64_t full_syncs = 0;     // got an image
  uint64_t broken_syncs = 0;   // an image that did not come to its end
  uint64_t ended_in_sync = 0;  // processes
  uint64_t given_up = 0;       // promoted in the midst of a sync: began empty
  uint64_t lost = 0;           // starts that missed records which nobody was promised
  uint64_t diverged = 0;       // records that were given up, by all who gave up some
  uint64_t kept = 0;           // of those who did, that had kept them in a file
  uint64_t acknowledged = 0;   // acknowledgements that were looked at
  uint64_t converged = 0;      // times that all became equal

  void Add(const ReplicationCounts& other);
  [[nodiscard]] std::string Text() const;
  /// The smallest of them: 0 when something never came.
  [[nodiscard]] uint64_t Least() const;
};

}  // namespace cloakroom
