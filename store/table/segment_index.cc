#include "store/table/segment_index.h"

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"

namespace cloakroom {
namespace {

uint64_t* NewWords(size_t count, size_t& bytes) {
  auto* words = static_cast<uint64_t*>(std::malloc(count * sizeof(uint64_t)));
  CHECK(words != nullptr);
  bytes += count * sizeof(uint64_t);
  return words;
}

void FreeWords(uint64_t* words, size_t count, size_t& bytes) {
  bytes -= count * sizeof(uint64_t);
  std::free(words);
}

void FreeNode(IndexWord directory) {
  uint64_t* node = directory.node();
  for (size_t i = 1; i <= size_t{1} << directory.depth(); ++i)
    if (IndexWord{node[i]}.IsDirectory()) FreeNode(IndexWord{node[i]});
  std::free(node);
}

uint64_t CountFull(const uint64_t* words, size_t count, uint32_t bottom) {
  uint64_t full = 0;
  for (size_t i = 0; i < count; ++i)
    full += IndexWord{words[i]}.IsDirectory() || IndexWord{words[i]}.depth() == bottom;
  return full;
}

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

uint64_t RangeStart(uint64_t prefix, uint32_t depth) {
  return depth == 0 ? 0 : prefix >> (64 - depth) << (64 - depth);
}

SegmentIndex::~SegmentIndex() {
  for (const IndexWord word : segments_) std::free(word.segment().memory());
  if (root_ == &empty_root_) return;
  for (size_t i = 0; i < size_t{1} << root_decides_; ++i)
    if (IndexWord{root_[i]}.IsDirectory()) FreeNode(IndexWord{root_[i]});
  std::free(root_);
}

SegmentIndex::Container SegmentIndex::ContainerOf(uint64_t prefix) const {
  auto* self = const_cast<SegmentIndex*>(this);
  Container c{root_, &self->root_full_, nullptr, 0, root_decides_};
  for (;;) {
    uint64_t* word = &c.words[c.IndexOf(prefix)];
    if (!IndexWord{*word}.IsDirectory()) return c;
    uint64_t* node = IndexWord{*word}.node();
    c = Container{node + 1, node, word, c.bottom(), IndexWord{*word}.depth()};
  }
}

void SegmentIndex::SetRegion(const Container& c, uint64_t prefix, uint32_t depth, IndexWord word) {
  DCHECK(depth <= c.bottom());
  const size_t first = c.IndexOf(RangeStart(prefix, depth));
  const size_t count = size_t{1} << (c.bottom() - depth);
  for (size_t i = first; i < first + count; ++i) c.words[i] = word.bits;
}

// Makes the directory that holds `prefix` decide one bit more: by doubling it, or, where it has its
// full size, by hanging a new one below that word.
SegmentIndex::Container SegmentIndex::Deepen(const Container& c, uint64_t prefix) {
  const bool is_root = c.self == nullptr;
  const size_t old_count = size_t{1} << c.decides;
  if (c.decides == (is_root ? kRootDecidesMax : kNodeDecidesMax)) {
    uint64_t* word = &c.words[c.IndexOf(prefix)];
    uint64_t* node = NewWords(3, bytes_);
    node[0] = 0;
    node[1] = node[2] = *word;
    *word = IndexWord::Directory(node, 1).bits;
    return Container{node + 1, node, word, c.bottom(), 1};
  }
  const size_t head = is_root ? 0 : 1;
  uint64_t* fresh = NewWords(head + old_count * 2, bytes_);
  for (size_t i = 0; i < old_count; ++i) fresh[head + 2 * i] = fresh[head + 2 * i + 1] = c.words[i];
  if (is_root) {
    if (root_ != &empty_root_) FreeWords(root_, old_count, bytes_);
    root_ = fresh;
    root_decides_ += 1;
    root_full_ = 0;
    return Container{root_, &root_full_, nullptr, 0, root_decides_};
  }
  FreeWords(c.full, old_count + 1, bytes_);
  fresh[0] = 0;
  *c.self = IndexWord::Directory(fresh, c.decides + 1).bits;
  return Container{fresh + 1, fresh, c.self, c.decided, c.decides + 1};
}

// Halves a directory while nothing in it needs its last bit.
void SegmentIndex::Shallow(const Container& from) {
  Container c = from;
  while (*c.full == 0 && c.decides > 0) {
    const bool is_root = c.self == nullptr;
    const size_t old_count = size_t{1} << c.decides;
    const size_t count = old_count / 2;
    const uint32_t bottom = c.bottom() - 1;
    if (!is_root && c.decides == 1) {
      *c.self = c.words[0];
      FreeWords(c.full, old_count + 1, bytes_);
      return;
    }
    const size_t head = is_root ? 0 : 1;
    const bool inlined = is_root && count == 1;
    uint64_t* fresh = inlined ? &empty_root_ : NewWords(head + count, bytes_);
    for (size_t i = 0; i < count; ++i) fresh[head + i] = c.words[2 * i];
    const uint64_t full = CountFull(fresh + head, count, bottom);
    if (is_root) {
      FreeWords(root_, old_count, bytes_);
      root_ = fresh;
      root_decides_ -= 1;
      root_full_ = full;
      c = Container{root_, &root_full_, nullptr, 0, root_decides_};
    } else {
      FreeWords(c.full, old_count + 1, bytes_);
      fresh[0] = full;
      *c.self = IndexWord::Directory(fresh, c.decides - 1).bits;
      c = Container{fresh + 1, fresh, c.self, c.decided, c.decides - 1};
    }
  }
}

Segment SegmentIndex::NewSegment(uint32_t buckets, uint64_t prefix, uint32_t depth) {
  const size_t bytes = Segment::Bytes(buckets);
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(64, bytes));
  CHECK(memory != nullptr);
  std::memset(memory, 0, bytes);
  bytes_ += malloc_usable_size(memory);
  const Segment segment(memory, buckets - 1);
  Segment::Header& header = segment.header();
  header.prefix = RangeStart(prefix, depth);
  header.depth = static_cast<uint8_t>(depth);
  header.index = static_cast<uint32_t>(segments_.size());
  segments_.push_back(IndexWord::Of(segment, depth));
  return segment;
}

void SegmentIndex::FreeSegment(Segment segment) {
  const uint32_t index = segment.header().index;
  segments_[index] = segments_.back();
  segments_[index].segment().header().index = index;
  segments_.pop_back();
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
    if (!to.Put(home & to.mask(), *list.items[i].place.tag, word & ~kMarkMask)) return false;
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
    const PlaceWord taken = place.Load() & ~kMarkMask;
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
    const PlaceWord taken = place.Load() & ~kMarkMask;
    victim.Remove(place, home);
    return taken;
  }
  return 0;
}

void SegmentIndex::NoteSparse(Segment segment) {
  Segment::Header& header = segment.header();
  if ((header.count != kSparse && header.count != 0) || header.queued) return;
  header.queued = true;
  candidates_.push_back(header.prefix);
}

bool SegmentIndex::Merge(size_t budget) {
  constexpr size_t kCost = 16;  // a merge, in moves of a block
  while (!candidates_.empty() && budget > 0) {
    const uint64_t prefix = candidates_.back();
    if (MergeOnce(prefix))
      budget -= budget < kCost ? budget : kCost;
    else
      candidates_.pop_back();
  }
  if (candidates_.empty() && candidates_.capacity() > 64) candidates_.shrink_to_fit();
  return candidates_.empty();
}

// One step up for what stands at `prefix`: an empty segment is freed, or it and its buddy become
// one. False when neither is due.
bool SegmentIndex::MergeOnce(uint64_t prefix) {
  const Container c = ContainerOf(prefix);
  IndexWord word{c.words[c.IndexOf(prefix)]};
  const uint32_t depth = word.depth();
  if (word.IsSegment()) {
    const Segment segment = word.segment();
    segment.header().queued = false;
    if (word.chained()) return false;
    if (segment.header().count == 0) {
      if (depth == 0 && segment.buckets() == Segment::kBucketsMin) return false;
      FreeSegment(segment);
      SetRegion(c, prefix, depth, IndexWord::Empty(depth));
      return true;
    }
  }
  if (depth == 0) return false;

  const uint64_t buddy = RangeStart(prefix, depth) ^ (uint64_t{1} << (64 - depth));
  const IndexWord other{c.words[c.IndexOf(buddy)]};
  if (other.IsDirectory() || other.depth() != depth || other.chained()) return false;
  IndexWord merged = IndexWord::Empty(depth - 1);
  if (word.IsSegment() || other.IsSegment()) {
    Segment segment = word.IsSegment() ? word.segment() : other.segment();
    if (word.IsSegment() && other.IsSegment()) {
      segment = MergeSegments(word.segment(), other.segment());
      if (segment.memory() == nullptr) return false;
    } else if (segment.header().count > kMergedMax) {
      return false;
    }
    segment.header().depth = static_cast<uint8_t>(depth - 1);
    segment.header().prefix = RangeStart(prefix, depth - 1);
    merged = IndexWord::Of(segment, depth - 1);
  }
  SetRegion(c, prefix, depth - 1, merged);
  if (c.bottom() == depth) {
    *c.full -= 2;
    Shallow(c);
  }
  return true;
}

// A new segment with the entries of both, which are freed; none when they are too many together.
Segment SegmentIndex::MergeSegments(Segment a, Segment b) {
  const uint32_t count = uint32_t{a.header().count} + b.header().count;
  if (count > kMergedMax) return {};
  uint32_t buckets = Segment::kBucketsMin;
  while (buckets * (Segment::kPlacesMax / Segment::kBucketsMax) / 2 < count) buckets *= 2;
  const Segment fresh = NewSegment(buckets, 0, 0);
  if (!PutAll(a, fresh) || !PutAll(b, fresh)) {
    FreeSegment(fresh);
    return {};
  }
  FreeSegment(a);
  FreeSegment(b);
  return fresh;
}

}  // namespace cloakroom
