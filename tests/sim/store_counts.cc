#include "tests/sim/store_counts.h"

#include <fmt/format.h>

#include <algorithm>

namespace cloakroom {

void StoreCounts::Add(const StoreCounts& other) {
  kills += other.kills;
  power_cuts += other.power_cuts;
  clean_ends += other.clean_ends;
  ends_in_image += other.ends_in_image;
  ends_in_start += other.ends_in_start;
  cut_back += other.cut_back;
  failed_sync_stops += other.failed_sync_stops;
  images += other.images;
  failed_images += other.failed_images;
  rotten_images += other.rotten_images;
  fallbacks += other.fallbacks;
  rotten_logs += other.rotten_logs;
  refused_starts += other.refused_starts;
  refused_writes += other.refused_writes;
  came_back += other.came_back;
  evictions += other.evictions;
}

std::string StoreCounts::Text() const {
  return fmt::format(
      "kills {}, power cuts {}, clean ends {}, ends in an image {}, in a start {}, cut back {}, "
      "failed syncs {}, images {}, failed {}, rotten {}, fallbacks {}, rotten logs {}, refused "
      "starts {}, refused writes {}, came back {}, evictions {}",
      kills, power_cuts, clean_ends, ends_in_image, ends_in_start, cut_back, failed_sync_stops,
      images, failed_images, rotten_images, fallbacks, rotten_logs, refused_starts, refused_writes,
      came_back, evictions);
}

uint64_t StoreCounts::Least() const {
  return std::min({kills, power_cuts, clean_ends, ends_in_image, ends_in_start, cut_back,
                   failed_sync_stops, images, failed_images, rotten_images, fallbacks, rotten_logs,
                   refused_starts, refused_writes, came_back, evictions});
}

}  // namespace cloakroom
