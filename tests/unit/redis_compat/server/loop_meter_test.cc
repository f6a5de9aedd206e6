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

/// A machine whose processor is shared: time goes by with our work, without it, or as we wait.
class SharedMachine final : public Clock {
 public:
  [[nodiscard]] TimeMs WallMs() override { return now_us_ / 1000; }
  [[nodiscard]] int64_t MonotonicUs() override { return now_us_; }
  [[nodiscard]] int64_t ThreadCpuUs() override {
    ++readings;
    return cpu_us_;
  }
  void Work(int64_t us) {
    now_us_ += us;
    cpu_us_ += us;
  }
  void Others(int64_t us) { now_us_ += us; }

  int readings = 0;

 private:
  int64_t now_us_ = 5'000'000;
  int64_t cpu_us_ = 3'000'000;
};

class LoopMeterCpuTest : public testing::Test {
 protected:
  void Turn(int64_t own_us, int64_t others_us, bool goes_on = true) {
    meter.Wake();
    machine.Work(own_us);
    machine.Others(others_us);
    meter.TurnEnded(1, goes_on);
  }
  /// The loop waits: to go to sleep and to wake is work too.
  void Wait(int64_t us) {
    machine.Work(3);
    machine.Others(us);
    machine.Work(3);
  }
  int64_t LongestUs() const { return meter.metrics().turn_max_cpu_us; }

  SharedMachine machine;
  LoopMeter meter{machine};
};

// On a shared machine the kernel gives the processor to others now and then, for milliseconds: no
// work of ours took that long.
TEST_F(LoopMeterCpuTest, WhatOthersHadOfTheProcessorIsNotOurs) {
  Turn(1000, 0);
  Turn(0, 0);
  Turn(2000, 4000);
  EXPECT_EQ(meter.metrics().turn_max_us, 6000);
  EXPECT_EQ(LongestUs(), 2000);
  Turn(3000, 0);
  EXPECT_EQ(meter.metrics().turn_max_us, 6000);
  EXPECT_EQ(LongestUs(), 3000);
}

// What the thread had of its processor between turns, and in the many short ones before, is not
// part of the turn that was interrupted.
TEST_F(LoopMeterCpuTest, ManyShortTurnsAndWaitsDoNotBlurALongOne) {
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 10'000 + round * 7; ++i) {
      Turn(20, 0, false);
      Wait(i % 3 * 10);
    }
    Turn(300 + round * 100, 7000, false);
    Wait(1000);
    EXPECT_NEAR(static_cast<double>(LongestUs()), 300 + round * 100, 50) << "round " << round;
  }
}

// The same where short turns are interrupted as well.
TEST_F(LoopMeterCpuTest, InterruptedShortTurnsHideNothing) {
  for (int i = 0; i < 10'000; ++i) Turn(20, 2);
  Turn(1000, 5000);
  EXPECT_NEAR(static_cast<double>(LongestUs()), 1000, 50);
}

// The thread's clock is a system call.
TEST_F(LoopMeterCpuTest, ShortTurnsReadTheThreadsClockSeldom) {
  Turn(100, 0);
  machine.readings = 0;
  for (int i = 0; i < 1000; ++i) Turn(20, 0);
  EXPECT_LE(machine.readings, 1000 * 20 / LoopMeter::kMarkUs);
  machine.readings = 0;
  for (int i = 0; i < 1000; ++i) Turn(1, 0);
  EXPECT_LE(machine.readings, 1000 / LoopMeter::kMarkUs + 1);
}

// Whoever resets asks for what comes from there on.
TEST_F(LoopMeterCpuTest, AResetForgetsWhatWas) {
  for (int i = 0; i < 5; ++i) {
    Turn(40, 0, false);
    Wait(100);
  }
  meter.Wake();
  machine.Work(900);
  meter.Reset();
  machine.Work(10);
  meter.TurnEnded(1, false);
  EXPECT_EQ(LongestUs(), 10);
  Wait(100);
  Turn(500, 3000);
  EXPECT_NEAR(static_cast<double>(LongestUs()), 500, 10);
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

// A turn that a timer has begun must end before the loop waits, or the wait counts as work.
TEST_F(ServerTest, TimersThatWorkAskForATurn) {
  Start();
  process.freed_slices = 50;
  for (int i = 0; i < 60; ++i) {
    clock.Advance(10);
    const int returns = process.returns;
    network.Poll();
    if (process.returns > returns) {
      EXPECT_TRUE(network.timers_asked_for_turn()) << "after " << i;
    }
  }
  EXPECT_EQ(process.freed_slices, 0);
}

}  // namespace
}  // namespace cloakroom
