#pragma once

#include <cstdint>
#include <string>

namespace cloakroom {

/// How often the ends, faults and answers came that a run of the store's simulation is about.
struct StoreCounts {
  uint64_t kills = 0;
  uint64_t power_cuts = 0;
  uint64_t clean_ends = 0;
  uint64_t ends_in_image = 0;  // of these, while an image was being written
  uint64_t ends_in_start = 0;  // while a process was still recovering
  uint64_t cut_back = 0;       // recoveries that missed records that nobody was promised
  uint64_t failed_sync_stops = 0;
  uint64_t images = 0;  // that were finished
  uint64_t failed_images = 0;
  uint64_t rotten_images = 0;   // bits that were flipped in the newest image
  uint64_t fallbacks = 0;       // starts from the image before
  uint64_t rotten_logs = 0;     // bits that were flipped in the log
  uint64_t refused_starts = 0;  // because of damage
  uint64_t refused_writes = 0;
  uint64_t came_back = 0;  // writes that were accepted again
  uint64_t evictions = 0;

  void Add(const StoreCounts& other);
  [[nodiscard]] std::string Text() const;
  /// The smallest of them: 0 when something never came.
  [[nodiscard]] uint64_t Least() const;
};

}  // namespace cloakroom
