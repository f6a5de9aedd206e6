// Does the simulation of images find bugs? The one that is planted here must be found soon.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>

#include "store/base/planted.h"
#include "tests/sim/image_simulation.h"

namespace cloakroom {
namespace {

constexpr uint64_t kSeedsMax = 1000;

TEST(ImagePlantedTest, APreImageThatIsMissedIsFound) {
  planted = Plant::kPreImageMissed;
  for (uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    const ImageRun run = SimulateImage(seed);
    if (run.problem.empty()) continue;
    std::printf("PreImageMissed: found by seed %llu: %s\n", static_cast<unsigned long long>(seed),
                run.problem.c_str());
    planted = Plant::kNone;
    return;
  }
  planted = Plant::kNone;
  FAIL() << "not found in " << kSeedsMax << " seeds";
}

// Otherwise whatever breaks the library under test would look like a bug that was found.
TEST(ImagePlantedTest, NothingIsFoundWhereNothingIsPlanted) {
  for (uint64_t seed = 1; seed <= 30; ++seed) EXPECT_EQ(SimulateImage(seed).problem, "") << seed;
}

}  // namespace
}  // namespace cloakroom
