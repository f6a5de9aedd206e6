#pragma once

#include <cstdint>
#include <limits>

#include "redis_compat/modules/scan_options.h"
#include "store/table/entry.h"

namespace cloakroom {

/// The loop of HSCAN and SSCAN: calls scan_once(cursor, visited) -> next cursor, which counts up
/// `visited`, until COUNT elements were visited or the scan is over. As in Redis the steps are
/// bounded too, so that a sparse table does not hold up everybody else. Returns the next cursor.
template <typename ScanOnce>
uint64_t ScanByCount(const Entry& entry, const ScanOptions& options, uint64_t cursor,
                     ScanOnce&& scan_once) {
  // A collection that is not a table is scanned whole, whatever the cursor.
  if (entry.encoding() == Encoding::kTable && cursor >= kScanCursorEnd) return 0;
  constexpr int64_t kStepsEach = 10;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t steps = options.count > kMax / kStepsEach ? kMax : options.count * kStepsEach;
  int64_t visited = 0;
  do {
    cursor = scan_once(cursor, visited);
  } while (cursor != 0 && --steps > 0 && visited < options.count);
  return cursor;
}

}  // namespace cloakroom
