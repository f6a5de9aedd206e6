// Does the simulation find bugs? Each that is planted here must be found within 1,000 seeds.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "store/base/planted.h"
#include "tests/sim/plant_search.h"
#include "tests/sim/store_simulation.h"

namespace cloakroom {
namespace {

class StorePlantedTest : public PlantSearch {};

TEST_P(StorePlantedTest, IsFound) {
  EXPECT_EXIT(std::exit(Search([](uint64_t seed) { return SimulateStore(seed).problem; })),
              HasFound, "")
      << GetParam().second << " was not found in " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    Each, StorePlantedTest,
    testing::Values(std::pair(Plant::kSyncSkipped, "SyncSkipped"),
                    std::pair(Plant::kDirectoryNotSynced, "DirectoryNotSynced"),
                    std::pair(Plant::kPreImageMissed, "PreImageMissed"),
                    std::pair(Plant::kTailReplayedTwice, "TailReplayedTwice"),
                    std::pair(Plant::kMarkNotLogged, "MarkNotLogged"),
                    std::pair(Plant::kTornRecordAccepted, "TornRecordAccepted"),
                    std::pair(Plant::kTombstoneLost, "TombstoneLost"),
                    std::pair(Plant::kReplyBeforeSync, "ReplyBeforeSync")),
    [](const auto& param_info) { return std::string(param_info.param.second); });

// Otherwise whatever breaks the library under test would look like a bug that was found.
TEST(StoreNotPlantedTest, NothingIsFoundWhereNothingIsPlanted) {
  for (uint64_t seed = 0; seed < 200; ++seed) EXPECT_EQ(SimulateStore(seed).problem, "") << seed;
}

}  // namespace
}  // namespace cloakroom
