#include "store/base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cloakroom {
namespace {

// It is part of file formats: these sums are those of RFC 3720, appendix B.4.
TEST(Crc32cTest, GivesTheSumsOfTheStandard) {
  std::string rising;
  std::string falling;
  for (int i = 0; i < 32; ++i) {
    rising.push_back(static_cast<char>(i));
    falling.push_back(static_cast<char>(31 - i));
  }
  for (uint32_t (*const sum)(std::string_view, uint32_t) : {Crc32c, Crc32cByTable}) {
    EXPECT_EQ(sum("", 0), 0U);
    EXPECT_EQ(sum("123456789", 0), 0xe3069283U);
    EXPECT_EQ(sum(std::string(32, '\0'), 0), 0x8a9136aaU);
    EXPECT_EQ(sum(std::string(32, '\xff'), 0), 0x62a8ab43U);
    EXPECT_EQ(sum(rising, 0), 0x46dd794eU);
    EXPECT_EQ(sum(falling, 0), 0x113fdb5cU);
  }
}

// A file written where there is the instruction is read where there is none; and a sum can be
// taken in pieces, wherever they begin and end.
TEST(Crc32cTest, BothWaysAgreeOnAnyPiece) {
  std::mt19937_64 random(3);
  std::string bytes(1000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (int i = 0; i < 2000; ++i) {
    const size_t from = random() % 100;
    const size_t size = random() % 900;
    const size_t cut = random() % (size + 1);
    const std::string_view piece = std::string_view(bytes).substr(from, size);
    const uint32_t sum = Crc32c(piece);
    ASSERT_EQ(sum, Crc32cByTable(piece)) << from << " " << size;
    ASSERT_EQ(sum, Crc32c(piece.substr(cut), Crc32c(piece.substr(0, cut))));
    ASSERT_EQ(sum, Crc32cByTable(piece.substr(cut), Crc32c(piece.substr(0, cut))));
  }
}

}  // namespace
}  // namespace cloakroom
