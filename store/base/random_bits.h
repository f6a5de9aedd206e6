#pragma once

#include <cstdint>

#include "store/base/function_ref.h"

namespace cloakroom {

/// Gives 64 random bits a call. env's Random is one; below env, code takes this.
using DrawBits = FunctionRef<uint64_t()>;

/// An integer in [0, bound) from 64 random bits (Lemire's multiply-shift). Precondition: bound > 0.
[[nodiscard]] inline uint64_t ScaleBits(uint64_t bits, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(bits) * bound) >> 64);
}

}  // namespace cloakroom
