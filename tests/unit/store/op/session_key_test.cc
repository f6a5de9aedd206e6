#include "store/op/session_key.h"

#include <gtest/gtest.h>

namespace cloakroom {
namespace {

// A handle is public and is kept for as long as its session lives: the function must be the
// published one, bit by bit, for ever. The expected bytes are the test vector of SipHash-2-4-128
// for the key 00 01 .. 0f and the message 00 01.
TEST(SessionKeyTest, DerivedHandleIsSipHash) {
  SessionKey key;
  StoreInt<uint16_t>(key.bytes.data(), 0x0100);
  for (size_t i = 0; i < 16; ++i) key.bytes[2 + i] = static_cast<char>(i);
  const SessionHandle expected =
      SessionHandle::FromBytes("\x81\x77\x22\x8d\xa4\xa4\x5d\xc7\xfc\xa3\x8b\xde");
  EXPECT_EQ(DerivedHandle(key), expected);
}

}  // namespace
}  // namespace cloakroom
