#pragma once

#include <cstddef>

#include "store/base/check.h"
#include "store/base/random_bits.h"

namespace cloakroom {

/// Two ways to draw `count` different elements out of `size`: picking until enough differ, good
/// while few are wanted; and one walk that decides on each (Knuth, TAOCP 3.4.2, algorithm S).

/// Whether picking is the better way: at most one pick in three then meets what it has.
[[nodiscard]] inline bool IsSmallPart(size_t count, size_t size) { return count <= size / 3; }

/// Calls `pick`, which says whether it met something new, until it did so `count` times. Gives up
/// and returns false when picks repeat themselves far more than they should: picks are only nearly
/// uniform, and the walk has no such weakness.
template <typename Pick>
[[nodiscard]] bool PickDistinct(size_t count, Pick&& pick) {
  constexpr size_t kTriesEach = 8;
  size_t left = count;
  for (size_t tries = count * kTriesEach; left > 0 && tries > 0; --tries) {
    if (pick()) --left;
  }
  return left == 0;
}

/// Algorithm S: asked once for each of `size` elements, says yes to exactly min(count, size).
class SelectionSampler {
 public:
  SelectionSampler(size_t count, size_t size) : wanted_(count < size ? count : size), left_(size) {}

  [[nodiscard]] bool Take(DrawBits draw) {
    DCHECK(left_ > 0);
    const bool take = wanted_ == left_ || (wanted_ > 0 && ScaleBits(draw(), left_) < wanted_);
    --left_;
    if (take) --wanted_;
    return take;
  }

 private:
  size_t wanted_;
  size_t left_;
};

}  // namespace cloakroom
