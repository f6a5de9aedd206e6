#include "store/table/segment.h"

#include "store/base/check.h"

namespace cloakroom {

bool Segment::PutInBucket(uint32_t bucket, uint8_t tag, PlaceWord word) const {
  uint8_t* line = Bucket(bucket);
  const uint32_t free = MatchBucket(line, 0);
  if (free == 0) return false;
  const auto i = static_cast<uint32_t>(std::countr_zero(free));
  line[i] = tag;
  StoreWord(BucketWord(line, i), word);
  return true;
}

bool Segment::PutInStash(uint32_t home, uint8_t tag, PlaceWord word) const {
  uint8_t* stash = Stash(home);
  const uint32_t free = MatchStash(stash, 0);
  uint8_t& over = Bucket(home)[kOver];
  if (free == 0 || over >> 4 == 15) return false;
  const auto i = static_cast<uint32_t>(std::countr_zero(free));
  stash[i] = tag;
  stash[kStashPlaces + i] = static_cast<uint8_t>(home);
  StoreWord(StashWord(stash, i), word);
  over += 16;
  return true;
}

// Frees one place of a full bucket: by moving one of its own entries to the bucket after it, or a
// stray of the bucket before it back home. One step only: longer paths gain little.
bool Segment::MakeRoom(uint32_t bucket) const {
  uint8_t* line = Bucket(bucket);
  const uint32_t before = (bucket + mask_) & mask_;
  const bool after_has_room = MatchBucket(Bucket((bucket + 1) & mask_), 0) != 0;
  const bool before_has_room = MatchBucket(Bucket(before), 0) != 0;
  if (!after_has_room && !before_has_room) return false;
  for (uint32_t i = 0; i < kBucketPlaces; ++i) {
    const PlaceWord word = LoadWord(BucketWord(line, i));
    const bool displaced = (word & kDisplaced) != 0;
    if (displaced ? !before_has_room : !after_has_room) continue;
    if (displaced) {
      CHECK(PutInBucket(before, line[i], word & ~kDisplaced));
      Bucket(before)[kOver] -= 1;
    } else {
      CHECK(PutInBucket((bucket + 1) & mask_, line[i], word | kDisplaced));
      line[kOver] += 1;
    }
    line[i] = 0;
    return true;
  }
  return false;
}

bool Segment::Put(uint32_t home, uint8_t tag, PlaceWord word) {
  const uint32_t neighbour = (home + 1) & mask_;
  if (PutInBucket(home, tag, word)) {
    // The common case.
  } else if (PutInBucket(neighbour, tag, word | kDisplaced)) {
    Bucket(home)[kOver] += 1;
  } else if (MakeRoom(neighbour)) {
    CHECK(PutInBucket(neighbour, tag, word | kDisplaced));
    Bucket(home)[kOver] += 1;
  } else if (MakeRoom(home)) {
    CHECK(PutInBucket(home, tag, word));
  } else if (!PutInStash(home, tag, word)) {
    return false;
  }
  header().count += 1;
  return true;
}

void Segment::Remove(const Place& place, uint32_t home) {
  DCHECK(*place.tag != 0);
  *place.tag = 0;
  uint8_t& over = Bucket(home)[kOver];
  if (place.where == Where::kNeighbour) {
    DCHECK((over & 15) != 0);
    over -= 1;
  } else if (place.where == Where::kStash) {
    DCHECK((over >> 4) != 0);
    over -= 16;
  }
  header().count -= 1;
}

Segment::Place Segment::PlaceAt(uint32_t number, uint32_t& home) const {
  if (number < buckets() * kBucketPlaces) {
    const uint32_t bucket = number / kBucketPlaces;
    const uint32_t i = number % kBucketPlaces;
    uint8_t* line = Bucket(bucket);
    if (line[i] == 0) return {};
    const bool displaced = (LoadWord(BucketWord(line, i)) & kDisplaced) != 0;
    home = displaced ? (bucket + mask_) & mask_ : bucket;
    return {line + i, BucketWord(line, i), displaced ? Where::kNeighbour : Where::kHome};
  }
  number -= buckets() * kBucketPlaces;
  const uint32_t i = number % kStashPlaces;
  uint8_t* stash = Stash(number / kStashPlaces * kBucketsAStash);
  if (stash[i] == 0) return {};
  home = stash[kStashPlaces + i];
  return {stash + i, StashWord(stash, i), Where::kStash};
}

void Segment::MoveAcross(const Place& place, uint32_t home, Segment other) const {
  DCHECK(other.mask_ == mask_);
  other.base_[place.tag - base_] = *place.tag;
  StoreWord(other.base_ + (place.word - base_), place.Load());
  if (place.where == Where::kStash)
    other.base_[place.tag + kStashPlaces - base_] = static_cast<uint8_t>(home);
  const uint8_t counted = place.where == Where::kHome        ? 0
                          : place.where == Where::kNeighbour ? 1
                                                             : 16;
  other.Bucket(home)[kOver] += counted;
  other.header().count += 1;
  *place.tag = 0;
  Bucket(home)[kOver] -= counted;
  header().count -= 1;
}

void Segment::BringHome() const {
  ForAll([this](const Place& place, uint32_t home) {
    if (place.where == Where::kHome) return;
    if (!PutInBucket(home, *place.tag, place.Load() & ~kDisplaced)) return;
    Bucket(home)[kOver] -= place.where == Where::kNeighbour ? 1 : 16;
    *place.tag = 0;
  });
}

}  // namespace cloakroom
