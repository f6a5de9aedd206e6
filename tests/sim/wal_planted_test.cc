// Does the simulation find bugs? Each that is planted here must be found within 1,000 seeds.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "store/base/planted.h"
#include "tests/sim/wal_simulation.h"

namespace cloakroom {
namespace {

constexpr uint64_t kSeedsMax = 1000;

class WalPlantedTest : public testing::TestWithParam<std::pair<Plant, const char*>> {
 protected:
  ~WalPlantedTest() override { planted = Plant::kNone; }
};

TEST_P(WalPlantedTest, IsFound) {
  planted = GetParam().first;
  for (uint64_t seed = 0; seed < kSeedsMax; ++seed) {
    const std::string problem = SimulateWal(seed).problem;
    if (problem.empty()) continue;
    std::printf("%s: found by seed %llu: %s\n", GetParam().second,
                static_cast<unsigned long long>(seed), problem.c_str());
    return;
  }
  FAIL() << GetParam().second << " was not found in " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    Each, WalPlantedTest,
    testing::Values(std::pair(Plant::kSyncSkipped, "SyncSkipped"),
                    std::pair(Plant::kDirectoryNotSynced, "DirectoryNotSynced"),
                    std::pair(Plant::kTailReplayedTwice, "TailReplayedTwice"),
                    std::pair(Plant::kTornRecordAccepted, "TornRecordAccepted"),
                    std::pair(Plant::kReplyBeforeSync, "ReplyBeforeSync")),
    [](const auto& param_info) { return std::string(param_info.param.second); });

// Otherwise whatever breaks the library under test would look like a bug that was found.
TEST(WalNotPlantedTest, NothingIsFoundWhereNothingIsPlanted) {
  for (uint64_t seed = 0; seed < 200; ++seed) EXPECT_EQ(SimulateWal(seed).problem, "") << seed;
}

}  // namespace
}  // namespace cloakroom
