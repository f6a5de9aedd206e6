#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/base/check.h"
#include "store/base/hash.h"
#include "store/table/expiry_wheel.h"
#include "store/table/segment_index.h"
#include "store/table/slab_heap.h"
#include "store/table/table.h"

namespace cloakroom {

/// A sum of deadlines: 2^48 each, so 64 bits do not do.
__extension__ typedef unsigned __int128 DeadlineSum;

/// The parts of a table. table.cc changes entries, table_scan.cc reads them all,
/// table_expiry.cc keeps and fires the wheel, table_upkeep.cc compacts and drains.
struct Table::Impl {
  explicit Impl(const Options& given)
      : options(given), index(Locator{given.locate, given.context}) {
    if (given.compacts) heap.PutOffHugeBlocks();
  }

  Options options;
  SegmentIndex index;
  SlabHeap heap;
  std::unique_ptr<ExpiryWheel> wheel;       // made with the first deadline
  std::unique_ptr<uint32_t[]> slot_counts;  // made with the first entry
  size_t size = 0;
  size_t with_deadline = 0;
  DeadlineSum deadline_sum = 0;
  uint32_t drain_from = 0;
  uint32_t lines_fetched = 4;  // of a block, see PrefetchEntry
  size_t check_above = 0;      // arms from which the wheel is rebuilt

  [[nodiscard]] Position Locate(const Entry& entry) const { return index.locator()(entry); }

  void NoteBlockSize();
  Block Lengthen(Block old, size_t value_bytes);

  /// The places that an arm may mean, in every segment that holds its prefixes.
  template <typename Visit>
  void ForArm(Arm arm, Visit visit) const;

  void AddArm(Arm arm, TimeMs at) { wheel->Add(arm, at); }
  /// Forgets the deadline of an entry that is about to go or to lose it.
  void ForgetDeadline(TimeMs deadline) {
    --with_deadline;
    deadline_sum -= static_cast<uint64_t>(deadline);
  }
  void FireArm(Arm arm, TimeMs now, FunctionRef<void(const KeyRef&, Entry*)> dying);
  void KeepArm(Arm arm);
  [[nodiscard]] bool ArmsAreStale() const;
  /// Drops stale arms, about `budget` of them looked at. False when more is to be looked at.
  bool CheckArms(size_t budget);
  void AssistCheck();
  void PrefetchArms(const Arm* arms, size_t count) const;
};

template <typename Visit>
void Table::Impl::ForArm(Arm arm, Visit visit) const {
  const uint64_t start = ArmPrefix(arm);
  uint64_t prefix = start;
  do {
    const IndexWord word = index.Lookup(prefix);
    if (word.IsSegment() && SegmentIndex::SearchIn(word, ArmBucket(arm), ArmTag(arm), visit))
      return;
    if (word.depth() <= kArmPrefixBits) return;
    prefix += word.depth() == 64 ? 1 : uint64_t{1} << (64 - word.depth());
  } while (prefix != 0 && RangeStart(prefix, kArmPrefixBits) == start);
}

}  // namespace cloakroom
