#include "store/types/string.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "store/op/op_reader.h"
#include "tests/support/entry_block.h"

namespace cloakroom {
namespace {

constexpr TimeMs kNow = 1'700'000'000'000;
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

class StringTest : public testing::Test {
 protected:
  Place At(const Entry* entry) const { return {3, key, entry}; }
  static EntryBlock Text(std::string_view value, TimeMs deadline = kNoDeadline) {
    return {"k", ValueType::kString, Encoding::kPlain, value, deadline};
  }
  /// The one op in the batch.
  Op TheOp() {
    OpReader reader(batch.bytes());
    Op op;
    EXPECT_TRUE(reader.Next(op));
    EXPECT_EQ(reader.left(), 0U) << "more than one op";
    EXPECT_EQ(op.db, 3U);
    EXPECT_EQ(op.key, "k");
    return op;
  }

  KeyRef key{"k", {}};
  WriteBatch batch;
};

TEST_F(StringTest, SetStoresTheValueWithItsDeadline) {
  SetString(At(nullptr), "v", kNow + 1, kNow, batch);
  EXPECT_EQ(TheOp().kind, OpKind::kPutString);
  EXPECT_EQ(TheOp().deadline, kNow + 1);
  EXPECT_EQ(TheOp().payload, "v");
}

// Deadlines are exclusive: a value whose deadline is now never existed, and what it replaces goes.
TEST_F(StringTest, SetWithADeadlineThatHasPassedLeavesNoKey) {
  SetString(At(nullptr), "v", kNow, kNow, batch);
  EXPECT_TRUE(batch.empty());
  const EntryBlock old = Text("old");
  SetString(At(old.get()), "v", kNow, kNow, batch);
  EXPECT_EQ(TheOp().kind, OpKind::kDelete);
}

// An entry has 48 bits for its deadline; cut to those, a later one would be a wrong one.
TEST_F(StringTest, SetHoldsDeadlinesBeyondWhatEntriesCanHoldAtTheLargest) {
  SetString(At(nullptr), "v", kMax, kNow, batch);
  EXPECT_EQ(TheOp().deadline, kDeadlineMax);
}

// Replicas and recovery repeat the log: the sum is logged, not the request to add.
TEST_F(StringTest, IncrementLogsTheSumAndKeepsTheDeadline) {
  const EntryBlock old = Text("41", kNow + 5);
  EXPECT_EQ(*IncrementString(At(old.get()), 1, batch), 42);
  EXPECT_EQ(TheOp().payload, "42");
  EXPECT_EQ(TheOp().deadline, kNow + 5);
}

TEST_F(StringTest, IncrementStartsFromZero) {
  EXPECT_EQ(*IncrementString(At(nullptr), -7, batch), -7);
  EXPECT_EQ(TheOp().payload, "-7");
  EXPECT_EQ(TheOp().deadline, kNoDeadline);
}

TEST_F(StringTest, IncrementStopsAtBothEndsOf64Bits) {
  const EntryBlock high = Text(std::to_string(kMax));
  const EntryBlock low = Text(std::to_string(kMin));
  EXPECT_EQ(IncrementString(At(high.get()), 1, batch).error().code, Code::kOutOfRange);
  EXPECT_EQ(IncrementString(At(low.get()), -1, batch).error().code, Code::kOutOfRange);
  EXPECT_TRUE(batch.empty()) << "a refused command must leave no trace in the log";
  EXPECT_EQ(*IncrementString(At(low.get()), kMax, batch), -1);
}

TEST_F(StringTest, IncrementRefusesWhatIsNoInteger) {
  for (const char* value : {"", "abc", " 1", "1 ", "+1", "01", "1.0"}) {
    const EntryBlock old = Text(value);
    EXPECT_EQ(IncrementString(At(old.get()), 1, batch).error().code, Code::kInvalid) << value;
  }
  EXPECT_TRUE(batch.empty());
}

TEST_F(StringTest, IncrementFloatLogsTheText) {
  const EntryBlock old = Text("10.50");
  EXPECT_EQ(*IncrementStringFloat(At(old.get()), 0.1L, batch), "10.6");
  EXPECT_EQ(TheOp().payload, "10.6");
  EXPECT_EQ(TheOp().kind, OpKind::kPutText);
}

TEST_F(StringTest, IncrementFloatRefusesWhatIsNotFinite) {
  const EntryBlock infinite = Text("inf");
  EXPECT_EQ(IncrementStringFloat(At(infinite.get()), 1, batch).error().code, Code::kOutOfRange);
  const EntryBlock text = Text("1x");
  EXPECT_EQ(IncrementStringFloat(At(text.get()), 1, batch).error().code, Code::kInvalid);
  EXPECT_TRUE(batch.empty());
}

TEST_F(StringTest, AppendSaysWhereItAppends) {
  const EntryBlock old = Text("abc");
  EXPECT_EQ(*AppendString(At(old.get()), "de", 100, batch), 5U);
  EXPECT_EQ(TheOp().kind, OpKind::kAppendString);
  EXPECT_EQ(TheOp().offset, 3U);
}

// What APPEND makes is a value like any other, so it may be an integer to OBJECT ENCODING.
TEST_F(StringTest, AppendToNothingPuts) {
  EXPECT_EQ(*AppendString(At(nullptr), "12", 100, batch), 2U);
  EXPECT_EQ(TheOp().kind, OpKind::kPutString);
}

TEST_F(StringTest, GrowthEndsAtTheLimit) {
  const EntryBlock old = Text("abc");
  EXPECT_TRUE(AppendString(At(old.get()), "de", 5, batch));
  EXPECT_TRUE(WriteString(At(old.get()), 3, "de", 5, batch));
  batch.Clear();
  EXPECT_EQ(AppendString(At(old.get()), "def", 5, batch).error().code, Code::kOutOfRange);
  EXPECT_EQ(WriteString(At(old.get()), 4, "de", 5, batch).error().code, Code::kOutOfRange);
  EXPECT_EQ(WriteString(At(nullptr), kMax, "x", kStringBytesMax, batch).error().code,
            Code::kOutOfRange);
  EXPECT_TRUE(batch.empty());
}

TEST_F(StringTest, WriteAnswersTheNewLength) {
  const EntryBlock old = Text("abcdef");
  EXPECT_EQ(*WriteString(At(old.get()), 1, "xy", 100, batch), 6U);
  EXPECT_EQ(TheOp().offset, 1U);
  batch.Clear();
  EXPECT_EQ(*WriteString(At(nullptr), 10, "xy", 100, batch), 12U);
}

// Writing nothing is a read: it must not make a key, and not wake those who watch it.
TEST_F(StringTest, WritingNothingChangesNothing) {
  const EntryBlock old = Text("abc");
  EXPECT_EQ(*WriteString(At(old.get()), 10, "", 100, batch), 3U);
  EXPECT_EQ(*WriteString(At(nullptr), 10, "", 100, batch), 0U);
  EXPECT_TRUE(batch.empty());
}

// Against a plain model: the range's own definition, byte by byte.
TEST(StringRangeTest, AgreesWithTheDefinition) {
  for (const std::string value : {"", "a", "abcde"}) {
    const auto size = static_cast<int64_t>(value.size());
    for (int64_t first = -8; first <= 8; ++first) {
      for (int64_t last = -8; last <= 8; ++last) {
        const int64_t from = first < 0 ? std::max<int64_t>(0, first + size) : first;
        const int64_t to = last < 0 ? std::max<int64_t>(0, last + size) : last;
        std::string expected;
        const bool crossed = first < 0 && last < 0 && first > last;
        for (int64_t i = from; i <= to && i < size && !crossed; ++i)
          expected += value[static_cast<size_t>(i)];
        EXPECT_EQ(StringRange(value, first, last), expected) << first << " " << last;
      }
    }
  }
}

TEST(StringRangeTest, TakesTheExtremesOf64Bits) {
  EXPECT_EQ(StringRange("abc", kMin, kMax), "abc");
  EXPECT_EQ(StringRange("abc", kMax, kMin), "");
  EXPECT_EQ(StringRange("abc", kMin, kMin), "a") << "both fall on the first byte, as in Redis";
}

// Clients and tests look at these three words; they follow from the value and from how it was made.
TEST(StringEncodingTest, FollowsRedis) {
  const auto encoding = [](std::string_view value, Encoding how) {
    return StringEncoding(*EntryBlock("k", ValueType::kString, how, value));
  };
  EXPECT_EQ(encoding("12", Encoding::kPlain), "int");
  EXPECT_EQ(encoding("-9223372036854775808", Encoding::kPlain), "int");
  EXPECT_EQ(encoding("012", Encoding::kPlain), "embstr");
  EXPECT_EQ(encoding(std::string(44, 'x'), Encoding::kPlain), "embstr");
  EXPECT_EQ(encoding(std::string(45, 'x'), Encoding::kPlain), "raw");
  EXPECT_EQ(encoding("12", Encoding::kRaw), "raw");
  EXPECT_EQ(encoding("12", Encoding::kText), "embstr");
  EXPECT_EQ(encoding(std::string(45, '1'), Encoding::kText), "raw");
}

}  // namespace
}  // namespace cloakroom
