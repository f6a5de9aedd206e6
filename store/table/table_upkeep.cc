#include <algorithm>
#include <cstring>

#include "store/table/table_impl.h"

namespace cloakroom {

bool Table::Compact(size_t budget) {
  Impl& t = *impl_;
  t.NoteBlockSize();
  budget = t.heap.FreeSlowly(budget);
  t.index.Merge(budget);
  budget = t.index.Gather(budget);
  for (; budget > 0; --budget) {
    const Block old = t.heap.NextToMove();
    if (old.at == nullptr) break;
    const auto* entry = static_cast<const Entry*>(old.at);
    const Segment::Place place = t.index.PlaceOf(t.Locate(*entry), entry);
    const size_t bytes = SlabHeap::Capacity(old);
    const Block fresh = t.heap.Allocate(bytes);
    std::memcpy(fresh.at, old.at, bytes);
    place.Store(MakePlaceWord(fresh.at, fresh.kind) | (place.Load() & kDisplaced));
    t.heap.Free(old);
  }
  t.CheckArms(budget);
  return !t.heap.Sparse() && !t.heap.FreesSlowly() && !t.index.MergeWaits() &&
         !t.index.GatherWaits() && !(t.wheel && (t.wheel->InPass() || t.ArmsAreStale()));
}

void Table::PackStill() { impl_->heap.PackStill(); }

bool Table::Drain(size_t budget, FunctionRef<void(Entry*)> dying) {
  CHECK(!captured());
  Impl& t = *impl_;
  t.heap.PutOffHugeBlocks();
  t.slot_counts.reset();
  if (t.wheel) {
    if (!t.wheel->Clear(budget)) return false;
    t.wheel.reset();
  }
  for (; budget > 0; --budget) {
    const PlaceWord word = t.index.TakeAny(t.drain_from);
    if (word == 0) break;
    Entry* entry = EntryOf(word);
    dying(entry);
    if (entry->deadline() != kNoDeadline) t.ForgetDeadline(entry->deadline());
    t.heap.Free({entry, KindOf(word)});
    --t.size;
  }
  (void)t.heap.FreeSlowly(budget);
  return t.size == 0 && !t.heap.FreesSlowly();
}

}  // namespace cloakroom
