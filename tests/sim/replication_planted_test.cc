// Does the simulation find bugs? Each that is planted here must be found within 1,000 seeds.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "store/base/planted.h"
#include "tests/sim/replication_simulation.h"

namespace cloakroom {
namespace {

constexpr uint64_t kSeedsMax = 1000;

class ReplicationPlantedTest : public testing::TestWithParam<std::pair<Plant, const char*>> {
 protected:
  static int Search(Plant plant, const char* name) {
    planted = plant;
    for (uint64_t seed = 0; seed < kSeedsMax; ++seed) {
      // Said beforehand: an invariant may stop the process.
      std::printf("\r%s: found by seed %llu: ", name, static_cast<unsigned long long>(seed));
      std::fflush(stdout);
      const std::string problem = SimulateReplication(seed).problem;
      if (problem.empty()) continue;
      std::printf("%s\n", problem.c_str());
      return 0;
    }
    return 1;
  }
  /// An invariant that stops the process has found it as well.
  static bool HasFound(int status) {
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  }
};

TEST_P(ReplicationPlantedTest, IsFound) {
  EXPECT_EXIT(std::exit(Search(GetParam().first, GetParam().second)), HasFound, "")
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
