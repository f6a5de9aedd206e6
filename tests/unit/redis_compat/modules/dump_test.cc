#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "store/image/crc64.h"
#include "tests/support/harness.h"
#include "tests/support/rdb_bytes.h"

namespace cloakroom {
namespace {

constexpr std::string_view kBusy = "-BUSYKEY Target key name already exists.\r\n";
constexpr std::string_view kBadData = "-ERR Bad data format\r\n";
constexpr std::string_view kBadChecksum = "-ERR DUMP payload version or checksum are wrong\r\n";
constexpr std::string_view kSyntax = "-ERR syntax error\r\n";

/// `body` with a version and a right checksum.
std::string Payload(const RdbBytes& body, uint16_t version = 10) {
  RdbBytes payload = body;
  payload.Int(version);
  payload.Int(Crc64(0, std::string(payload.bytes)));
  return payload.bytes;
}

class DumpTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }
  /// The bytes that DUMP answers.
  std::string Dumped(std::string_view key) {
    const std::string reply = Run("DUMP", key);
    const size_t start = reply.find("\r\n") + 2;
    return reply.substr(start, reply.size() - start - 2);
  }

  Harness h{RegisterStrings, RegisterHashes, RegisterSets,         RegisterExpiry,
            RegisterKeys,    RegisterObject, RegisterTransactions, RegisterDump};
  const std::string hello = Payload(RdbBytes{}.Byte(0).String("hello"));
};

// What the documentation of DUMP shows of a Redis, but for the version.
TEST_F(DumpTest, DumpsWhatRedisDumps) {
  Run("SET", "n", "10");
  EXPECT_EQ(Dumped("n"), Payload(RdbBytes{}.Byte(0).Byte(0xC0).Byte(10)));
  Run("HSET", "h", "f", "v");
  EXPECT_EQ(Dumped("h"),
            Payload(RdbBytes{}.Byte(16).String(FromHex("0d000000 0200 816602 817602 ff"))));
  Run("SADD", "i", "1", "2");
  EXPECT_EQ(Dumped("i"),
            Payload(RdbBytes{}.Byte(11).String(FromHex("02000000 02000000 0100 0200"))));
  Run("SADD", "t", "a");
  EXPECT_EQ(Dumped("t"), Payload(RdbBytes{}.Byte(2).Length(1).String("a")));
  EXPECT_EQ(Run("DUMP", "none"), "$-1\r\n");
}

// INFO counts the payloads that were looked through, not those that were refused before.
TEST_F(DumpTest, PayloadsAreCounted) {
  Run("RESTORE", "a", "0", hello);
  Run("RESTORE", "b", "0", hello);
  Run("RESTORE", "c", "0", "nonsense");
  EXPECT_EQ(h.dispatcher.lookups().payloads_read, 2U);
  h.dispatcher.ResetStats();
  EXPECT_EQ(h.dispatcher.lookups().payloads_read, 0U);
}

TEST_F(DumpTest, RestoresWhatItDumps) {
  Run("SET", "s", std::string(1000, 'x'));
  Run("HSET", "h", "f", "v", "g", std::string(100, 'y'));
  Run("SADD", "t", "a", "b", "");
  for (const std::string_view key : {"s", "h", "t"}) {
    const std::string payload = Dumped(key);
    EXPECT_EQ(Run("RESTORE", "copy", "0", payload, "REPLACE"), "+OK\r\n");
    EXPECT_EQ(Dumped("copy"), payload);
    EXPECT_EQ(Run("TTL", "copy"), ":-1\r\n");
  }
}

TEST_F(DumpTest, ATakenKeyIsReplacedOnlyWhenAsked) {
  Run("HSET", "k", "f", "v");
  EXPECT_EQ(Run("RESTORE", "k", "0", hello), kBusy);
  EXPECT_EQ(Run("RESTORE", "k", "0", hello, "REPLACE"), "+OK\r\n");
  EXPECT_EQ(Run("GET", "k"), "$5\r\nhello\r\n");
  const std::string hash = Payload(RdbBytes{}.Byte(4).Length(1).String("f").String("v"));
  EXPECT_EQ(Run("RESTORE", "k", "0", hash, "replace"), "+OK\r\n");
  EXPECT_EQ(Run("HGETALL", "k"), "*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_EQ(Run("RESTORE", "k", "0", hash, "replace"), "+OK\r\n") << "of the same type, too";
}

TEST_F(DumpTest, TheTimeToLiveIsASpanOrAnInstant) {
  EXPECT_EQ(Run("RESTORE", "a", "5000", hello), "+OK\r\n");
  EXPECT_EQ(Run("PTTL", "a"), ":5000\r\n");
  const std::string instant = std::to_string(h.clock.WallMs() + 7000);
  EXPECT_EQ(Run("RESTORE", "b", instant, hello, "ABSTTL"), "+OK\r\n");
  EXPECT_EQ(Run("PTTL", "b"), ":7000\r\n");
  EXPECT_EQ(Run("RESTORE", "c", "0", hello, "ABSTTL"), "+OK\r\n");
  EXPECT_EQ(Run("PTTL", "c"), ":-1\r\n");
  const std::string set = Payload(RdbBytes{}.Byte(2).Length(1).String("m"));
  EXPECT_EQ(Run("RESTORE", "d", "5000", set), "+OK\r\n");
  EXPECT_EQ(Run("PTTL", "d"), ":5000\r\n");
}

// Nothing that is past its time comes back; what stood there goes, as it was to be replaced.
TEST_F(DumpTest, AnInstantThatPassedLeavesNoKey) {
  EXPECT_EQ(Run("RESTORE", "a", "1", hello, "ABSTTL"), "+OK\r\n");
  EXPECT_EQ(Run("EXISTS", "a"), ":0\r\n");
  EXPECT_EQ(h.Records(), 0U);
  Run("SET", "a", "old");
  EXPECT_EQ(Run("RESTORE", "a", "1", hello, "ABSTTL", "REPLACE"), "+OK\r\n");
  EXPECT_EQ(Run("EXISTS", "a"), ":0\r\n");
}

TEST_F(DumpTest, RefusesWordsInRedissOrder) {
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "WHAT"), kSyntax);
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "IDLETIME"), kSyntax);
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "IDLETIME", "1", "FREQ", "1"), kSyntax);
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "FREQ", "1", "IDLETIME", "1"), kSyntax);
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "IDLETIME", "-1"),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n");
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "FREQ", "256"),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
  EXPECT_EQ(Run("RESTORE", "a", "x", "x", "FREQ", "x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("RESTORE", "a", "x", "x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("RESTORE", "a", "-1", "x"), "-ERR Invalid TTL value, must be >= 0\r\n");
  EXPECT_EQ(Run("RESTORE", "a", "0", "x"), kBadChecksum);
  Run("SET", "a", "1");
  EXPECT_EQ(Run("RESTORE", "a", "x", "x"), kBusy);
}

TEST_F(DumpTest, RefusesWhatIsNoValue) {
  const auto restore = [&](const RdbBytes& body) {
    return Run("RESTORE", "a", "0", Payload(body));
  };
  EXPECT_EQ(restore(RdbBytes{}), kBadData);
  EXPECT_EQ(restore(RdbBytes{}.Byte(99).String("x")), kBadData);
  EXPECT_EQ(restore(RdbBytes{}.Byte(0).Length(5).Raw("x")), kBadData);
  EXPECT_EQ(restore(RdbBytes{}.Byte(4).Length(0)), kBadData);
  EXPECT_EQ(restore(RdbBytes{}.Byte(2).Length(2).String("a").String("a")), kBadData);
  EXPECT_EQ(Run("EXISTS", "a"), ":0\r\n");
  EXPECT_EQ(h.Records(), 0U) << "a refused command must leave no trace in the log";
}

TEST_F(DumpTest, SaysWhatItDoesNotHave) {
  EXPECT_EQ(Run("RESTORE", "a", "0", Payload(RdbBytes{}.Byte(1).Length(1).String("x"))),
            "-ERR values of type list are not supported\r\n");
  EXPECT_EQ(
      Run("RESTORE", "a", "0",
          Payload(RdbBytes{}.Byte(24).Int<int64_t>(5).Length(1).Length(1).String("f").String("v"),
                  12)),
      "-ERR hash fields with a deadline of their own are not supported\r\n");
}

// Payloads of Redis 7.2 to 8 and of Valkey are taken, so that keys can be moved from there.
TEST_F(DumpTest, TakesPayloadsOfLaterVersions) {
  for (const uint16_t version : {1, 6, 11, 12, 80})
    EXPECT_EQ(Run("RESTORE", "a", "0", Payload(RdbBytes{}.Byte(0).String("x"), version), "REPLACE"),
              "+OK\r\n");
  for (const uint16_t version : {16, 79, 81, 65535})
    EXPECT_EQ(Run("RESTORE", "a", "0", Payload(RdbBytes{}.Byte(0).String("x"), version), "REPLACE"),
              kBadChecksum);
  const std::string set =
      Payload(RdbBytes{}.Byte(20).String(FromHex("0c000000 0200 0501 816102 ff")), 11);
  EXPECT_EQ(Run("RESTORE", "t", "0", set), "+OK\r\n");
  EXPECT_EQ(Run("SISMEMBER", "t", "5"), ":1\r\n");
}

TEST_F(DumpTest, SetsHowLongAKeyWasIdle) {
  h.clock.Advance(100'000'000);
  EXPECT_EQ(Run("RESTORE", "a", "0", hello, "IDLETIME", "1000"), "+OK\r\n");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "a"), ":1000\r\n");
  EXPECT_EQ(Run("RESTORE", "b", "0", hello), "+OK\r\n");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "b"), ":0\r\n");
  Run("MULTI");
  Run("RESTORE", "c", "0", hello, "IDLETIME", "77");
  EXPECT_EQ(Run("EXEC"), "*1\r\n+OK\r\n");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "c"), ":77\r\n");
}

TEST_F(DumpTest, SetsHowOftenAKeyIsUsed) {
  h.shard.keys().access_clock().set_options({.counts_uses = true});
  EXPECT_EQ(Run("RESTORE", "a", "0", hello, "FREQ", "200"), "+OK\r\n");
  EXPECT_EQ(Run("OBJECT", "FREQ", "a"), ":200\r\n");
  EXPECT_EQ(Run("RESTORE", "b", "0", hello, "IDLETIME", "1000"), "+OK\r\n");
  EXPECT_EQ(Run("OBJECT", "FREQ", "b"), ":5\r\n") << "the policy does not know idle times";
}

}  // namespace
}  // namespace cloakroom
