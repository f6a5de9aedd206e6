// Does the simulation find bugs? Each that is planted here must be found within 1,000 seeds.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "store/base/planted.h"
#include "tests/sim/plant_search.h"
#include "tests/sim/replication_simulation.h"

namespace cloakroom {
namespace {

class ReplicationPlantedTest : public PlantSearch {};

TEST_P(ReplicationPlantedTest, IsFound) {
  EXPECT_EXIT(std::exit(Search([](uint64_t seed) { return SimulateReplication(seed).problem; })),
              HasFound, "")
      << GetParam().second << " was not found in " << kSeedsMax << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Each, ReplicationPlantedTest,
                         testing::Values(std::pair(Plant::kNumbersAlone, "NumbersAlone"),
                                         std::pair(Plant::kOneTooLate, "OneTooLate"),
                                         std::pair(Plant::kOverrunUnnoticed, "OverrunUnnoticed"),
                                         std::pair(Plant::kAckBeforeApply, "AckBeforeApply"),
                                         std::pair(Plant::kOwnClockExpires, "OwnClockExpires"),
                                         std::pair(Plant::kHistoryNotBegun, "HistoryNotBegun"),
                                         std::pair(Plant::kPromotedInSilence, "PromotedInSilence"),
                                         std::pair(Plant::kLineageForgotten, "LineageForgotten"),
                                         std::pair(Plant::kSyncMarkIgnored, "SyncMarkIgnored"),
                                         std::pair(Plant::kDivergedCutShort, "DivergedCutShort"),
                                         std::pair(Plant::kImageInSync, "ImageInSync"),
                                         std::pair(Plant::kVoidDiskCounts, "VoidDiskCounts"),
                                         std::pair(Plant::kFeedsKept, "FeedsKept"),
                                         std::pair(Plant::kCountedTwice, "CountedTwice"),
                                         std::pair(Plant::kImageOfOwnClock, "ImageOfOwnClock"),
                                         std::pair(Plant::kReservedIsDamage, "ReservedIsDamage"),
                                         std::pair(Plant::kPreImageMissed, "PreImageMissed"),
                                         std::pair(Plant::kTombstoneLost, "TombstoneLost")),
                         [](const auto& param_info) {
                           return std::string(param_info.param.second);
                         });

// Otherwise whatever breaks the library under test would look like a bug that was found.
TEST(ReplicationNotPlantedTest, NothingIsFoundWhereNothingIsPlanted) {
  for (uint64_t seed = 0; seed < 200; ++seed)
    EXPECT_EQ(SimulateReplication(seed).problem, "") << seed;
}

}  // namespace
}  // namespace cloakroom
