#include "store/base/number.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace cloakroom {
namespace {

// A string that reads as an integer must be the very text that the integer formats to: else INCR
// would change the bytes of a value in other ways than by counting.
TEST(ParseIntegerTest, TakesOnlyTheCanonicalForm) {
  for (const char* text : {"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1.0", "0x10", "1e3", "00",
                           "--1", "9223372036854775808", "-9223372036854775809"}) {
    int64_t value = 77;
    EXPECT_FALSE(ParseInteger(text, value)) << text;
    EXPECT_EQ(value, 77) << text;
  }
}

TEST(ParseIntegerTest, ReachesBothEndsOf64Bits) {
  int64_t value = 77;
  EXPECT_TRUE(ParseInteger("9223372036854775807", value));
  EXPECT_EQ(value, std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(ParseInteger("-9223372036854775808", value));
  EXPECT_EQ(value, std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(ParseInteger("0", value));
  EXPECT_EQ(value, 0);
  EXPECT_TRUE(ParseInteger("-7", value));
  EXPECT_EQ(value, -7);
}

TEST(ParseLongDoubleTest, RefusesBlanksNanAndWhatCannotBeRepresented) {
  long double value = 0;
  for (const char* text : {"", " 1", "1 ", "nan", "-nan", "abc", "1.5x", "1e99999", "1e-99999"}) {
    EXPECT_FALSE(ParseLongDouble(text, value)) << text;
  }
  EXPECT_FALSE(ParseLongDouble(std::string_view("1\0", 2), value)) << "a zero byte is no end";
  EXPECT_FALSE(ParseLongDouble(std::string(6000, '1'), value));
}

TEST(ParseLongDoubleTest, TakesWhatStrtoldTakes) {
  long double value = 0;
  EXPECT_TRUE(ParseLongDouble("3.0e3", value));
  EXPECT_EQ(value, 3000.0L);
  EXPECT_TRUE(ParseLongDouble("0x10", value));
  EXPECT_EQ(value, 16.0L);
  EXPECT_TRUE(ParseLongDouble("-inf", value));
  EXPECT_EQ(value, -std::numeric_limits<long double>::infinity());
}

// People read these values back: 0.1 + 0.2 must not print as 0.30000000000000001665.
TEST(FormatLongDoubleTest, DropsTrailingZerosAndNeverSaysMinusZero) {
  EXPECT_EQ(FormatLongDouble(3.0L), "3");
  EXPECT_EQ(FormatLongDouble(10.50L), "10.5");
  EXPECT_EQ(FormatLongDouble(0.1L + 0.2L), "0.3");
  EXPECT_EQ(FormatLongDouble(-0.0L), "0");
  EXPECT_EQ(FormatLongDouble(-1e-30L), "0");
  EXPECT_EQ(FormatLongDouble(100.0L), "100");
  EXPECT_EQ(FormatLongDouble(std::numeric_limits<long double>::max()).size(), 4933U);
}

}  // namespace
}  // namespace cloakroom
