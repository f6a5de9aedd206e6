#include "store/base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace cloakroom {
namespace {

// The check value of CRC16/XMODEM, and the Redis Cluster specification's example.
TEST(Crc16Test, MatchesTheSpecification) {
  EXPECT_EQ(Crc16("123456789"), 0x31C3);
  EXPECT_EQ(Crc16(""), 0);
}

uint16_t BitByBit(const std::string& bytes) {
  uint16_t crc = 0;
  for (const char c : bytes) {
    crc = static_cast<uint16_t>(crc ^ (static_cast<unsigned char>(c) << 8));
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<uint16_t>((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
  }
  return crc;
}

// Slicing must agree with the definition at every length around its stride.
TEST(Crc16Test, SlicingAgreesWithBitByBit) {
  std::string bytes;
  uint32_t state = 12345;
  for (int length = 0; length < 70; ++length) {
    EXPECT_EQ(Crc16(bytes), BitByBit(bytes)) << "length " << length;
    state = state * 1664525 + 1013904223;
    bytes.push_back(static_cast<char>(state >> 24));
  }
}

// A tag counts only when it is closed and not empty, and only the first one.
TEST(SlotTest, UsesTheFirstNonEmptyTag) {
  EXPECT_EQ(SlotOf("foo"), 12182);
  EXPECT_EQ(SlotOf("{user1000}.following"), SlotOf("{user1000}.followers"));
  EXPECT_EQ(SlotOf("foo{}{bar}"), Crc16("foo{}{bar}") % kSlotCount);
  EXPECT_EQ(SlotOf("foo{{bar}}zap"), Crc16("{bar") % kSlotCount);
  EXPECT_EQ(SlotOf("foo{bar}{zap}"), Crc16("bar") % kSlotCount);
  EXPECT_EQ(SlotOf("a{b"), Crc16("a{b") % kSlotCount);
}

}  // namespace
}  // namespace cloakroom
