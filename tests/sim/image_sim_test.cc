// An image is exactly what the keyspace was, whatever happens while it is taken.

#include <gtest/gtest.h>

#include "tests/sim/image_simulation.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

TEST(ImageSimTest, AnImageAndItsTailAreTheKeyspace) {
  uint64_t entries = 0;
  uint64_t meanwhile = 0;
  for (uint64_t seed = 1; seed <= SeedCount(100); ++seed) {
    const ImageRun run = SimulateImage(seed);
    ASSERT_EQ(run.problem, "") << "seed " << seed;
    entries += run.entries;
    meanwhile += run.records_meanwhile;
  }
  EXPECT_GT(entries, 10'000U) << "the images were nearly empty";
  EXPECT_GT(meanwhile, 2'000U) << "nothing happened while they were taken";
}

}  // namespace
}  // namespace cloakroom
