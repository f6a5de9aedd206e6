#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "store/table/entry.h"
#include "store/table/slab_heap.h"

namespace cloakroom {

/// What a place of the index holds, in 48 bits: the address of a block (a multiple of 4), and in
/// the bits that are free below it how the block was got (BlockKind, bit 0) and whether the
/// entry is displaced (bit 1).
using PlaceWord = uint64_t;

inline constexpr PlaceWord kDisplaced = 2;

[[nodiscard]] inline PlaceWord MakePlaceWord(const void* block, BlockKind kind) {
  return reinterpret_cast<uint64_t>(block) | static_cast<uint64_t>(kind);
}
[[nodiscard]] inline Entry* EntryOf(PlaceWord word) {
  return reinterpret_cast<Entry*>(word & ~PlaceWord{3});
}
[[nodiscard]] inline BlockKind KindOf(PlaceWord word) { return static_cast<BlockKind>(word & 1); }

/// A leaf of the index: n buckets of one cache line (n = 8, 16, 32 or 64), a stash for each sixteen
/// of them, and a header. This is a handle, two words, passed by value; SegmentIndex owns the
/// memory.
///
///   bucket   tag x 9 | over | pointer x 9           64 bytes, n of them
///   stash    tag x 27 | home x 27 | pointer x 27    216 bytes, n/16 of them, at least one
///   header                                          24 bytes
///
/// An entry stands in its home bucket, in the one after it (displaced), or in the stash of its
/// sixteen. `over` of the home bucket counts both kinds of strays (low and high four bits), so that
/// a search for what is absent mostly ends at the first line. A tag of 0 marks an empty place.
/// Filled at random, a segment of 64 buckets has no place for the next entry at about 0.92 of its
/// 684 places.
class Segment {
 public:
  static constexpr uint32_t kBucketPlaces = 9;
  static constexpr uint32_t kStashPlaces = 27;  // so that 13 segments fit 64 KiB: see SegmentPool
  static constexpr uint32_t kBucketsAStash = 16;
  static constexpr uint32_t kBucketsMax = 64;
  static constexpr uint32_t kBucketsMin = 8;
  static constexpr uint32_t kPlacesMax =
      kBucketsMax * kBucketPlaces + kBucketsMax / kBucketsAStash * kStashPlaces;

  struct Header {
    uint64_t prefix;  // where its range starts
    uint64_t next;    // the next segment of an overflow chain, or 0; see SegmentIndex
    uint32_t index;   // where it stands in the dense array
    uint16_t count;   // entries
    uint8_t depth;    // how many bits of prefix its entries share
    bool queued : 1;  // is a candidate for merging
    bool pooled : 1;  // its memory is the SegmentPool's
  };

  enum class Where : uint8_t { kHome, kNeighbour, kStash };
  /// One place, by address. `tag` is nullptr when there is none.
  struct Place {
    uint8_t* tag = nullptr;
    uint8_t* word = nullptr;
    Where where = Where::kHome;

    explicit operator bool() const { return tag != nullptr; }
    [[nodiscard]] PlaceWord Load() const { return LoadWord(word); }
    void Store(PlaceWord value) const { StoreWord(word, value); }
  };

  Segment() = default;
  Segment(uint8_t* memory, uint32_t mask) : base_(memory), mask_(mask) {}

  [[nodiscard]] static constexpr uint32_t Bytes(uint32_t buckets) {
    return (HeaderOffset(buckets) + uint32_t{sizeof(Header)} + 63) / 64 * 64;
  }

  [[nodiscard]] uint8_t* memory() const { return base_; }
  [[nodiscard]] uint32_t mask() const { return mask_; }
  [[nodiscard]] uint32_t buckets() const { return mask_ + 1; }
  [[nodiscard]] uint32_t places() const {
    return buckets() * kBucketPlaces + Stashes(buckets()) * kStashPlaces;
  }
  [[nodiscard]] Header& header() const {
    return *reinterpret_cast<Header*>(base_ + HeaderOffset(buckets()));
  }
  [[nodiscard]] const uint8_t* Line(uint32_t bucket) const { return base_ + size_t{bucket} * 64; }

  /// Looks at each entry that may have this home and tag (few others share them) until
  /// `wanted(Entry*)` says true. `home` is Position::Bucket() & mask().
  template <typename Wanted>
  Place Search(uint32_t home, uint8_t tag, Wanted wanted) const {
    uint8_t* line = Bucket(home);
    if (const Place at = SearchBucket(line, tag, wanted)) return at;
    const uint8_t over = line[kOver];
    if (over == 0) [[likely]]
      return {};
    return SearchStrays(home, over, tag, wanted);
  }

  /// Puts an entry in, moving one other entry aside if that makes room. False when there is no
  /// room: the segment must grow or split. `word` is not displaced.
  bool Put(uint32_t home, uint8_t tag, PlaceWord word);

  /// Empties a place that Search gave for `home`.
  void Remove(const Place& place, uint32_t home);

  /// Calls visit(PlaceWord) for each entry whose home is `home`.
  template <typename Visit>
  void ForHome(uint32_t home, Visit visit) const {
    ForBucket(home, false, visit);
    const uint8_t over = Bucket(home)[kOver];
    if (over & 15) ForBucket((home + 1) & mask_, true, visit);
    if (over >> 4) {
      uint8_t* stash = Stash(home);
      for (uint32_t i = 0; i < kStashPlaces; ++i)
        if (stash[i] != 0 && stash[kStashPlaces + i] == home) visit(LoadWord(StashWord(stash, i)));
    }
  }

  /// Calls visit(const Place&, home) for each entry. `visit` may remove that very place.
  template <typename Visit>
  void ForAll(Visit visit) const {
    for (uint32_t bucket = 0; bucket < buckets(); ++bucket) {
      uint8_t* line = Bucket(bucket);
      for (uint32_t i = 0; i < kBucketPlaces; ++i) {
        if (line[i] == 0) continue;
        const bool displaced = (LoadWord(BucketWord(line, i)) & kDisplaced) != 0;
        visit(Place{line + i, BucketWord(line, i), displaced ? Where::kNeighbour : Where::kHome},
              displaced ? (bucket + mask_) & mask_ : bucket);
      }
    }
    for (uint32_t first = 0; first < buckets(); first += kBucketsAStash) {
      uint8_t* stash = Stash(first);
      for (uint32_t i = 0; i < kStashPlaces; ++i)
        if (stash[i] != 0)
          visit(Place{stash + i, StashWord(stash, i), Where::kStash},
                uint32_t{stash[kStashPlaces + i]});
    }
  }

  /// Place number `number`, below places(), and the home of what stands there; none when empty.
  [[nodiscard]] Place PlaceAt(uint32_t number, uint32_t& home) const;

  /// Moves the entry of `place` to the same place of `other`, which is of the same size.
  void MoveAcross(const Place& place, uint32_t home, Segment other) const;

  /// Brings displaced and stashed entries home where there is room now.
  void BringHome() const;

  static PlaceWord LoadWord(const uint8_t* at) {
    uint64_t word = 0;
    std::memcpy(&word, at - 2, 8);
    return word >> 16;
  }
  static void StoreWord(uint8_t* at, PlaceWord word) { std::memcpy(at, &word, 6); }

 private:
  static constexpr uint32_t kOver = kBucketPlaces;  // the byte after the tags
  static constexpr uint32_t kStashBytes = kStashPlaces * 8;

  [[nodiscard]] uint8_t* Bucket(uint32_t bucket) const { return base_ + size_t{bucket} * 64; }
  [[nodiscard]] static constexpr uint32_t Stashes(uint32_t buckets) {
    return (buckets + kBucketsAStash - 1) / kBucketsAStash;
  }
  [[nodiscard]] static constexpr uint32_t HeaderOffset(uint32_t buckets) {
    return buckets * 64 + Stashes(buckets) * kStashBytes;
  }
  [[nodiscard]] uint8_t* Stash(uint32_t home) const {
    return base_ + size_t{buckets()} * 64 + size_t{home / kBucketsAStash} * kStashBytes;
  }
  static uint8_t* BucketWord(uint8_t* line, uint32_t i) { return line + 10 + size_t{i} * 6; }
  static uint8_t* StashWord(uint8_t* stash, uint32_t i) {
    return stash + kStashPlaces * 2 + size_t{i} * 6;
  }

  /// Bit i is set where place i of a bucket or stash has `tag`.
  static uint32_t MatchBucket(const uint8_t* line, uint8_t tag) {
#if defined(__SSE2__)
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(line));
    const __m128i same = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(same)) & ((1U << kBucketPlaces) - 1);
#else
    uint32_t found = 0;
    for (uint32_t i = 0; i < kBucketPlaces; ++i) found |= uint32_t{line[i] == tag} << i;
    return found;
#endif
  }
  static uint32_t MatchStash(const uint8_t* stash, uint8_t tag) {
    uint32_t found = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
    const auto* tags = reinterpret_cast<const __m128i*>(stash);
    const auto low = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(tags), wanted));
    const auto high = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(tags + 1), wanted));
    found = static_cast<uint32_t>(low) | static_cast<uint32_t>(high) << 16;
    found &= (1U << kStashPlaces) - 1;
#else
    for (uint32_t i = 0; i < kStashPlaces; ++i) found |= uint32_t{stash[i] == tag} << i;
#endif
    return found;
  }

  template <typename Wanted>
  static Place SearchBucket(uint8_t* line, uint8_t tag, Wanted wanted) {
    for (uint32_t found = MatchBucket(line, tag); found != 0; found &= found - 1) {
      uint8_t* at = BucketWord(line, static_cast<uint32_t>(std::countr_zero(found)));
      if (wanted(EntryOf(LoadWord(at)))) {
        const bool displaced = (LoadWord(at) & kDisplaced) != 0;
        return {line + std::countr_zero(found), at, displaced ? Where::kNeighbour : Where::kHome};
      }
    }
    return {};
  }

  template <typename Wanted>
  Place SearchStrays(uint32_t home, uint8_t over, uint8_t tag, Wanted wanted) const {
    if (over & 15)
      if (const Place at = SearchBucket(Bucket((home + 1) & mask_), tag, wanted)) return at;
    if (over >> 4) {
      uint8_t* stash = Stash(home);
      for (uint32_t found = MatchStash(stash, tag); found != 0; found &= found - 1) {
        const auto i = static_cast<uint32_t>(std::countr_zero(found));
        if (stash[kStashPlaces + i] == home && wanted(EntryOf(LoadWord(StashWord(stash, i)))))
          return {stash + i, StashWord(stash, i), Where::kStash};
      }
    }
    return {};
  }

  template <typename Visit>
  void ForBucket(uint32_t bucket, bool displaced, Visit visit) const {
    uint8_t* line = Bucket(bucket);
    for (uint32_t i = 0; i < kBucketPlaces; ++i) {
      if (line[i] == 0) continue;
      const PlaceWord word = LoadWord(BucketWord(line, i));
      if (((word & kDisplaced) != 0) == displaced) visit(word);
    }
  }

  bool PutInBucket(uint32_t bucket, uint8_t tag, PlaceWord word) const;
  bool PutInStash(uint32_t home, uint8_t tag, PlaceWord word) const;
  [[nodiscard]] bool MakeRoom(uint32_t bucket) const;

  uint8_t* base_ = nullptr;
  uint32_t mask_ = 0;
};

static_assert(sizeof(Segment::Header) == 24);

}  // namespace cloakroom
