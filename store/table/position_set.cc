#include "store/table/position_set.h"

#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

constexpr uint32_t kPartBits = 10;
constexpr size_t kPlacesMin = 8;

}  // namespace

// The highest bits choose the part, the lowest the place.
uint64_t PositionSet::Mix(const Position& position) {
  const uint64_t mixed = (position.hash ^ position.slot) * 0x9E37'79B9'7F4A'7C15ULL;
  return mixed ^ mixed >> 32;
}

/// Where `position` stands in `part`, or the free place where it would. There is a free one.
size_t PositionSet::Seek(const Part& part, const Position& position) {
  const size_t mask = part.places.size() - 1;
  size_t at = Mix(position) & mask;
  while (part.places[at].slot != kFree && part.places[at] != position) at = (at + 1) & mask;
  return at;
}

void PositionSet::Grow(Part& part) {
  Part larger;
  larger.places.resize(part.places.empty() ? kPlacesMin : part.places.size() * 2, {kFree, 0});
  larger.used = part.used;
  for (const Position& position : part.places)
    if (position.slot != kFree) larger.places[Seek(larger, position)] = position;
  part = std::move(larger);
}

bool PositionSet::Insert(const Position& position) {
  DCHECK(position.slot != kFree);
  if (parts_.empty()) parts_.resize(size_t{1} << kPartBits);
  Part& part = parts_[Mix(position) >> (64 - kPartBits)];
  if (part.used >= part.places.size() / 4 * 3) Grow(part);
  Position& place = part.places[Seek(part, position)];
  if (place.slot != kFree) return false;
  place = position;
  ++part.used;
  ++size_;
  return true;
}

bool PositionSet::Contains(const Position& position) const {
  if (size_ == 0) return false;
  const Part& part = parts_[Mix(position) >> (64 - kPartBits)];
  return !part.places.empty() && part.places[Seek(part, position)].slot != kFree;
}

}  // namespace cloakroom
