#include "redis_compat/server/loop_meter.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"
#include "tests/unit/redis_compat/server/server_fixture.h"

namespace cloakroom {
namespace {

// The wait for the network is nobody's pause; all else is.
TEST(LoopMeterTest, ATurnLastsFromTheFirstEventToTheNextWait) {
  ManualClock clock;
  LoopMeter meter(clock);
  clock.Advance(1000);  // waiting
  meter.Wake();
  clock.Advance(2);
  meter.Wake();  // another event of the same turn
  clock.Advance(3);
  meter.TurnEnded(7, false);
  clock.Advance(1000);
  meter.Wake();
  clock.Advance(1);
  meter.TurnEnded(9, false);
  EXPECT_EQ(meter.metrics().turns, 2U);
  EXPECT_EQ(meter.metrics().turn_sum_us, 6000);
  EXPECT_EQ(meter.metrics().turn_max_us, 5000);
  EXPECT_EQ(meter.metrics().turn_max_commands, 7U);
}

// A poll that does not wait is part of what a client waits for.
TEST(LoopMeterTest, ALoopThatGoesOnIsNeverAtRest) {
  ManualClock clock;
  LoopMeter meter(clock);
  meter.Wake();
  meter.TurnEnded(0, true);
  clock.Advance(4);
  meter.Wake();
  clock.Advance(4);
  meter.TurnEnded(1, false);
  EXPECT_EQ(meter.metrics().turn_max_us, 8000);
}

TEST(LoopMeterTest, TheLongestTurnTellsItsUpkeep) {
  ManualClock clock;
  LoopMeter meter(clock);
  meter.Wake();
  meter.AddUpkeep(100, 400);
  meter.AddUpkeep(500, 1000);
  clock.Advance(10);
  meter.TurnEnded(0, false);
  meter.Wake();
  meter.AddUpkeep(0, 600);
  meter.TurnEnded(0, false);
  EXPECT_EQ(meter.metrics().turn_max_upkeep_us, 800);
  EXPECT_EQ(meter.metrics().upkeep_max_us, 600);
  EXPECT_EQ(meter.metrics().upkeep_sum_us, 1400);
  meter.Reset();
  EXPECT_EQ(meter.metrics().turns, 0U);
}

// On a shared machine the kernel gives the processor to others now and then, for milliseconds: no
// work of ours took that long.
TEST(LoopMeterTest, WhatOthersHadOfTheProcessorIsNotOurs) {
  ManualClock clock;
  LoopMeter meter(clock);
  const auto turn = [&](TimeMs own_ms, TimeMs others_ms) {
    meter.Wake();
    clock.Advance(own_ms);
    clock.Preempt(others_ms);
    meter.TurnEnded(1, true);
  };
  turn(1, 0);
  turn(0, 0);
  turn(2, 4);
  EXPECT_EQ(meter.metrics().turn_max_us, 6000);
  EXPECT_EQ(meter.metrics().turn_max_cpu_us, 2000);
  turn(3, 0);
  EXPECT_EQ(meter.metrics().turn_max_us, 6000);
  EXPECT_EQ(meter.metrics().turn_max_cpu_us, 3000);
}

std::string Stat(const std::string& info, const std::string& name) {
  const size_t at = info.find("\r\n" + name + ":");
  if (at == std::string::npos) return "none";
  const size_t from = at + name.size() + 3;
  return info.substr(from, info.find('\r', from) - from);
}

TEST_F(ServerTest, InfoTellsHowLongTurnsLast) {
  Start();
  const SimPeerPtr peer = Connect();
  Ask(peer, "PING\r\n");
  const std::string info = Ask(peer, "INFO stats\r\n");
  EXPECT_NE(Stat(info, "eventloop_cycles"), "0");
  EXPECT_EQ(Stat(info, "eventloop_duration_sum"), "0") << "the clock stands still";
  EXPECT_EQ(Stat(info, "eventloop_duration_max_usec"), "0");
  EXPECT_EQ(Stat(info, "eventloop_cpu_max_usec"), "0");
  EXPECT_EQ(Stat(info, "eventloop_duration_max_commands"), "0");
  EXPECT_EQ(Stat(info, "eventloop_duration_max_upkeep_usec"), "0");
  EXPECT_EQ(Stat(info, "upkeep_duration_sum"), "0");
  EXPECT_EQ(Stat(info, "upkeep_duration_max_usec"), "0");
  EXPECT_EQ(Stat(info, "slowest_command_usec"), "0");
  EXPECT_EQ(Stat(info, "slowest_command"), "");
  Ask(peer, "CONFIG RESETSTAT\r\n");
  EXPECT_EQ(Stat(Ask(peer, "INFO stats\r\n"), "eventloop_cycles"), "1");
}

}  // namespace
}  // namespace cloakroom
