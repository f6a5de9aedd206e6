#include "store/table/access_clock.h"

#include <gtest/gtest.h>

#include "tests/support/entry_block.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

constexpr TimeMs kNow = 1'700'000'000'000;
constexpr TimeMs kMinute = 60'000;

class AccessClockTest : public testing::Test {
 protected:
  AccessClockTest() : block("k", ValueType::kString, Encoding::kPlain, "v"), entry(*block) {}

  void CountUses(uint32_t log_factor = 10, uint32_t decay_minutes = 1) {
    clock.set_options({true, log_factor, decay_minutes});
    entry.set_clock(clock.Fresh(kNow));
  }
  void Use(int times, TimeMs now) {
    for (int i = 0; i < times; ++i) clock.Touch(entry, now, random);
  }

  SeededRandom random{1};
  AccessClock clock;
  EntryBlock block;
  const Entry& entry;
};

// Redis's resolution: whole seconds, which wrap after 194 days.
TEST_F(AccessClockTest, TellsSecondsSinceTheLastUse) {
  clock.Touch(entry, kNow, random);
  EXPECT_EQ(AccessClock::IdleSeconds(entry, kNow), 0U);
  EXPECT_EQ(AccessClock::IdleSeconds(entry, kNow + 1000), 1U);
  EXPECT_EQ(AccessClock::IdleSeconds(entry, kNow + TimeMs{1000} * 0xFFFFFF), 0xFFFFFFU);
  EXPECT_EQ(AccessClock::IdleSeconds(entry, kNow + TimeMs{1000} * 0x1000000), 0U) << "wraps";
  Use(1, kNow + 5000);
  EXPECT_EQ(AccessClock::IdleSeconds(entry, kNow + 7000), 2U);
}

// A new key must not be the first to go: it starts above zero, and its first use always counts.
TEST_F(AccessClockTest, ANewEntryStartsAtFive) {
  CountUses();
  EXPECT_EQ(clock.Frequency(entry, kNow), 5U);
  Use(1, kNow);
  EXPECT_EQ(clock.Frequency(entry, kNow), 6U);
}

// Redis's documented orders of magnitude with a factor of 10: 100 uses 10, 1000 uses 18, a million
// uses 255.
TEST_F(AccessClockTest, GrowsWithTheLogarithmOfUses) {
  CountUses();
  Use(100, kNow);
  EXPECT_NEAR(clock.Frequency(entry, kNow), 10, 4);
  Use(900, kNow);
  EXPECT_NEAR(clock.Frequency(entry, kNow), 18, 6);
  Use(1'000'000, kNow);
  EXPECT_EQ(clock.Frequency(entry, kNow), 255U) << "and there it stays";
}

TEST_F(AccessClockTest, WithFactorZeroEachUseCounts) {
  CountUses(0);
  Use(100, kNow);
  EXPECT_EQ(clock.Frequency(entry, kNow), 105U);
}

// One less for each decay time without a use; reading it changes nothing.
TEST_F(AccessClockTest, DecaysWithTime) {
  CountUses(0, 2);
  Use(20, kNow);
  EXPECT_EQ(clock.Frequency(entry, kNow + kMinute), 25U);
  EXPECT_EQ(clock.Frequency(entry, kNow + 2 * kMinute), 24U);
  EXPECT_EQ(clock.Frequency(entry, kNow + 40 * kMinute), 5U);
  EXPECT_EQ(clock.Frequency(entry, kNow + 500 * kMinute), 0U) << "never below zero";
  EXPECT_EQ(clock.Frequency(entry, kNow), 25U);
  // A use settles what has decayed and counts itself.
  Use(1, kNow + 4 * kMinute);
  EXPECT_EQ(clock.Frequency(entry, kNow + 4 * kMinute), 24U);
}

TEST_F(AccessClockTest, WithDecayZeroItStays) {
  CountUses(0, 0);
  Use(20, kNow);
  EXPECT_EQ(clock.Frequency(entry, kNow + 1000 * kMinute), 25U);
}

// A record that overwrites an entry must not forget how often it was used; Apply draws no chance.
TEST_F(AccessClockTest, OverwritingKeepsTheCounter) {
  CountUses(0);
  Use(7, kNow);
  EXPECT_EQ(clock.Overwritten(entry, kNow + kMinute), entry.clock());
  clock.set_options({});
  EXPECT_EQ(clock.Overwritten(entry, kNow) & AccessClock::kMask,
            static_cast<uint32_t>(kNow / 1000) & AccessClock::kMask);
}

}  // namespace
}  // namespace cloakroom
