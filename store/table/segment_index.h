#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/base/position.h"
#include "store/table/entry.h"
#include "store/table/segment.h"
#include "store/table/segment_pool.h"

namespace cloakroom {

/// From an entry's key to its position.
struct Locator {
  Position (*locate)(const void* context, std::string_view key) = nullptr;
  const void* context = nullptr;

  Position operator()(const Entry& entry) const { return locate(context, entry.key()); }
};

/// One word of a directory: what stands for all prefixes that lead to it.
///   bits 0-5    of a segment: its bucket mask
///   bits 6-47   address of the segment; of a directory from bit 4 on
///   bits 48-55  depth: how many bits of prefix all below share; of a directory: how many it
///   decides bits 56-57  kind bit  58     the segment has an overflow chain
struct IndexWord {
  enum Kind : uint64_t { kEmpty = 0, kSegment = 1, kDirectory = 2 };
  uint64_t bits = 0;

  static IndexWord Empty(uint32_t depth) { return {uint64_t{depth} << 48}; }
  static IndexWord Of(Segment segment, uint32_t depth) {
    return {reinterpret_cast<uint64_t>(segment.memory()) | segment.mask() | uint64_t{depth} << 48 |
            uint64_t{kSegment} << 56};
  }
  static IndexWord Directory(const void* node, uint32_t decides) {
    return {reinterpret_cast<uint64_t>(node) | uint64_t{decides} << 48 |
            uint64_t{kDirectory} << 56};
  }
  [[nodiscard]] Kind kind() const { return static_cast<Kind>((bits >> 56) & 3); }
  [[nodiscard]] bool IsSegment() const { return kind() == kSegment; }
  [[nodiscard]] bool IsDirectory() const { return kind() == kDirectory; }
  [[nodiscard]] bool IsEmpty() const { return kind() == kEmpty; }
  [[nodiscard]] bool chained() const { return (bits >> 58) & 1; }
  [[nodiscard]] IndexWord Chained() const { return {bits | uint64_t{1} << 58}; }
  [[nodiscard]] uint32_t depth() const { return (bits >> 48) & 255; }
  [[nodiscard]] Segment segment() const {
    return {reinterpret_cast<uint8_t*>(bits & 0xFFFF'FFFF'FFC0ULL),
            static_cast<uint32_t>(bits & 63)};
  }
  [[nodiscard]] uint64_t* node() const {
    return reinterpret_cast<uint64_t*>(bits & 0xFFFF'FFFF'FFF0ULL);
  }
};

/// The first prefix of those that share their first `depth` bits with `prefix`.
[[nodiscard]] uint64_t RangeStart(uint64_t prefix, uint32_t depth);

/// The hash index: extendible hashing by Position::Prefix(). The root directory decides up to 14
/// bits, the slot, and up to 17 where most slots need that; a slot with more than a segment's worth
/// has directories of its own below (each deciding up to 10 bits more), so a hot slot inflates no
/// other. Entries are owned by the Table.
///
/// How a position leads to a block (the prefix picks the segment, then bucket and tag):
///
///   root (by slot)    directory of a hot slot     segment: 8 to 64 buckets of a cache line
///    +------+                        +------+       +---------+-------+------------+
///    | word |-- shared by slots ------------------> | 9 tags  | over  | 9 pointers |  bucket
///    | word |-- one slot, many ----> | word |-----> +---------+-------+------------+
///    | word |-> (nothing)            | word |-> ... | 27 tags | homes | pointers   |  stash of 16
///    +------+                        +------+       +---------+-------+------------+  buckets
///   pointer (6 bytes)  address | displaced (1 bit) | malloc's own or on a page (1 bit)
class SegmentIndex {
 public:
  /// The root decides up to `root_decides_freely` bits as need be: a slot's, but in tests.
  explicit SegmentIndex(const Locator& locator, uint32_t root_decides_freely = 14)
      : locator_(locator), root_decides_freely_(root_decides_freely) {}
  ~SegmentIndex();
  SegmentIndex(const SegmentIndex&) = delete;
  SegmentIndex& operator=(const SegmentIndex&) = delete;

  /// The directory word that stands for `prefix`; never a directory. O(1).
  [[nodiscard]] IndexWord Lookup(uint64_t prefix) const {
    IndexWord word{root_[(prefix >> 1) >> (63 - root_decides_)]};
    if (word.IsDirectory()) {
      uint32_t decided = root_decides_;
      do {
        const uint32_t decides = word.depth();
        word.bits = word.node()[1 + ((prefix << decided) >> (64 - decides))];
        decided += decides;
      } while (word.IsDirectory());
    }
    return word;
  }

  /// Looks at each entry that may stand at `position` until `wanted(Entry*)` says true.
  template <typename Wanted>
  Segment::Place Search(const Position& position, Wanted wanted) const {
    const IndexWord word = Lookup(position.Prefix());
    if (!word.IsSegment()) return {};
    return SearchIn(word, position.Bucket(), position.Tag(), wanted);
  }
  /// The same in one segment and its chain.
  template <typename Wanted>
  static Segment::Place SearchIn(IndexWord word, uint32_t bucket, uint8_t tag, Wanted wanted) {
    Segment segment = word.segment();
    const Segment::Place at = segment.Search(bucket & segment.mask(), tag, wanted);
    if (at || !word.chained()) [[likely]]
      return at;
    return SearchChain(word, bucket, tag, wanted);
  }

  /// Adds `word` (an entry's block, not displaced). Splits segments as needed.
  void Insert(const Position& position, PlaceWord word);
  /// Removes the place of `entry`, which must be there; returns its word.
  PlaceWord Remove(const Position& position, const Entry* entry);
  /// The place of `entry`, which must be there.
  [[nodiscard]] Segment::Place PlaceOf(const Position& position, const Entry* entry) const;

  /// Tries to merge up to `budget` sparse segments with their buddies. False when more wait.
  bool Merge(size_t budget);
  [[nodiscard]] bool MergeWaits() const { return !candidates_.empty(); }

  /// Moves segments out of half-empty chunks: about `budget` moves of a block. What is left of it.
  size_t Gather(size_t budget);
  [[nodiscard]] bool GatherWaits() const { return pool_.Sparse(); }

  /// All segments, in no order.
  [[nodiscard]] const std::vector<IndexWord>& segments() const { return segments_; }
  /// Empties one place of the newest segment; its word, or 0 when the index is empty. `from` is
  /// where to go on in that segment: keep it between calls, start with 0. For draining.
  PlaceWord TakeAny(uint32_t& from);

  [[nodiscard]] const Locator& locator() const { return locator_; }
  [[nodiscard]] size_t bytes() const {
    return bytes_ + pool_.bytes() + segments_.capacity() * sizeof(IndexWord) +
           candidates_.capacity() * sizeof(uint64_t);
  }

  static constexpr uint32_t kDepthMax = 64;

 private:
  // So many bits more than it decides freely the root may decide. To double a larger one at once
  // would take too long.
  static constexpr uint32_t kRootDecidesMore = 3;
  static constexpr uint32_t kNodeDecidesMax = 10;
  // A small index does not hold chunks that it does not fill.
  static constexpr size_t kSegmentsOfMalloc = 16;
  // Buddies merge when together they fill no more than four fifths of a segment: well below where
  // one splits, so that it does not split again soon. As one empties it is looked at every so
  // often.
  static constexpr uint32_t kMergedMax = Segment::kPlacesMax * 4 / 5;
  static constexpr uint32_t kLookEvery = 32;

  // A directory on the way to a prefix. `full` counts the words that no neighbour shares.
  struct Container {
    uint64_t* words = nullptr;
    uint64_t* full = nullptr;
    uint64_t* self = nullptr;  // the word that points here; nullptr for the root
    uint32_t decided = 0;      // bits decided above
    uint32_t decides = 0;
    [[nodiscard]] uint32_t bottom() const { return decided + decides; }
    [[nodiscard]] size_t IndexOf(uint64_t prefix) const {
      return decides == 0 ? 0 : (prefix << decided) >> (64 - decides);
    }
  };

  template <typename Wanted>
  static Segment::Place SearchChain(IndexWord word, uint32_t bucket, uint8_t tag, Wanted wanted) {
    uint64_t next = word.segment().header().next;
    while (next != 0) {
      const Segment segment = IndexWord{next}.segment();
      if (const Segment::Place at = segment.Search(bucket & segment.mask(), tag, wanted)) return at;
      next = segment.header().next;
    }
    return {};
  }

  [[nodiscard]] Container ContainerOf(uint64_t prefix) const;
  void SetRegion(const Container& c, uint64_t prefix, uint32_t depth, IndexWord word);
  Container Deepen(const Container& c, uint64_t prefix);
  [[nodiscard]] bool RootMayDouble() const;
  void DoubleRoot();
  uint64_t DoubleWords(const uint64_t* words, size_t count, uint32_t bottom, uint64_t* fresh);
  void SplitNode(IndexWord directory, uint32_t decided, uint64_t* halves);
  void Shallow(const Container& c);

  Segment NewSegment(uint32_t buckets, uint64_t prefix, uint32_t depth);
  void FreeSegment(Segment segment);
  void Release(Segment segment);
  bool Enlarge(IndexWord word, uint64_t prefix);
  void Split(uint64_t prefix);
  void PutChain(IndexWord word, const Position& position, PlaceWord place);
  void Unchain(IndexWord word, Segment empty);
  void NoteSparse(Segment segment);
  bool MergeOnce(uint64_t prefix);
  Segment MergeSegments(Segment a, Segment b);
  [[nodiscard]] bool PutAll(Segment from, Segment to) const;

  Locator locator_;
  uint32_t root_decides_freely_;
  uint64_t empty_root_ = 0;  // the root while it decides nothing
  uint64_t* root_ = &empty_root_;
  uint32_t root_decides_ = 0;
  uint64_t root_full_ = 1;
  size_t bytes_ = 0;  // from malloc
  SegmentPool pool_;
  std::vector<IndexWord> segments_;
  std::vector<uint64_t> candidates_;  // prefixes of segments that became sparse
};

}  // namespace cloakroom
