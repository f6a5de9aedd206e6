#pragma once

#include <array>

#include "store/env/random.h"

namespace cloakroom {

/// The kernel's CSPRNG, drawn in blocks because a call costs as much as a command; bytes are wiped
/// as they are handed out, so that no memory dump shows a secret of the past.
class UvRandom final : public Random {
 public:
  UvRandom();
  ~UvRandom() override;
  UvRandom(const UvRandom&) = delete;
  UvRandom& operator=(const UvRandom&) = delete;

  void Fill(void* out, size_t size_bytes) override;

  /// xoshiro256** (Blackman and Vigna, 2018), seeded once from the kernel.
  [[nodiscard]] uint64_t Draw() override;

 private:
  static constexpr size_t kBlockBytes = 4096;

  std::array<unsigned char, kBlockBytes> block_{};
  size_t used_ = kBlockBytes;
  std::array<uint64_t, 4> state_{};
};

}  // namespace cloakroom
