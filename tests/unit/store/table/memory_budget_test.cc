#include "store/table/memory_budget.h"

#include <gtest/gtest.h>

namespace cloakroom {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(MemoryBudgetTest, WithoutALimitEverythingFits) {
  MemoryBudget budget;
  budget.Measured({.used = size_t{1} << 40, .going = 0});
  EXPECT_FALSE(budget.limited());
  EXPECT_FALSE(budget.IsOver());
  EXPECT_TRUE(budget.Fits(kMiB));
}

// Counted: tables and what is outside them, but not what is going already: to end more entries for
// it would end too many.
TEST(MemoryBudgetTest, CountsTablesAndOutsideWithoutWhatIsGoing) {
  MemoryBudget budget;
  budget.set_limit(10 * kMiB);
  budget.set_outside(2 * kMiB);
  budget.Measured({.used = 9 * kMiB, .going = 3 * kMiB});
  EXPECT_EQ(budget.Used(), 11 * kMiB);
  EXPECT_EQ(budget.Counted(), 8 * kMiB);
  EXPECT_TRUE(budget.HasRoomFor(2 * kMiB));
  EXPECT_FALSE(budget.HasRoomFor(2 * kMiB + 1));
  budget.set_outside(4 * kMiB);
  EXPECT_TRUE(budget.HasRoomFor(0)) << "exactly at the limit is not over it";
  EXPECT_FALSE(budget.IsOver());
  budget.set_outside(4 * kMiB + 1);
  EXPECT_TRUE(budget.IsOver());
}

// The fast answer errs on one side only: many yeses never pass the limit without a measurement.
TEST(MemoryBudgetTest, FitsUsesUpTheHeadroom) {
  MemoryBudget budget;
  budget.set_limit(100 * kMiB);
  EXPECT_FALSE(budget.Fits(1)) << "not before the first measurement";
  budget.Measured({.used = 0, .going = 0});
  size_t batches = 0;
  while (budget.Fits(1000)) ++batches;
  EXPECT_GT(batches, 900U);
  EXPECT_LT(batches * 1000, 100 * kMiB);
  EXPECT_FALSE(budget.IsOver());
  budget.Measured({.used = 50 * kMiB, .going = 0});
  EXPECT_TRUE(budget.Fits(1000));
  EXPECT_FALSE(budget.Fits(60 * kMiB));
}

// While a large command waits for its room, others see it as taken.
TEST(MemoryBudgetTest, PromisedRoomIsNobodyElses) {
  MemoryBudget budget;
  budget.set_limit(10 * kMiB);
  budget.set_promised(4 * kMiB);
  budget.Measured({.used = 5 * kMiB, .going = 0});
  EXPECT_TRUE(budget.HasRoomFor(kMiB));
  EXPECT_FALSE(budget.HasRoomFor(kMiB + 1));
  EXPECT_EQ(budget.Used(), 5 * kMiB);
}

}  // namespace
}  // namespace cloakroom
