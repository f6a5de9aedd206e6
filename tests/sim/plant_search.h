#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "store/base/planted.h"

namespace cloakroom {

/// A bug that is planted, and what it is called.
class PlantSearch : public testing::TestWithParam<std::pair<Plant, const char*>> {
 protected:
  static constexpr uint64_t kSeedsMax = 1000;

  /// Plants the bug and simulates until a seed has found it; what `simulate` returns is the
  /// problem. The exit code for a process of its own: 0 when it was found.
  static int Search(std::string (*simulate)(uint64_t seed)) {
    planted = GetParam().first;
    for (uint64_t seed = 0; seed < kSeedsMax; ++seed) {
      // Said beforehand: an invariant may stop the process.
      std::printf("\r%s: found by seed %llu: ", GetParam().second,
                  static_cast<unsigned long long>(seed));
      std::fflush(stdout);
      const std::string problem = simulate(seed);
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

}  // namespace cloakroom
