// Freeing what is dead: in slices that no client notices, and yet to the end.

#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

class UpkeepTest : public ServerTest {
 protected:
  static constexpr uint64_t kKeys = 20'000;

  void SetUp() override {
    Start();
    peer = Connect();
    std::string fill;
    for (uint64_t i = 0; i < kKeys; ++i) fill += "SET k" + std::to_string(i) + " v PX 100\r\n";
    Ask(peer, fill);
  }

  /// How many entries were freed since the last call.
  uint64_t Freed() {
    const uint64_t now = shard.keys().counters().expired_keys;
    return now - std::exchange(freed_, now);
  }

  SimPeerPtr peer;

 private:
  uint64_t freed_ = 0;
};

// What a unit of work costs depends on what is freed, so the clock bounds a slice, not a count.
TEST_F(UpkeepTest, ASliceEndsByTheClock) {
  constexpr int64_t kStepUs = 20;
  clock.Advance(200);
  clock.Tick(kStepUs);
  int turns = 0;
  for (uint64_t freed = 0; freed < kKeys; ++turns) {
    ASSERT_LT(turns, 10'000);
    const bool served = turns % 2 == 0;
    if (served) peer->Send("PING\r\n");
    network.Poll();
    const uint64_t slice = Freed();
    freed += slice;
    const int64_t slice_us = served ? Server::kUpkeepMinUs : Server::kUpkeepIdleUs;
    EXPECT_LE(slice, 32 * static_cast<uint64_t>(slice_us / kStepUs + 1)) << "turn " << turns;
  }
  EXPECT_GT(turns, 50);
  EXPECT_LE(server->metrics().loop.upkeep_max_us, Server::kUpkeepMaxUs + kStepUs);
}

// What expiry costs is known apart from the rest of upkeep, and how often a slice was too short.
TEST_F(UpkeepTest, SweepingIsTimed) {
  network.Pass(50);
  EXPECT_EQ(server->metrics().loop.sweeps_cut, 0U);
  clock.Advance(200);
  clock.Tick(20);
  while (shard.keys().counters().expired_keys < kKeys) network.Poll();
  const LoopMetrics& loop = server->metrics().loop;
  EXPECT_GT(loop.sweeps_cut, 50U);
  EXPECT_GT(loop.sweep_sum_us, 50 * 20);
  EXPECT_LE(loop.sweep_sum_us, loop.upkeep_sum_us);
  const std::string info = Ask(peer, "INFO stats\r\n");
  EXPECT_EQ(info.find("expire_cycle_cpu_milliseconds:0\r"), std::string::npos);
  EXPECT_EQ(info.find("expired_time_cap_reached_count:0\r"), std::string::npos);
}

// A server that is always busy gives more, for its turns are longer.
TEST_F(UpkeepTest, ABusyServerKeepsUp) {
  constexpr int64_t kStepUs = 20;
  clock.Advance(200);
  clock.Tick(kStepUs);
  for (int i = 0; i < 40; ++i) peer->Send("PING\r\n");
  network.Poll();
  network.Poll();
  EXPECT_GE(Freed(), 16 * static_cast<uint64_t>(Server::kUpkeepMinUs / kStepUs + 2));
}

// With a clock that stands still, or steps that are very fast, a slice ends all the same.
TEST_F(UpkeepTest, ASliceIsBoundedByCountToo) {
  clock.Advance(200);
  peer->Send("PING\r\n");
  network.Poll();
  EXPECT_LT(Freed(), kKeys / 2);
  network.Settle();
  Ask(peer, "PING\r\n");
  network.Pass(100);
  EXPECT_EQ(shard.keys().counters().expired_keys, kKeys);
}

// The allocator gives back more the longer it waits, and nobody is served meanwhile: so while there
// is something to give back it is asked often.
TEST_F(UpkeepTest, MemoryIsReturnedLittleByLittle) {
  network.Pass(100);
  const int before = process.returns;
  network.Pass(1000);
  EXPECT_LE(process.returns - before, 11) << "with nothing to return, only in housekeeping";
  process.freed_slices = 50;
  network.Pass(100 + 50 * 10);  // the simulated time goes by in steps of 10 ms
  EXPECT_EQ(process.freed_slices, 0);
}

}  // namespace
}  // namespace cloakroom
