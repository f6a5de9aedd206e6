#include "store/uv/poll_coalescer.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloakroom {
namespace {

constexpr uint32_t kPauseUs = 20;

class PollCoalescerTest : public ::testing::Test {
 protected:
  PollCoalescerTest() { coalescer_.set_pause_us(kPauseUs); }

  // Turns of `turn_us`, in each of which the next `each` of `peers` peers send something. Returns
  // the pause after the last.
  uint32_t Run(size_t peers, size_t each, int64_t turn_us, size_t turns) {
    std::vector<uint32_t> windows(peers);
    uint32_t pause_us = 0;
    size_t next = 0;
    for (size_t turn = 0; turn < turns; ++turn) {
      for (size_t i = 0; i < each; ++i) coalescer_.Received(windows[next++ % peers]);
      now_us_ += turn_us;
      pause_us = coalescer_.Asks() ? coalescer_.AfterTurn(now_us_) : 0;
    }
    return pause_us;
  }

  PollCoalescer coalescer_;
  int64_t now_us_ = 1'000'000;
};

// Fifty clients, each poll brings one request: what the pause is for.
TEST_F(PollCoalescerTest, PausesUnderManySmallRequestsOfManyPeers) {
  EXPECT_EQ(Run(50, 1, 7, 200), kPauseUs);
}

TEST_F(PollCoalescerTest, NeverMakesFewPeersWait) {
  EXPECT_EQ(Run(1, 1, 7, 200), 0U);
  EXPECT_EQ(Run(PollCoalescer::kPeersMin - 1, 1, 7, 200), 0U);
}

// A thousand peers, but a request only each 100 us: nobody would come during the pause.
TEST_F(PollCoalescerTest, NeverPausesWithLittleTraffic) { EXPECT_EQ(Run(1000, 1, 100, 200), 0U); }

TEST_F(PollCoalescerTest, NeverPausesWherePollsBringManyAnyway) {
  EXPECT_EQ(Run(50, 25, 150, 200), 0U);
}

TEST_F(PollCoalescerTest, ForgetsTheLoadWhenItEnds) {
  ASSERT_EQ(Run(50, 1, 7, 200), kPauseUs);
  now_us_ += 1'000'000;
  EXPECT_EQ(Run(50, 1, 7, 1), 0U);
}

TEST_F(PollCoalescerTest, CanBeSwitchedOff) {
  coalescer_.set_pause_us(0);
  EXPECT_EQ(Run(50, 1, 7, 200), 0U);
}

}  // namespace
}  // namespace cloakroom
