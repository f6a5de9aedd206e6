#pragma once

#include <bit>
#include <cstdint>

#include "store/base/random_bits.h"

namespace cloakroom::bench {

/// Spreads the bits of `x`: the finalizer of splitmix64. A bijection, so distinct stays distinct.
[[nodiscard]] inline uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Repeatable random numbers for a load: xoshiro256** of Blackman and Vigna, seeded through
/// splitmix64. The same seed gives the same load.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) word = Mix(seed += 0x9e3779b97f4a7c15u);
  }

  [[nodiscard]] uint64_t Bits() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// An integer in [0, bound). Precondition: bound > 0.
  [[nodiscard]] uint64_t Below(uint64_t bound) { return ScaleBits(Bits(), bound); }

  /// A number in [0, 1).
  [[nodiscard]] double Unit() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }

 private:
  uint64_t state_[4];
};

}  // namespace cloakroom::bench
