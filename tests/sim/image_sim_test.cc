// An image is exactly what the keyspace was, whatever happens while it is taken.

#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "tests/sim/image_simulation.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

TEST(ImageSimTest, AnImageAndItsTailAreTheKeyspace) {
  if (const std::optional<uint64_t> seed = OneSeed()) {
    EXPECT_EQ(SimulateImage(*seed).problem, "");
    return;
  }
  uint64_t entries = 0;
  uint64_t meanwhile = 0;
  for (uint64_t seed = 1; seed <= SeedCount(100); ++seed) {
    const ImageRun run = SimulateImage(seed);
    ASSERT_EQ(run.problem, "") << "CLOAKROOM_SIM_SEED=" << seed;
    entries += run.entries;
    meanwhile += run.records_meanwhile;
  }
  std::printf("%llu seeds: %llu entries in images, %llu records while they were taken\n",
              static_cast<unsigned long long>(SeedCount(100)),
              static_cast<unsigned long long>(entries), static_cast<unsigned long long>(meanwhile));
  EXPECT_GT(entries, 10'000U) << "the images were nearly empty";
  EXPECT_GT(meanwhile, 2'000U) << "nothing happened while they were taken";
}

}  // namespace
}  // namespace cloakroom
