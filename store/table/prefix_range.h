#pragma once

#include <bit>
#include <cstdint>

#include "store/base/position.h"
#include "store/table/entry.h"
#include "store/table/segment.h"
#include "store/table/segment_index.h"

namespace cloakroom {

/// The prefixes that share their first `depth` bits with `start`, whose other bits are zero.
struct PrefixRange {
  uint64_t start = 0;
  uint32_t depth = 0;

  [[nodiscard]] bool Holds(uint64_t prefix) const { return RangeStart(prefix, depth) == start; }
  /// The first prefix behind the range of `depth` that begins at `start`; 0: there is none.
  [[nodiscard]] static uint64_t After(uint64_t start, uint32_t depth) {
    return depth == 0 ? 0 : start + (depth == 64 ? 1 : uint64_t{1} << (64 - depth));
  }
  /// The smallest depth at which a range can begin at `start`.
  [[nodiscard]] static uint32_t DepthOfStart(uint64_t start) {
    return start == 0 ? 0 : 64 - static_cast<uint32_t>(std::countr_zero(start));
  }
};

/// Home buckets as SCAN and captures count them, whatever the size of a segment.
inline constexpr uint32_t kHomeBuckets = 64;

/// Visits the entries of one home bucket that stand in `range`, in the segment that `word` is and
/// in its chain. Returns how many.
template <typename Visit>
uint32_t VisitHomeBucket(const SegmentIndex& index, IndexWord word, const PrefixRange& range,
                         uint32_t bucket, Visit visit) {
  uint32_t visited = 0;
  const uint32_t depth = word.depth();
  for (; word.bits != 0; word.bits = word.segment().header().next) {
    const Segment segment = word.segment();
    const bool is_shared = depth < range.depth || segment.buckets() < kHomeBuckets;
    segment.ForHome(bucket & segment.mask(), [&](PlaceWord place) {
      Entry* const entry = EntryOf(place);
      if (is_shared) {
        const Position at = index.locator()(*entry);
        if (at.Bucket() != bucket || !range.Holds(at.Prefix())) return;
      }
      visit(*entry);
      ++visited;
    });
  }
  return visited;
}

}  // namespace cloakroom
