#pragma once

#include <cstdint>
#include <cstdlib>

namespace cloakroom {

/// How many seeds a random test tries: `count`, times CLOAKROOM_TEST_SEEDS where that is set.
inline uint64_t SeedCount(uint64_t count) {
  const char* const factor = std::getenv("CLOAKROOM_TEST_SEEDS");
  return factor == nullptr ? count : count * std::strtoull(factor, nullptr, 10);
}

}  // namespace cloakroom
