#include "bench/load/schedule.h"

#include <gtest/gtest.h>

namespace cloakroom::bench {
namespace {

// The first arrival is due at once, the others at equal distances, whenever they are taken.
TEST(ScheduleTest, ArrivalsAreDueAtAFixedRate) {
  Schedule schedule(1000, 5'000'000'000);
  EXPECT_EQ(schedule.NextDue(), 5'000'000'000u);
  schedule.Take();
  EXPECT_EQ(schedule.NextDue(), 5'001'000'000u);
  EXPECT_EQ(schedule.NextDue(), 5'001'000'000u) << "looking takes nothing";
  schedule.Take();
  schedule.Take();
  EXPECT_EQ(schedule.NextDue(), 5'003'000'000u);
  EXPECT_EQ(schedule.taken(), 3u);
}

// A gap that is no whole number of nanoseconds must not add up to a wrong rate: after three million
// arrivals at 3 a second a million seconds have passed, exactly.
TEST(ScheduleTest, RoundingDoesNotAddUp) {
  Schedule schedule(3, 0);
  for (int i = 0; i < 3'000'000; ++i) schedule.Take();
  EXPECT_EQ(schedule.NextDue(), UINT64_C(1'000'000'000'000'000));
}

}  // namespace
}  // namespace cloakroom::bench
