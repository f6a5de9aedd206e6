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
#include "tests/sim/store_simulation.h"

namespace cloakroom {
namespace {

constexpr uint64_t kSeedsMax = 1000;

class StorePlantedTest : public testing::TestWithParam<std::pair<Plant, const char*>> {
 protected:
  static int Search(Plant plant, const char* name) {
    planted = plant;
    for (uint64_t seed = 0; seed < kSeedsMax; ++seed) {
      // Said beforehand: an invariant may stop the process.
      std::printf("\r%s: found by seed %llu: ", name, static_cast<unsigned long long>(seed));
      std::fflush(stdout);
      const std::string problem = SimulateStore(seed).problem;
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

TEST_P(StorePlantedTest, IsFound) {
  EXPECT_EXIT(std::exit(Search(GetParam().first, GetParam().second)), HasFound, "")
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
