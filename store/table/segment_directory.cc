#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"
#include "store/table/segment_index.h"

// The directories of a SegmentIndex: how they deepen as segments split, and what merging undoes.

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

}  // namespace

uint64_t RangeStart(uint64_t prefix, uint32_t depth) {
  return depth == 0 ? 0 : prefix >> (64 - depth) << (64 - depth);
}

SegmentIndex::~SegmentIndex() {
  for (const IndexWord word : segments_)
    if (!word.segment().header().pooled) std::free(word.segment().memory());
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
  if (is_root && RootMayDouble()) {
    DoubleRoot();
    return Container{root_, &root_full_, nullptr, 0, root_decides_};
  }
  const size_t old_count = size_t{1} << c.decides;
  if (is_root || c.decides == kNodeDecidesMax) {
    uint64_t* word = &c.words[c.IndexOf(prefix)];
    uint64_t* node = NewWords(3, bytes_);
    node[0] = 0;
    node[1] = node[2] = *word;
    *word = IndexWord::Directory(node, 1).bits;
    return Container{node + 1, node, word, c.bottom(), 1};
  }
  uint64_t* fresh = NewWords(1 + old_count * 2, bytes_);
  fresh[0] = DoubleWords(c.words, old_count, c.bottom(), fresh + 1);
  FreeWords(c.full, old_count + 1, bytes_);
  *c.self = IndexWord::Directory(fresh, c.decides + 1).bits;
  return Container{fresh + 1, fresh, c.self, c.decided, c.decides + 1};
}

// Beyond the slots only when most of its words would be used: then few nodes hang below it.
bool SegmentIndex::RootMayDouble() const {
  if (root_decides_ < root_decides_freely_) return true;
  return root_decides_ < root_decides_freely_ + kRootDecidesMore &&
         segments_.size() >= (size_t{3} << root_decides_) / 4;
}

void SegmentIndex::DoubleRoot() {
  const size_t old_count = size_t{1} << root_decides_;
  uint64_t* const fresh = NewWords(old_count * 2, bytes_);
  root_full_ = DoubleWords(root_, old_count, root_decides_, fresh);
  if (root_ != &empty_root_) FreeWords(root_, old_count, bytes_);
  root_ = fresh;
  root_decides_ += 1;
}

// Fills `fresh` with twice `count` words of a directory that has decided `bottom` bits, and decides
// one more. Returns how many of them no neighbour shares.
uint64_t SegmentIndex::DoubleWords(const uint64_t* words, size_t count, uint32_t bottom,
                                   uint64_t* fresh) {
  uint64_t full = 0;
  for (size_t i = 0; i < count; ++i) {
    fresh[2 * i] = fresh[2 * i + 1] = words[i];
    if (!IndexWord{words[i]}.IsDirectory()) continue;
    SplitNode(IndexWord{words[i]}, bottom, fresh + 2 * i);
    full += 2;
  }
  return full;
}

// Cuts a node, above which `decided` bits are decided, in two: `halves`, words of a directory that
// decides one bit more than before, lead to them. Each decides one bit less, and is none at all
// where nothing more is to be decided.
void SegmentIndex::SplitNode(IndexWord directory, uint32_t decided, uint64_t* halves) {
  uint64_t* const node = directory.node();
  const uint32_t decides = directory.depth() - 1;
  const size_t count = size_t{1} << decides;
  for (size_t half = 0; half < 2; ++half) {
    const uint64_t* const words = node + 1 + half * count;
    if (decides == 0) {
      halves[half] = words[0];
      continue;
    }
    uint64_t* const fresh = NewWords(1 + count, bytes_);
    std::copy(words, words + count, fresh + 1);
    fresh[0] = CountFull(words, count, decided + 1 + decides);
    halves[half] = IndexWord::Directory(fresh, decides).bits;
    Shallow(Container{fresh + 1, fresh, halves + half, decided + 1, decides});
  }
  FreeWords(node, 1 + 2 * count, bytes_);
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

size_t SegmentIndex::Gather(size_t budget) {
  constexpr size_t kCost = 8;  // of copying a segment, in moves of a block
  while (budget > 0 && pool_.Sparse()) {
    uint8_t* const memory = pool_.Allocate();
    const Segment old(pool_.NextToMove(), Segment::kBucketsMax - 1);
    std::memcpy(memory, old.memory(), SegmentPool::kSegmentBytes);
    const Segment fresh(memory, old.mask());
    const Segment::Header& header = fresh.header();
    segments_[header.index] = IndexWord::Of(fresh, header.depth);
    IndexWord word = IndexWord::Of(fresh, header.depth);
    if (header.next != 0) word = word.Chained();
    SetRegion(ContainerOf(header.prefix), header.prefix, header.depth, word);
    Release(old);
    budget -= std::min(budget, kCost);
  }
  return budget;
}

// A new segment with the entries of both, which are freed; none when they are too many together.
Segment SegmentIndex::MergeSegments(Segment a, Segment b) {
  const uint32_t count = uint32_t{a.header().count} + b.header().count;
  if (count > kMergedMax) return {};
  uint32_t buckets = Segment::kBucketsMin;
  while (buckets < Segment::kBucketsMax && buckets * Segment::kBucketPlaces / 2 < count)
    buckets *= 2;
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
