#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class ExpiryTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }

  Harness h{RegisterStrings, RegisterExpiry, RegisterKeys};
};

// Exact on read, to the millisecond: the deadline itself is no longer part of a key's life.
TEST_F(ExpiryTest, AKeyIsGoneAtItsDeadline) {
  Run("SET", "k", "v");
  EXPECT_EQ(Run("PEXPIRE", "k", "1000"), ":1\r\n");
  h.clock.Advance(999);
  EXPECT_EQ(Run("PTTL", "k"), ":1\r\n");
  EXPECT_EQ(Run("GET", "k"), "$1\r\nv\r\n");
  h.clock.Advance(1);
  EXPECT_EQ(Run("GET", "k"), "$-1\r\n");
  EXPECT_EQ(Run("PTTL", "k"), ":-2\r\n");
  EXPECT_EQ(Run("PERSIST", "k"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "10"), ":0\r\n") << "EXPIRE never brings a key back";
}

TEST_F(ExpiryTest, SecondsAreRoundedToTheNearest) {
  Run("SET", "k", "v", "PX", "1499");
  EXPECT_EQ(Run("TTL", "k"), ":1\r\n");
  Run("SET", "k", "v", "PX", "1500");
  EXPECT_EQ(Run("TTL", "k"), ":2\r\n");
  Run("PEXPIREAT", "k", "1900000000500");
  EXPECT_EQ(Run("EXPIRETIME", "k"), ":1900000001\r\n");
  EXPECT_EQ(Run("PEXPIRETIME", "k"), ":1900000000500\r\n");
  EXPECT_EQ(Run("EXPIREAT", "k", "1900000000"), ":1\r\n");
  EXPECT_EQ(Run("PEXPIRETIME", "k"), ":1900000000000\r\n");
}

TEST_F(ExpiryTest, NoExpiryAndNoKeyAreTold) {
  Run("SET", "k", "v");
  for (const char* command : {"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"}) {
    EXPECT_EQ(Run(command, "k"), ":-1\r\n") << command;
    EXPECT_EQ(Run(command, "none"), ":-2\r\n") << command;
  }
  EXPECT_EQ(Run("PERSIST", "k"), ":0\r\n");
  Run("EXPIRE", "k", "10");
  EXPECT_EQ(Run("PERSIST", "k"), ":1\r\n");
  EXPECT_EQ(Run("TTL", "k"), ":-1\r\n");
}

TEST_F(ExpiryTest, AnExpiryInThePastDeletes) {
  for (const char* span : {"0", "-1", "-9223372036854775"}) {
    Run("SET", "k", "v");
    EXPECT_EQ(Run("EXPIRE", "k", span), ":1\r\n") << span;
    EXPECT_EQ(Run("EXISTS", "k"), ":0\r\n") << span;
  }
  Run("SET", "k", "v");
  EXPECT_EQ(Run("PEXPIREAT", "k", "0"), ":1\r\n");
  EXPECT_EQ(Run("EXISTS", "k"), ":0\r\n");
}

TEST_F(ExpiryTest, ConditionsCompareWithTheExpiryThereIs) {
  Run("SET", "k", "v");
  EXPECT_EQ(Run("EXPIRE", "k", "10", "XX"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "10", "GT"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "10", "NX"), ":1\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "20", "NX"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "20", "lt"), ":0\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "20", "XX", "GT"), ":1\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "5", "XX", "LT"), ":1\r\n");
  EXPECT_EQ(Run("TTL", "k"), ":5\r\n");
}

TEST_F(ExpiryTest, ConditionsThatContradictAreRefused) {
  const std::string nx = "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n";
  EXPECT_EQ(Run("EXPIRE", "k", "1", "NX", "XX"), nx);
  EXPECT_EQ(Run("PEXPIRE", "k", "1", "GT", "NX"), nx);
  EXPECT_EQ(Run("EXPIREAT", "k", "1", "NX", "LT"), nx);
  EXPECT_EQ(Run("PEXPIREAT", "k", "1", "LT", "GT"),
            "-ERR GT and LT options at the same time are not compatible\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "x", "FOO"), "-ERR Unsupported option FOO\r\n");
}

TEST_F(ExpiryTest, OverflowIsAnErrorEvenWithoutAKey) {
  for (const char* span : {"9223372036854775807", "-9223372036854775808", "9223372036854776"})
    EXPECT_EQ(Run("EXPIRE", "k", span), "-ERR invalid expire time in 'expire' command\r\n") << span;
  EXPECT_EQ(Run("PEXPIRE", "k", "9223372036854775807"),
            "-ERR invalid expire time in 'pexpire' command\r\n");
  EXPECT_EQ(Run("EXPIRE", "k", "1.5"), "-ERR value is not an integer or out of range\r\n");
  Run("SET", "k", "v");
  EXPECT_EQ(Run("PEXPIREAT", "k", "9223372036854775807"), ":1\r\n");
  EXPECT_EQ(Run("EXISTS", "k"), ":1\r\n");
}

}  // namespace
}  // namespace cloakroom
