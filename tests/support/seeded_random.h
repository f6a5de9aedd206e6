#pragma once

#include <cstdint>
#include <random>

#include "store/env/random.h"

namespace cloakroom {

/// Reproducible randomness: the same seed, the same bytes.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}

  void Fill(void* out, size_t size_bytes) override {
    auto* bytes = static_cast<unsigned char*>(out);
    for (size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<unsigned char>(engine_());
  }
  [[nodiscard]] uint64_t Draw() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace cloakroom
