#include <gtest/gtest.h>

#include <set>
#include <string>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"
#include "tests/unit/redis_compat/modules/raw_reply.h"

namespace cloakroom {
namespace {

class HashesTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }
  Harness h{RegisterStrings, RegisterHashes};
};

TEST_F(HashesTest, HSetCountsNewFields) {
  EXPECT_EQ(Run("HSET", "h", "a", "1", "b", "2", "a", "3"), ":2\r\n");
  EXPECT_EQ(Run("HSET", "h", "a", "4"), ":0\r\n");
  EXPECT_EQ(Run("HGET", "h", "a"), Bulk("4"));
  EXPECT_EQ(Run("HMSET", "h", "c", "1", "c", "2"), "+OK\r\n");
  EXPECT_EQ(Run("HLEN", "h"), ":3\r\n");
}

// The pairs are counted before anything is looked up: arity comes before the wrong type.
TEST_F(HashesTest, HSetWantsPairs) {
  Run("SET", "str", "x");
  EXPECT_EQ(Run("HSET", "str", "a", "1", "b"),
            "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(Run("HMSET", "h", "a", "1", "b"),
            "-ERR wrong number of arguments for 'hmset' command\r\n");
  EXPECT_EQ(Run("HSET", "str", "a", "1"), kWrongType);
  EXPECT_EQ(Run("HMSET", "str", "a", "1"), kWrongType);
  EXPECT_EQ(Run("HLEN", "h"), ":0\r\n");
}

TEST_F(HashesTest, HSetNxKeepsWhatIsThere) {
  EXPECT_EQ(Run("HSETNX", "h", "a", "1"), ":1\r\n");
  EXPECT_EQ(Run("HSETNX", "h", "a", "2"), ":0\r\n");
  EXPECT_EQ(Run("HGET", "h", "a"), Bulk("1"));
}

TEST_F(HashesTest, ReadsOfWhatIsAbsent) {
  EXPECT_EQ(Run("HGET", "h", "a"), "$-1\r\n");
  EXPECT_EQ(Run("HMGET", "h", "a", "b"), "*2\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(Run("HGETALL", "h"), "*0\r\n");
  EXPECT_EQ(Run("HKEYS", "h"), "*0\r\n");
  EXPECT_EQ(Run("HVALS", "h"), "*0\r\n");
  EXPECT_EQ(Run("HLEN", "h"), ":0\r\n");
  EXPECT_EQ(Run("HSTRLEN", "h", "a"), ":0\r\n");
  EXPECT_EQ(Run("HEXISTS", "h", "a"), ":0\r\n");
  EXPECT_EQ(Run("HDEL", "h", "a"), ":0\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h"), "$-1\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "3"), "*0\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(Run("HGET", "h", "a"), "_\r\n");
  EXPECT_EQ(Run("HGETALL", "h"), "%0\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h"), "_\r\n");
}

TEST_F(HashesTest, EveryCommandRefusesAnotherType) {
  Run("SET", "str", "x");
  EXPECT_EQ(Run("HSETNX", "str", "a", "1"), kWrongType);
  EXPECT_EQ(Run("HGET", "str", "a"), kWrongType);
  EXPECT_EQ(Run("HMGET", "str", "a"), kWrongType);
  EXPECT_EQ(Run("HGETALL", "str"), kWrongType);
  EXPECT_EQ(Run("HDEL", "str", "a"), kWrongType);
  EXPECT_EQ(Run("HEXISTS", "str", "a"), kWrongType);
  EXPECT_EQ(Run("HKEYS", "str"), kWrongType);
  EXPECT_EQ(Run("HVALS", "str"), kWrongType);
  EXPECT_EQ(Run("HLEN", "str"), kWrongType);
  EXPECT_EQ(Run("HSTRLEN", "str", "a"), kWrongType);
  EXPECT_EQ(Run("HINCRBY", "str", "a", "1"), kWrongType);
  EXPECT_EQ(Run("HINCRBYFLOAT", "str", "a", "1"), kWrongType);
  EXPECT_EQ(Run("HRANDFIELD", "str"), kWrongType);
  EXPECT_EQ(Run("HRANDFIELD", "str", "1"), kWrongType);
  EXPECT_EQ(Run("HSCAN", "str", "0"), kWrongType);
}

TEST_F(HashesTest, SmallHashesKeepTheOrderOfInsertion) {
  Run("HSET", "h", "b", "1", "a", "2");
  Run("HSET", "h", "c", "3", "b", "4");
  EXPECT_EQ(Run("HGETALL", "h"),
            "*6\r\n$1\r\nb\r\n$1\r\n4\r\n$1\r\na\r\n$1\r\n2\r\n$1\r\nc\r\n$1\r\n3\r\n");
  EXPECT_EQ(Run("HKEYS", "h"), "*3\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n");
  EXPECT_EQ(Run("HVALS", "h"), "*3\r\n$1\r\n4\r\n$1\r\n2\r\n$1\r\n3\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(Run("HGETALL", "h").substr(0, 4), "%3\r\n");
  EXPECT_EQ(Run("HMGET", "h", "a", "zz"), "*2\r\n$1\r\n2\r\n_\r\n");
}

TEST_F(HashesTest, HDelCountsEachFieldOnceAndEndsAnEmptyHash) {
  Run("HSET", "h", "a", "1", "b", "2");
  EXPECT_EQ(Run("HDEL", "h", "a", "a", "zz"), ":1\r\n");
  EXPECT_EQ(Run("HDEL", "h", "b"), ":1\r\n");
  EXPECT_EQ(Run("HDEL", "h", "b"), ":0\r\n");
  EXPECT_EQ(Run("SETNX", "h", "now a string"), ":1\r\n");
}

// The increment is read first, then the key's type, then the field.
TEST_F(HashesTest, HIncrByRefusesInRedisOrder) {
  Run("SET", "str", "x");
  Run("HSET", "h", "word", "abc", "max", "9223372036854775807", "float", "1.5");
  const uint64_t records = h.Records();
  EXPECT_EQ(Run("HINCRBY", "str", "a", "x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("HINCRBY", "h", "word", "1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(Run("HINCRBY", "h", "float", "1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(Run("HINCRBY", "h", "max", "1"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(h.Records(), records) << "a refused command must leave no trace in the log";
  EXPECT_EQ(Run("HINCRBY", "h", "max", "-9223372036854775808"), ":-1\r\n");
  EXPECT_EQ(Run("HINCRBY", "h", "new", "3"), ":3\r\n");
}

TEST_F(HashesTest, HIncrByFloatRefusesInRedisOrder) {
  Run("SET", "str", "x");
  Run("HSET", "h", "word", "abc", "big", "1.1e4932");
  EXPECT_EQ(Run("HINCRBYFLOAT", "str", "a", "x"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Run("HINCRBYFLOAT", "str", "a", "nan"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(Run("HINCRBYFLOAT", "str", "a", "inf"), "-ERR value is NaN or Infinity\r\n");
  EXPECT_EQ(Run("HINCRBYFLOAT", "h", "word", "1"), "-ERR hash value is not a float\r\n");
  EXPECT_EQ(Run("HINCRBYFLOAT", "h", "big", "1.1e4932"),
            "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_EQ(Run("HINCRBYFLOAT", "h", "x", "10.5"), Bulk("10.5"));
  EXPECT_EQ(Run("HINCRBYFLOAT", "h", "x", "-5.0e0"), Bulk("5.5"));
  EXPECT_EQ(Run("HGET", "h", "x"), Bulk("5.5"));
}

TEST_F(HashesTest, HRandFieldReadsItsArgumentsBeforeTheKey) {
  Run("SET", "str", "x");
  Run("HSET", "h", "a", "1");
  EXPECT_EQ(Run("HRANDFIELD", "str", "x", "foo"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "str", "1", "foo"), kSyntax);
  EXPECT_EQ(Run("HRANDFIELD", "h", "1", "WITHVALUES", "x"), kSyntax);
  EXPECT_EQ(Run("HRANDFIELD", "h", "-9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "4611686018427387904", "WITHVALUES"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "none", "-4611686018427387904", "WITHVALUES"),
            "-ERR value is out of range\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "4611686018427387904"), "*1\r\n$1\r\na\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "0"), "*0\r\n");
}

TEST_F(HashesTest, HRandFieldNestsPairsInResp3) {
  Run("HSET", "h", "a", "1");
  EXPECT_EQ(Run("HRANDFIELD", "h", "5", "withvalues"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "-2", "WITHVALUES"),
            "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(Run("HRANDFIELD", "h", "5", "WITHVALUES"), "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("HRANDFIELD", "h", "-2"), "*2\r\n$1\r\na\r\n$1\r\na\r\n");
}

// One word must not be able to ask for all of the memory.
TEST_F(HashesTest, HRandFieldRefusesAnEndlessReply) {
  Run("HSET", "h", "a", std::string(1 << 20, 'v'));
  const std::string reply = Run("HRANDFIELD", "h", "-4611686018427387903", "WITHVALUES");
  EXPECT_EQ(reply.substr(0, 27), "-ERR value is out of range,");
}

TEST_F(HashesTest, HScanOfASmallHashAnswersAllAtOnce) {
  Run("HSET", "h", "a", "1", "ab", "2", "b", "3");
  EXPECT_EQ(Run("HSCAN", "h", "7", "COUNT", "1", "match", "a*"),
            "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$2\r\nab\r\n$1\r\n2\r\n");
  EXPECT_EQ(Run("HSCAN", "h", "18446744073709551615", "MATCH", "b"),
            "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\n3\r\n");
  EXPECT_EQ(Run("HSCAN", "none", "5"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

// The options of a key that is absent are never looked at; the cursor always is.
TEST_F(HashesTest, HScanRefusesInRedisOrder) {
  Run("HSET", "h", "a", "1");
  Run("SET", "str", "x");
  EXPECT_EQ(Run("HSCAN", "str", "x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(Run("HSCAN", "str", "0", "COUNT", "x"), kWrongType);
  EXPECT_EQ(Run("HSCAN", "none", "0", "COUNT", "x"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(Run("HSCAN", "h", "0", "COUNT", "x"),
            "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("HSCAN", "h", "0", "COUNT", "0"), kSyntax);
  EXPECT_EQ(Run("HSCAN", "h", "0", "MATCH"), kSyntax);
  EXPECT_EQ(Run("HSCAN", "h", "0", "TYPE", "hash"), kSyntax);
}

// A large hash is walked in steps; each field that stays is met.
TEST_F(HashesTest, HScanWalksALargeHash) {
  for (int i = 0; i < 1000; ++i) {
    const std::string field = "f" + std::to_string(i);
    Run("HSET", "h", field, "v");
  }
  std::set<std::string> met;
  std::string cursor = "0";
  int calls = 0;
  do {
    const std::vector<std::string> words = BulksIn(Run("HSCAN", "h", cursor, "COUNT", "50"));
    ASSERT_FALSE(words.empty());
    cursor = words[0];
    for (size_t i = 1; i < words.size(); i += 2) met.insert(words[i]);
    ++calls;
  } while (cursor != "0" && calls < 1000);
  EXPECT_EQ(met.size(), 1000U);
  EXPECT_GT(calls, 5);
  EXPECT_EQ(Run("HSCAN", "h", "9007199254740992"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

}  // namespace
}  // namespace cloakroom
