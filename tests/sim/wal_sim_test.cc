#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "tests/sim/wal_simulation.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

// The promise of the whole folder, under every fault that a disk has. Each hundred seeds must have
// met each kind of fault, or the others prove little.
TEST(WalSimTest, WhatWasPromisedIsThereAfterAnyEnd) {
  if (const std::optional<uint64_t> seed = OneSeed()) {
    EXPECT_EQ(SimulateWal(*seed).problem, "");
    return;
  }
  SimDiskCounts all;
  WalSimulation sums;
  const uint64_t seeds = SeedCount(2000);
  for (uint64_t first = 0; first < seeds; first += 100) {
    SimDiskCounts hundred;
    for (uint64_t seed = first; seed < first + 100; ++seed) {
      const WalSimulation run = SimulateWal(seed);
      ASSERT_EQ(run.problem, "") << "CLOAKROOM_SIM_SEED=" << seed;
      hundred.Add(run.disk);
      sums.records += run.records;
      sums.recoveries += run.recoveries;
      sums.cut_back += run.cut_back;
      sums.segments += run.segments;
      sums.refusals += run.refusals;
      sums.damage += run.damage;
    }
    EXPECT_GT(hundred.Least(), 0U) << "seeds from " << first << ": " << hundred.Text();
    all.Add(hundred);
  }
  std::printf("%llu seeds: %s\n", static_cast<unsigned long long>(seeds), all.Text().c_str());
  std::printf(
      "records %llu, recoveries %llu, cut back %llu, segments %llu, refusals %llu, "
      "damage noticed %llu\n",
      static_cast<unsigned long long>(sums.records),
      static_cast<unsigned long long>(sums.recoveries),
      static_cast<unsigned long long>(sums.cut_back),
      static_cast<unsigned long long>(sums.segments),
      static_cast<unsigned long long>(sums.refusals), static_cast<unsigned long long>(sums.damage));
}

}  // namespace
}  // namespace cloakroom
