#pragma once

#include <cstddef>
#include <cstdint>

#include "store/base/random_bits.h"

namespace cloakroom {

/// The one source of randomness. In a server it is the kernel's CSPRNG, drawn in blocks that are
/// wiped as they are used; under test it is seeded.
class Random {
 public:
  virtual ~Random() = default;

  /// Fills `size_bytes` at `out` with bytes fit for secrets.
  virtual void Fill(void* out, size_t size_bytes) = 0;

  /// 64 bits fit for sampling (RANDOMKEY, eviction), not for secrets; cheap.
  [[nodiscard]] virtual uint64_t Draw() = 0;

  /// A sampling draw in [0, bound), bound > 0.
  [[nodiscard]] uint64_t Below(uint64_t bound) { return ScaleBits(Draw(), bound); }

  /// So that it can be passed as DrawBits.
  uint64_t operator()() { return Draw(); }
};

}  // namespace cloakroom
