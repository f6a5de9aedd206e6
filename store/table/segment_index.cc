#include "store/table/segment_index.h"

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

// All places of a segment, listed so that the blocks can be fetched ahead of their use.
struct PlaceList {
  struct Item {
    Segment::Place place;
    uint32_t home;
  };
  std::array<Item, Segment::kPlacesMax> items;
  uint32_t count = 0;

  explicit PlaceList(Segment segment) {
    segment.ForAll([this](const Segment::Place& place, uint32_t home) {
      items[count++] = Item{place, home};
    });
  }
  // Fetches what is needed some steps after step `i`: header and key, which may straddle lines.
  void PrefetchAfter(uint32_t i) const {
    constexpr uint32_t kAhead = 12;
    if (i + kAhead >= count) return;
    const auto* block = reinterpret_cast<const char*>(EntryOf(items[i + kAhead].place.Load()));
    __builtin_prefetch(block);
    __builtin_prefetch(block + 48);
  }
};

}  // namespace

Segment SegmentIndex::NewSegment(uint32_t buckets, uint64_t prefix, uint32_t depth) {
  const size_t bytes = Segment::Bytes(buckets);
  const bool pooled = buckets == Segment::kBucketsMax && segments_.size() >= kSegmentsOfMalloc;
  auto* memory = pooled ? pool_.Allocate() : static_cast<uint8_t*>(std::aligned_alloc(64, bytes));
  CHECK(memory != nullptr);
  std::memset(memory, 0, bytes);
  if (!pooled) bytes_ += malloc_usable_size(memory);
  const Segment segment(memory, buckets - 1);
  Segment::Header& header = segment.header();
  header.prefix = RangeStart(prefix, depth);
  header.depth = static_cast<uint8_t>(depth);
  header.index = static_cast<uint32_t>(segments_.size());
  header.pooled = pooled;
  segments_.push_back(IndexWord::Of(segment, depth));
  return segment;
}

void SegmentIndex::FreeSegment(Segment segment) {
  const uint32_t index = segment.header().index;
  segments_[index] = segments_.back();
  segments_[index].segment().header().index = index;
  segments_.pop_back();
  Release(segment);
}

void SegmentIndex::Release(Segment segment) {
  if (segment.header().pooled) return pool_.Free(segment.memory());
  bytes_ -= malloc_usable_size(segment.memory());
  std::free(segment.memory());
}

void SegmentIndex::Insert(const Position& position, PlaceWord place) {
  const uint64_t prefix = position.Prefix();
  for (;;) {
    IndexWord word = Lookup(prefix);
    const uint32_t depth = word.depth();
    if (word.IsEmpty()) {
      word = IndexWord::Of(NewSegment(Segment::kBucketsMin, prefix, depth), depth);
      SetRegion(ContainerOf(prefix), prefix, depth, word);
    }
    Segment segment = word.segment();
    if (segment.Put(position.Bucket() & segment.mask(), position.Tag(), place)) return;
    if (segment.buckets() < Segment::kBucketsMax && Enlarge(word, prefix)) continue;
    if (depth == kDepthMax) {
      PutChain(word, position, place);
      return;
    }
    Split(prefix);
  }
}

// Moves a small segment's entries to one of twice the size or more; false when it has no place for
// one of them (keys that share a hash), or is of full size.
bool SegmentIndex::Enlarge(IndexWord word, uint64_t prefix) {
  const Segment old = word.segment();
  for (uint32_t buckets = old.buckets() * 2; buckets <= Segment::kBucketsMax; buckets *= 2) {
    const Segment fresh = NewSegment(buckets, prefix, word.depth());
    if (!PutAll(old, fresh)) {
      FreeSegment(fresh);
      continue;
    }
    fresh.header().next = old.header().next;
    FreeSegment(old);
    IndexWord enlarged = IndexWord::Of(fresh, word.depth());
    if (word.chained()) enlarged = enlarged.Chained();
    SetRegion(ContainerOf(prefix), prefix, word.depth(), enlarged);
    return true;
  }
  return false;
}

// Copies all places of `from` into `to`. False when one did not fit: then `to` is to be dropped.
bool SegmentIndex::PutAll(Segment from, Segment to) const {
  const PlaceList list(from);
  const bool home_is_known = from.mask() >= to.mask();
  for (uint32_t i = 0; i < list.count; ++i) {
    if (!home_is_known) list.PrefetchAfter(i);
    const PlaceWord word = list.items[i].place.Load();
    const uint32_t home = home_is_known ? list.items[i].home : locator_(*EntryOf(word)).Bucket();
    if (!to.Put(home & to.mask(), *list.items[i].place.tag, word & ~kDisplaced)) return false;
  }
  return true;
}

// Cuts the segment of `prefix` in two by the next bit. Each entry keeps its place, so this cannot
// fail; a half without entries gets no segment.
void SegmentIndex::Split(uint64_t prefix) {
  Container c = ContainerOf(prefix);
  const IndexWord word{c.words[c.IndexOf(prefix)]};
  const uint32_t depth = word.depth();
  CHECK(depth < kDepthMax);
  if (depth == c.bottom()) c = Deepen(c, prefix);

  const Segment segment = word.segment();
  const uint64_t start = segment.header().prefix;
  const uint64_t bit = uint64_t{1} << (63 - depth);
  const PlaceList list(segment);
  std::array<bool, Segment::kPlacesMax> is_high;
  uint32_t high_count = 0;
  for (uint32_t i = 0; i < list.count; ++i) {
    list.PrefetchAfter(i);
    const Position at = locator_(*EntryOf(list.items[i].place.Load()));
    is_high[i] = (at.Prefix() & bit) != 0;
    high_count += is_high[i];
  }

  IndexWord low = IndexWord::Empty(depth + 1);
  IndexWord high = IndexWord::Empty(depth + 1);
  if (high_count < list.count) low = IndexWord::Of(segment, depth + 1);
  if (high_count == list.count) {
    high = IndexWord::Of(segment, depth + 1);
    segment.header().prefix = start | bit;
  } else if (high_count > 0) {
    const Segment fresh = NewSegment(segment.buckets(), start | bit, depth + 1);
    for (uint32_t i = 0; i < list.count; ++i)
      if (is_high[i]) segment.MoveAcross(list.items[i].place, list.items[i].home, fresh);
    segment.BringHome();
    fresh.BringHome();
    high = IndexWord::Of(fresh, depth + 1);
  }
  segment.header().depth = static_cast<uint8_t>(depth + 1);
  SetRegion(c, start, depth + 1, low);
  SetRegion(c, start | bit, depth + 1, high);
  if (depth + 1 == c.bottom()) *c.full += 2;
}

// All 64 bits of prefix are shared: more segments are strung behind the first one.
void SegmentIndex::PutChain(IndexWord word, const Position& position, PlaceWord place) {
  const Segment first = word.segment();
  for (uint64_t next = first.header().next; next != 0;) {
    Segment segment = IndexWord{next}.segment();
    if (segment.Put(position.Bucket() & segment.mask(), position.Tag(), place)) return;
    next = segment.header().next;
  }
  Segment fresh = NewSegment(Segment::kBucketsMin, position.Prefix(), kDepthMax);
  fresh.header().next = first.header().next;
  first.header().next = IndexWord::Of(fresh, kDepthMax).bits;
  SetRegion(ContainerOf(position.Prefix()), position.Prefix(), kDepthMax, word.Chained());
  CHECK(fresh.Put(position.Bucket() & fresh.mask(), position.Tag(), place));
}

// Takes an empty segment out of the chain behind the first one.
void SegmentIndex::Unchain(IndexWord word, Segment empty) {
  Segment before = word.segment();
  const uint64_t prefix = before.header().prefix;
  const Segment first = before;
  while (IndexWord{before.header().next}.segment().memory() != empty.memory())
    before = IndexWord{before.header().next}.segment();
  before.header().next = empty.header().next;
  FreeSegment(empty);
  if (first.header().next == 0)
    SetRegion(ContainerOf(prefix), prefix, kDepthMax, IndexWord::Of(first, kDepthMax));
}

Segment::Place SegmentIndex::PlaceOf(const Position& position, const Entry* entry) const {
  const Segment::Place place =
      Search(position, [entry](const Entry* candidate) { return candidate == entry; });
  CHECK(place);
  return place;
}

PlaceWord SegmentIndex::Remove(const Position& position, const Entry* entry) {
  const IndexWord word = Lookup(position.Prefix());
  CHECK(word.IsSegment());
  const auto is_it = [entry](const Entry* candidate) { return candidate == entry; };
  for (IndexWord at = word; at.bits != 0; at.bits = at.segment().header().next) {
    Segment segment = at.segment();
    const uint32_t home = position.Bucket() & segment.mask();
    const Segment::Place place = segment.Search(home, position.Tag(), is_it);
    if (!place) continue;
    const PlaceWord taken = place.Load() & ~kDisplaced;
    segment.Remove(place, home);
    if (at.bits == word.bits)
      NoteSparse(segment);
    else if (segment.header().count == 0)
      Unchain(word, segment);
    return taken;
  }
  CheckFailed("the entry is in the index", __FILE__, __LINE__);
}

PlaceWord SegmentIndex::TakeAny(uint32_t& from) {
  while (!segments_.empty()) {
    Segment victim = segments_.back().segment();
    while (victim.header().next != 0) victim = IndexWord{victim.header().next}.segment();
    if (victim.header().count == 0) {
      const uint64_t prefix = victim.header().prefix;
      const IndexWord word = Lookup(prefix);
      from = 0;
      if (word.segment().memory() != victim.memory()) {
        Unchain(word, victim);
      } else {
        SetRegion(ContainerOf(prefix), prefix, word.depth(), IndexWord::Empty(word.depth()));
        FreeSegment(victim);
      }
      continue;
    }
    if (from >= victim.places()) from = 0;
    uint32_t home = 0;
    const Segment::Place place = victim.PlaceAt(from++, home);
    if (!place) continue;
    const PlaceWord taken = place.Load() & ~kDisplaced;
    victim.Remove(place, home);
    return taken;
  }
  return 0;
}

void SegmentIndex::NoteSparse(Segment segment) {
  Segment::Header& header = segment.header();
  if (header.count % kLookEvery != 0 || header.count > kMergedMax || header.queued) return;
  header.queued = true;
  candidates_.push_back(header.prefix);
}

}  // namespace cloakroom
