#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace cloakroom {

/// How many seeds a random test tries: `count`, times CLOAKROOM_TEST_SEEDS where that is set.
inline uint64_t SeedCount(uint64_t count) {
  const char* const factor = std::getenv("CLOAKROOM_TEST_SEEDS");
  return factor == nullptr ? count : count * std::strtoull(factor, nullptr, 10);
}

/// The one seed that is to be run: CLOAKROOM_SIM_SEED.
inline std::optional<uint64_t> OneSeed() {
  const char* const seed = std::getenv("CLOAKROOM_SIM_SEED");
  if (seed == nullptr) return std::nullopt;
  return std::strtoull(seed, nullptr, 10);
}

}  // namespace cloakroom
