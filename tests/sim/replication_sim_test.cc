#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "tests/sim/replication_simulation.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

// The promise of replication, whatever becomes of machines and network. Each hundred seeds must
// have met each kind of fault, and an hour of it, or the others prove little.
TEST(ReplicationSimTest, ReplicasHoldWhatTheirPrimariesHaveExecuted) {
  if (const std::optional<uint64_t> seed = OneSeed()) {
    EXPECT_EQ(SimulateReplication(*seed, true).problem, "");
    return;
  }
  constexpr int64_t kHourMs = 3'600'000;
  ReplicationCounts counts;
  uint64_t records = 0;
  int64_t virtual_ms = 0;
  const uint64_t seeds = SeedCount(1000);
  for (uint64_t first = 0; first < seeds; first += 100) {
    ReplicationCounts hundred;
    int64_t virtual_of_hundred = 0;
    for (uint64_t seed = first; seed < first + 100; ++seed) {
      const ReplicationSimulation run = SimulateReplication(seed);
      ASSERT_EQ(run.problem, "") << "CLOAKROOM_SIM_SEED=" << seed;
      hundred.Add(run.counts);
      records += run.records;
      virtual_of_hundred += run.virtual_ms;
    }
    EXPECT_GT(hundred.Least(), 0U) << "from " << first << ": " << hundred.Text();
    EXPECT_GE(virtual_of_hundred, kHourMs) << "from " << first;
    counts.Add(hundred);
    virtual_ms += virtual_of_hundred;
  }
  std::printf("%llu seeds, %.1f hours of virtual time, %llu records\n%s\n",
              static_cast<unsigned long long>(seeds),
              static_cast<double>(virtual_ms) / static_cast<double>(kHourMs),
              static_cast<unsigned long long>(records), counts.Text().c_str());
}

// Or a seed that failed could not be looked at.
TEST(ReplicationSimTest, TheSameSeedIsTheSameRun) {
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(SimulateReplication(seed).hash, SimulateReplication(seed).hash) << seed;
}

}  // namespace
}  // namespace cloakroom
