#include "store/image/crc64.h"

#include <gtest/gtest.h>

#include <string>

namespace cloakroom {
namespace {

// The value that the definition of this checksum gives for the usual nine digits.
TEST(Crc64Test, KnownAnswers) {
  EXPECT_EQ(Crc64(0, "123456789"), 0xe9c6d914c4b8d9caU);
  EXPECT_EQ(Crc64(0, ""), 0U);
}

// Bytes come in pieces of any size; eight are taken at a time, and the rest one by one.
TEST(Crc64Test, PiecesGiveTheSameAsTheWhole) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes.push_back(static_cast<char>(i * 37));
  const uint64_t whole = Crc64(0, bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(Crc64(Crc64(0, bytes.substr(0, cut)), bytes.substr(cut)), whole) << cut;
}

}  // namespace
}  // namespace cloakroom
