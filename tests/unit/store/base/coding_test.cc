#include "store/base/coding.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace cloakroom {
namespace {

// Every width of number must come back as it went, and take the bytes that were promised.
TEST(VarintTest, RoundTripsAtEveryWidth) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    for (const uint64_t delta : {uint64_t{0}, uint64_t{1}}) {
      const uint64_t value = (bits == 64 ? 0 : uint64_t{1} << bits) - delta;
      std::string bytes;
      AppendVarint(bytes, value);
      EXPECT_EQ(bytes.size(), VarintBytes(value)) << value;
      ByteReader reader(bytes);
      EXPECT_EQ(reader.Varint(), value);
      EXPECT_TRUE(reader.ok());
      EXPECT_EQ(reader.left(), 0U);
    }
  }
}

// Cut off, over-long and overflowing numbers are malformed: each number has one form.
TEST(VarintTest, RefusesMalformedNumbers) {
  const std::string overflow = std::string(9, '\xFF') + '\x02';
  const std::string endless(11, '\x80');
  for (const std::string& bytes :
       {std::string(), std::string("\x80"), std::string("\x80\0", 2), overflow, endless}) {
    ByteReader reader(bytes);
    EXPECT_EQ(reader.Varint(), 0U);
    EXPECT_FALSE(reader.ok());
  }
}

// After a failure nothing more is given, so that one check at the end is enough.
TEST(ByteReaderTest, StaysFailed) {
  ByteReader reader(
      "\x05"
      "ab");
  EXPECT_EQ(reader.Sized(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Int<uint8_t>(), 0);
  EXPECT_EQ(reader.Bytes(0), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, ReadsFixedIntegersLittleEndian) {
  ByteReader reader(std::string_view("\x01\x02\x00\x00\x07", 5));
  EXPECT_EQ(reader.Int<uint32_t>(), 0x201U);
  EXPECT_EQ(reader.Int<uint8_t>(), 7U);
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace cloakroom
