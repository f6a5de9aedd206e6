#include "store/types/key.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

#include "store/op/op_reader.h"
#include "tests/support/entry_block.h"

namespace cloakroom {
namespace {

constexpr TimeMs kNow = 1'700'000'000'000;

class KeyTest : public testing::Test {
 protected:
  /// ExpireKey on a key with deadline `current` (nullopt: there is no key).
  bool Expire(std::optional<TimeMs> current, TimeMs deadline, const DeadlineRule& rule = {}) {
    batch.Clear();
    const EntryBlock entry("k", ValueType::kString, Encoding::kPlain, "v", current.value_or(0));
    return ExpireKey({0, key, current ? entry.get() : nullptr}, deadline, rule, kNow, batch);
  }
  OpKind Kind() {
    OpReader reader(batch.bytes());
    EXPECT_TRUE(reader.Next(op));
    return op.kind;
  }

  KeyRef key{"k", {}};
  WriteBatch batch;
  Op op;
};

TEST_F(KeyTest, ExpireNeedsAKey) {
  EXPECT_FALSE(Expire(std::nullopt, kNow + 1));
  EXPECT_TRUE(batch.empty());
}

// Deadlines are exclusive, so one that is now is already past.
TEST_F(KeyTest, ADeadlineNotAfterNowDeletes) {
  EXPECT_TRUE(Expire(kNoDeadline, kNow + 1));
  EXPECT_EQ(Kind(), OpKind::kSetDeadline);
  for (const TimeMs past : {kNow, TimeMs{0}, TimeMs{-1}, std::numeric_limits<TimeMs>::min()}) {
    EXPECT_TRUE(Expire(kNoDeadline, past));
    EXPECT_EQ(Kind(), OpKind::kDelete) << past;
  }
}

TEST_F(KeyTest, ADeadlineBeyondWhatEntriesHoldIsTheLargest) {
  EXPECT_TRUE(Expire(kNoDeadline, std::numeric_limits<TimeMs>::max()));
  EXPECT_EQ(Kind(), OpKind::kSetDeadline);
  EXPECT_EQ(op.deadline, kDeadlineMax);
}

// No deadline counts as infinitely late: nothing is later (GT), everything is earlier (LT).
TEST_F(KeyTest, RulesCompareWithTheDeadlineThereIs) {
  const DeadlineRule nx{.only_without = true};
  const DeadlineRule xx{.only_with = true};
  const DeadlineRule gt{.only_later = true};
  const DeadlineRule lt{.only_earlier = true};
  const TimeMs now_has = kNow + 10;
  EXPECT_TRUE(Expire(kNoDeadline, kNow + 5, nx));
  EXPECT_FALSE(Expire(now_has, kNow + 5, nx));
  EXPECT_FALSE(Expire(kNoDeadline, kNow + 5, xx));
  EXPECT_TRUE(Expire(now_has, kNow + 5, xx));
  EXPECT_FALSE(Expire(kNoDeadline, kNow + 5, gt));
  EXPECT_FALSE(Expire(now_has, now_has, gt));
  EXPECT_TRUE(Expire(now_has, now_has + 1, gt));
  EXPECT_TRUE(Expire(kNoDeadline, kNow + 5, lt));
  EXPECT_FALSE(Expire(now_has, now_has, lt));
  EXPECT_TRUE(Expire(now_has, now_has - 1, lt));
  EXPECT_FALSE(Expire(kNoDeadline, kNow + 5, {.only_with = true, .only_earlier = true}));
}

// A rule is asked first: a deadline in the past deletes nothing that it may not touch.
TEST_F(KeyTest, RulesHoldForDeletionToo) {
  EXPECT_FALSE(Expire(kNow + 10, kNow - 1, {.only_later = true}));
  EXPECT_TRUE(batch.empty());
}

TEST_F(KeyTest, PersistTakesAwayWhatIsThere) {
  const EntryBlock with("k", ValueType::kString, Encoding::kPlain, "v", kNow + 1);
  const EntryBlock without("k", ValueType::kString, Encoding::kPlain, "v");
  EXPECT_FALSE(PersistKey({0, key, nullptr}, batch));
  EXPECT_FALSE(PersistKey({0, key, without.get()}, batch));
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(PersistKey({0, key, with.get()}, batch));
  EXPECT_EQ(Kind(), OpKind::kSetDeadline);
  EXPECT_EQ(op.deadline, kNoDeadline);
}

}  // namespace
}  // namespace cloakroom
