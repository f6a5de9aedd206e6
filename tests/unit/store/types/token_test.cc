#include "store/types/token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "store/base/hash.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// A cluster client hashes the whole token; it must come out where the user's sessions are.
TEST(TokenTest, StandsInTheSlotItWasMintedFor) {
  SeededRandom random(7);
  for (uint32_t slot = 0; slot < kSlotCount; ++slot) {
    const std::string token = MintToken(static_cast<uint16_t>(slot), random);
    ASSERT_EQ(SlotOf(token), slot);
    ASSERT_EQ(KeyOfToken(token).slot(), slot);
  }
}

// Legal in a cookie, a URL and a Bearer header.
TEST(TokenTest, IsBase64UrlOf192BitsAndASuffix) {
  SeededRandom random(8);
  std::set<std::string> heads;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = MintToken(SlotOf("ana"), random);
    EXPECT_EQ(token.size(), kTokenChars);
    EXPECT_EQ(token.find_first_not_of(kAlphabet), std::string::npos);
    heads.insert(token.substr(0, 32));
  }
  EXPECT_EQ(heads.size(), 1000U);
}

// SHA-256("abc"), from FIPS 180-2.
TEST(TokenTest, IsKeptAsItsHash) {
  const SessionKey key = KeyOfToken("abc");
  EXPECT_EQ(
      key.view().substr(2),
      std::string_view("\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23", 16));
  EXPECT_EQ(key.slot(), SlotOf("abc"));
}

TEST(TokenTest, SuccessorIsAlwaysTheSameAndNeedsTokenAndNonce) {
  SeededRandom random(9);
  const SessionNonce nonce = MintNonce(77, random);
  const SessionNonce other = MintNonce(77, random);
  const std::string successor = SuccessorToken("old-token", nonce);
  EXPECT_EQ(successor, SuccessorToken("old-token", nonce));
  EXPECT_EQ(SlotOf(successor), 77);
  EXPECT_EQ(successor.size(), kTokenChars);
  EXPECT_NE(successor, SuccessorToken("old-token", other));
  EXPECT_NE(successor, SuccessorToken("old-tokem", nonce));
}

TEST(TokenTest, HandlesAreSixteenCharactersAndComeBack) {
  SeededRandom random(10);
  for (int i = 0; i < 1000; ++i) {
    const SessionHandle handle = MintHandle(random);
    const std::string text = HandleText(handle);
    EXPECT_EQ(text.size(), 16U);
    ASSERT_TRUE(ParseHandle(text).has_value());
    EXPECT_EQ(*ParseHandle(text), handle);
  }
  EXPECT_FALSE(ParseHandle("").has_value());
  EXPECT_FALSE(ParseHandle("abcdefghijklmno").has_value());
  EXPECT_FALSE(ParseHandle("abcdefghijklmn+p").has_value());
  EXPECT_FALSE(ParseHandle(std::string_view("abcdefghijklmn\0p", 16)).has_value());
}

}  // namespace
}  // namespace cloakroom
