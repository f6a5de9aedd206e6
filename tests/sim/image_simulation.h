#pragma once

#include <cstdint>
#include <string>

namespace cloakroom {

/// What a run found out.
struct ImageRun {
  std::string problem;  // empty: none
  uint64_t entries = 0;
  uint64_t records_meanwhile = 0;
};

/// Random ops of every kind on a keyspace; in the midst of them an image, in steps of random size,
/// which is now and then given up and begun again. The image, loaded into a fresh keyspace, must be
/// what the keyspace was when it began; and the records since then must lead from it to what the
/// keyspace is now.
[[nodiscard]] ImageRun SimulateImage(uint64_t seed);

}  // namespace cloakroom
