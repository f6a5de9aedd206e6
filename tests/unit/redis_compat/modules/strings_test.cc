#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr std::string_view kNil = "$-1\r\n";
constexpr std::string_view kOk = "+OK\r\n";
constexpr std::string_view kSyntax = "-ERR syntax error\r\n";
constexpr std::string_view kNotInteger = "-ERR value is not an integer or out of range\r\n";
constexpr std::string_view kWrongType =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

class StringsTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }
  /// A key that holds no string.
  void MakeHash(std::string_view key) {
    WriteBatch batch;
    const std::string_view pair[] = {"f", "v"};
    batch.HashSet(0, h.shard.keys().Ref(key), pair);
    h.shard.BeginTurn();
    h.shard.Commit(batch);
  }

  Harness h{RegisterStrings, RegisterExpiry, RegisterKeys};
};

TEST_F(StringsTest, SetTakesItsOptionsInAnyOrder) {
  EXPECT_EQ(Run("SET", "k", "v", "ex", "100", "NX"), kOk);
  EXPECT_EQ(Run("TTL", "k"), ":100\r\n");
  EXPECT_EQ(Run("SET", "k", "w", "XX", "KEEPTTL", "GET"), Bulk("v"));
  EXPECT_EQ(Run("TTL", "k"), ":100\r\n");
  EXPECT_EQ(Run("SET", "k", "x", "GET", "PX", "1500"), Bulk("w"));
  EXPECT_EQ(Run("PTTL", "k"), ":1500\r\n");
  EXPECT_EQ(Run("SET", "k", "y"), kOk);
  EXPECT_EQ(Run("TTL", "k"), ":-1\r\n");
}

TEST_F(StringsTest, SetRefusesOptionsThatContradict) {
  EXPECT_EQ(Run("SET", "k", "v", "NX", "XX"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "EX", "1", "PX", "1"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "EX", "1", "KEEPTTL"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "KEEPTTL", "PXAT", "1"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "PERSIST"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "EX"), kSyntax);
  EXPECT_EQ(Run("SET", "k", "v", "FOO"), kSyntax);
  EXPECT_EQ(h.Records(), 0U) << "a refused command must leave no trace in the log";
  EXPECT_EQ(Run("SET", "k", "v", "EX", "1", "EX", "5"), kOk) << "the last of a kind holds";
  EXPECT_EQ(Run("TTL", "k"), ":5\r\n");
}

TEST_F(StringsTest, SetNamesABadExpiry) {
  const std::string bad = "-ERR invalid expire time in 'set' command\r\n";
  for (const char* span : {"0", "-1", "9223372036854775807", "9223372036854776"})
    EXPECT_EQ(Run("SET", "k", "v", "EX", span), bad) << span;
  EXPECT_EQ(Run("SET", "k", "v", "PX", "9223372036854775807"), bad);
  EXPECT_EQ(Run("SET", "k", "v", "PXAT", "0"), bad);
  EXPECT_EQ(Run("SET", "k", "v", "EX", "abc"), kNotInteger);
  EXPECT_EQ(Run("SETEX", "k", "0", "v"), "-ERR invalid expire time in 'setex' command\r\n");
  EXPECT_EQ(Run("PSETEX", "k", "-5", "v"), "-ERR invalid expire time in 'psetex' command\r\n");
  EXPECT_EQ(h.Records(), 0U);
}

TEST_F(StringsTest, SetInThePastLeavesNoKey) {
  EXPECT_EQ(Run("SET", "k", "v"), kOk);
  EXPECT_EQ(Run("SET", "k", "w", "EXAT", "1"), kOk);
  EXPECT_EQ(Run("GET", "k"), kNil);
}

TEST_F(StringsTest, SetNxAndXxLookAtWhatLives) {
  EXPECT_EQ(Run("SET", "k", "v", "XX"), kNil);
  EXPECT_EQ(Run("SET", "k", "v", "NX", "PX", "10"), kOk);
  EXPECT_EQ(Run("SET", "k", "w", "NX"), kNil);
  h.clock.Advance(10);
  EXPECT_EQ(Run("SET", "k", "w", "XX"), kNil) << "at its deadline it is gone";
  EXPECT_EQ(Run("SET", "k", "w", "NX", "GET"), kNil) << "with GET: the old value, which is none";
  EXPECT_EQ(Run("SET", "k", "x", "NX", "GET"), Bulk("w"));
  EXPECT_EQ(Run("GET", "k"), Bulk("w"));
}

TEST_F(StringsTest, OtherTypesAreReplacedBySetButNotRead) {
  MakeHash("h");
  EXPECT_EQ(Run("GET", "h"), kWrongType);
  EXPECT_EQ(Run("SET", "h", "v", "GET"), kWrongType);
  EXPECT_EQ(Run("GETSET", "h", "v"), kWrongType);
  EXPECT_EQ(Run("GETDEL", "h"), kWrongType);
  EXPECT_EQ(Run("GETEX", "h", "EX", "0"), kWrongType) << "before the expiry is looked at";
  EXPECT_EQ(Run("INCR", "h"), kWrongType);
  EXPECT_EQ(Run("INCRBYFLOAT", "h", "abc"), kWrongType);
  EXPECT_EQ(Run("APPEND", "h", "v"), kWrongType);
  EXPECT_EQ(Run("SETRANGE", "h", "0", ""), kWrongType);
  EXPECT_EQ(Run("GETRANGE", "h", "0", "1"), kWrongType);
  EXPECT_EQ(Run("STRLEN", "h"), kWrongType);
  EXPECT_EQ(Run("MGET", "h", "none"), "*2\r\n$-1\r\n$-1\r\n") << "MGET alone does not mind";
  EXPECT_EQ(Run("SET", "h", "v"), kOk);
  EXPECT_EQ(Run("GET", "h"), Bulk("v"));
}

TEST_F(StringsTest, GetSetDropsTheExpiry) {
  EXPECT_EQ(Run("GETSET", "k", "v"), kNil);
  EXPECT_EQ(Run("SETEX", "k", "10", "w"), kOk);
  EXPECT_EQ(Run("GETSET", "k", "x"), Bulk("w"));
  EXPECT_EQ(Run("TTL", "k"), ":-1\r\n");
  EXPECT_EQ(Run("GETDEL", "k"), Bulk("x"));
  EXPECT_EQ(Run("GETDEL", "k"), kNil);
}

TEST_F(StringsTest, GetExChangesTheExpiryAlone) {
  EXPECT_EQ(Run("GETEX", "none", "EX", "0"), kNil) << "absence comes first";
  Run("SET", "k", "v");
  EXPECT_EQ(Run("GETEX", "k", "EX", "7"), Bulk("v"));
  EXPECT_EQ(Run("TTL", "k"), ":7\r\n");
  EXPECT_EQ(Run("GETEX", "k"), Bulk("v"));
  EXPECT_EQ(Run("TTL", "k"), ":7\r\n");
  EXPECT_EQ(Run("GETEX", "k", "PERSIST"), Bulk("v"));
  EXPECT_EQ(Run("TTL", "k"), ":-1\r\n");
  EXPECT_EQ(Run("GETEX", "k", "EX", "0"), "-ERR invalid expire time in 'getex' command\r\n");
  for (const char* option : {"NX", "XX", "GET", "KEEPTTL"})
    EXPECT_EQ(Run("GETEX", "k", option), kSyntax) << option;
  EXPECT_EQ(Run("GETEX", "k", "EX", "1", "PERSIST"), kSyntax);
  EXPECT_EQ(Run("GETEX", "k", "PXAT", "1"), Bulk("v")) << "in the past: read, then deleted";
  EXPECT_EQ(Run("GET", "k"), kNil);
}

TEST_F(StringsTest, ManyAtOnce) {
  EXPECT_EQ(Run("MSET", "a", "1", "b", "2", "a", "3"), kOk);
  EXPECT_EQ(Run("MGET", "a", "b", "c"), "*3\r\n" + Bulk("3") + Bulk("2") + std::string(kNil));
  EXPECT_EQ(Run("MSETNX", "c", "1", "a", "2"), ":0\r\n");
  EXPECT_EQ(Run("GET", "c"), kNil);
  EXPECT_EQ(Run("MSETNX", "c", "1", "d", "2"), ":1\r\n");
  EXPECT_EQ(Run("MSET", "a", "1", "b"), "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(Run("MSETNX", "a", "1", "b"),
            "-ERR wrong number of arguments for 'msetnx' command\r\n");
}

// Keys are hashed and prefetched in groups; none may be lost where one group ends.
TEST_F(StringsTest, MGetOfAnyNumberOfKeysKeepsTheOrder) {
  for (const int count : {1, 2, 15, 16, 17, 32, 33, 100}) {
    std::vector<std::string> set = {"MSET"};
    std::vector<std::string> get = {"MGET"};
    std::string expected = "*" + std::to_string(count) + "\r\n";
    for (int i = 0; i < count; ++i) {
      set.insert(set.end(), {"key" + std::to_string(i), "value" + std::to_string(i)});
      get.push_back("key" + std::to_string(i));
      expected += Bulk("value" + std::to_string(i));
    }
    EXPECT_EQ(h.Run(set), kOk);
    EXPECT_EQ(h.Run(get), expected) << count;
  }
}

TEST_F(StringsTest, CountersCount) {
  EXPECT_EQ(Run("INCR", "n"), ":1\r\n");
  EXPECT_EQ(Run("INCRBY", "n", "9"), ":10\r\n");
  EXPECT_EQ(Run("DECR", "n"), ":9\r\n");
  EXPECT_EQ(Run("DECRBY", "n", "-1"), ":10\r\n");
  EXPECT_EQ(Run("INCRBY", "n", "+1"), kNotInteger);
  EXPECT_EQ(Run("INCRBY", "n", "9223372036854775807"),
            "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(Run("DECRBY", "n", "-9223372036854775808"), "-ERR decrement would overflow\r\n");
  Run("SET", "text", "x");
  EXPECT_EQ(Run("INCR", "text"), kNotInteger);
}

TEST_F(StringsTest, CountersKeepTheExpiry) {
  Run("SETEX", "n", "10", "1");
  Run("INCR", "n");
  Run("INCRBYFLOAT", "n", "0.5");
  Run("APPEND", "n", "0");
  Run("SETRANGE", "n", "0", "7");
  EXPECT_EQ(Run("GET", "n"), Bulk("7.50"));
  EXPECT_EQ(Run("TTL", "n"), ":10\r\n");
}

TEST_F(StringsTest, FloatsAreStoredAsTheyAreAnswered) {
  EXPECT_EQ(Run("INCRBYFLOAT", "f", "10.50"), Bulk("10.5"));
  EXPECT_EQ(Run("INCRBYFLOAT", "f", "0.1"), Bulk("10.6"));
  EXPECT_EQ(Run("INCRBYFLOAT", "f", "5.0e3"), Bulk("5010.60000000000000009"));
  EXPECT_EQ(Run("GET", "f"), Bulk("5010.60000000000000009"));
  EXPECT_EQ(Run("INCRBYFLOAT", "f", "abc"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Run("INCRBYFLOAT", "f", "inf"), "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_EQ(Run("INCRBYFLOAT", "g", "3"), Bulk("3"));
}

TEST_F(StringsTest, AppendAndRanges) {
  EXPECT_EQ(Run("APPEND", "k", "Hello"), ":5\r\n");
  EXPECT_EQ(Run("APPEND", "k", " World"), ":11\r\n");
  EXPECT_EQ(Run("STRLEN", "k"), ":11\r\n");
  EXPECT_EQ(Run("STRLEN", "none"), ":0\r\n");
  EXPECT_EQ(Run("SETRANGE", "k", "6", "Redis"), ":11\r\n");
  EXPECT_EQ(Run("GETRANGE", "k", "-5", "-1"), Bulk("Redis"));
  EXPECT_EQ(Run("SUBSTR", "k", "0", "4"), Bulk("Hello"));
  EXPECT_EQ(Run("GETRANGE", "none", "0", "4"), Bulk(""));
  EXPECT_EQ(Run("GETRANGE", "none", "a", "4"), kNotInteger);
  EXPECT_EQ(Run("SETRANGE", "new", "3", "x"), ":4\r\n");
  EXPECT_EQ(Run("GET", "new"), Bulk(std::string_view("\0\0\0x", 4)));
  EXPECT_EQ(Run("SETRANGE", "k", "-1", "x"), "-ERR offset is out of range\r\n");
  EXPECT_EQ(Run("SETRANGE", "none", "5", ""), ":0\r\n");
  EXPECT_EQ(Run("EXISTS", "none"), ":0\r\n");
}

TEST_F(StringsTest, GrowthEndsAtTheConfiguredLimit) {
  const std::string refused = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  EXPECT_EQ(Run("SETRANGE", "k", "536870912", "x"), refused);
  EXPECT_EQ(Run("SETRANGE", "k", "9223372036854775807", "x"), refused);
  h.server.options["proto-max-bulk-len"] = "2000000";
  EXPECT_EQ(Run("SETRANGE", "k", "1999999", "x"), ":2000000\r\n");
  EXPECT_EQ(Run("SETRANGE", "k", "2000000", "x"), refused);
  EXPECT_EQ(Run("APPEND", "k", "x"), refused);
}

// INFO's keyspace_hits and keyspace_misses count reads, and only those.
TEST_F(StringsTest, ReadsCountHitsAndMisses) {
  Run("SET", "k", "v");
  Run("APPEND", "k", "w");
  Run("SETNX", "k", "x");
  EXPECT_EQ(h.dispatcher.lookups().hits, 0U);
  EXPECT_EQ(h.dispatcher.lookups().misses, 0U);
  Run("GET", "k");
  Run("GET", "none");
  Run("MGET", "k", "none", "none");
  EXPECT_EQ(h.dispatcher.lookups().hits, 2U);
  EXPECT_EQ(h.dispatcher.lookups().misses, 3U);
}

}  // namespace
}  // namespace cloakroom
