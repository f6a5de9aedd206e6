#include "store/uv/uv_random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "store/uv/uv_clock.h"

namespace cloakroom {
namespace {

// Across many blocks and all sizes no two draws are the same and none is left unfilled.
TEST(UvRandomTest, FillsEveryByteAndRepeatsNothing) {
  UvRandom random;
  std::set<std::string> seen;
  for (size_t size = 32; size < 9000; size += 61) {
    std::string bytes(size, '\0');
    random.Fill(bytes.data(), size);
    EXPECT_TRUE(seen.insert(bytes.substr(0, 16)).second);
    EXPECT_TRUE(seen.insert(bytes.substr(size - 16)).second);
    // 16 zero bytes in a row have probability 2^-128: such a run was never written.
    EXPECT_EQ(bytes.find(std::string(16, '\0')), std::string::npos);
  }
}

// A memory dump must not show what was handed out: the block keeps no copy.
TEST(UvRandomTest, WipesWhatItHandsOut) {
  UvRandom random;
  std::array<unsigned char, 32> secret{};
  random.Fill(secret.data(), secret.size());
  const auto* begin = reinterpret_cast<const unsigned char*>(&random);
  const auto* end = begin + sizeof random;
  EXPECT_EQ(std::search(begin, end, secret.begin(), secret.end()), end);
}

TEST(UvRandomTest, DrawsDiffer) {
  UvRandom random;
  UvRandom other;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(random.Draw()).second);
    EXPECT_TRUE(seen.insert(other.Draw()).second);
  }
}

TEST(UvClockTest, TheMonotonicClockNeverGoesBack) {
  UvClock clock;
  int64_t last = clock.MonotonicUs();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = clock.MonotonicUs();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.WallMs(), 1'700'000'000'000);
}

}  // namespace
}  // namespace cloakroom
