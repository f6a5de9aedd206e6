#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "tests/sim/store_simulation.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

// The promise of the whole node, under every fault that a disk has. Each hundred seeds must have
// met each kind of fault and end, or the others prove little.
TEST(StoreSimTest, WhatWasPromisedIsThereAfterAnyEnd) {
  if (const std::optional<uint64_t> seed = OneSeed()) {
    EXPECT_EQ(SimulateStore(*seed, true).problem, "");
    return;
  }
  SimDiskCounts disk;
  StoreCounts counts;
  uint64_t records = 0;
  uint64_t lives = 0;
  const uint64_t seeds = SeedCount(3000);
  for (uint64_t first = 0; first < seeds; first += 100) {
    SimDiskCounts disk_of_hundred;
    StoreCounts hundred;
    for (uint64_t seed = first; seed < first + 100; ++seed) {
      const StoreSimulation run = SimulateStore(seed);
      ASSERT_EQ(run.problem, "") << "CLOAKROOM_SIM_SEED=" << seed;
      disk_of_hundred.Add(run.disk);
      hundred.Add(run.counts);
      records += run.records;
      lives += run.lives;
    }
    EXPECT_GT(disk_of_hundred.Least(), 0U) << "from " << first << ": " << disk_of_hundred.Text();
    EXPECT_GT(hundred.Least(), 0U) << "from " << first << ": " << hundred.Text();
    disk.Add(disk_of_hundred);
    counts.Add(hundred);
  }
  std::printf("%llu seeds, %llu lives, %llu records\n%s\n%s\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(lives),
              static_cast<unsigned long long>(records), disk.Text().c_str(), counts.Text().c_str());
}

}  // namespace
}  // namespace cloakroom
