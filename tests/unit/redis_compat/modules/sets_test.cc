#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"
#include "tests/unit/redis_compat/modules/raw_reply.h"

namespace cloakroom {
namespace {

class SetsTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }
  /// The members in a reply, sorted.
  static std::vector<std::string> Sorted(const std::string& reply) {
    std::vector<std::string> members = BulksIn(reply);
    std::sort(members.begin(), members.end());
    return members;
  }
  using Words = std::vector<std::string>;

  Harness h{RegisterStrings, RegisterSets};
};

TEST_F(SetsTest, CountsWhatIsRepeatedOnce) {
  EXPECT_EQ(Run("SADD", "s", "a", "b", "a"), ":2\r\n");
  EXPECT_EQ(Run("SADD", "s", "a", "c"), ":1\r\n");
  EXPECT_EQ(Run("SCARD", "s"), ":3\r\n");
  EXPECT_EQ(Run("SREM", "s", "a", "a", "zz"), ":1\r\n");
  EXPECT_EQ(Run("SREM", "s", "b", "c", "b"), ":2\r\n");
  EXPECT_EQ(Run("SETNX", "s", "an emptied set is gone"), ":1\r\n");
}

TEST_F(SetsTest, ReadsOfWhatIsAbsent) {
  EXPECT_EQ(Run("SMEMBERS", "s"), "*0\r\n");
  EXPECT_EQ(Run("SISMEMBER", "s", "a"), ":0\r\n");
  EXPECT_EQ(Run("SMISMEMBER", "s", "a", "b"), "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(Run("SCARD", "s"), ":0\r\n");
  EXPECT_EQ(Run("SREM", "s", "a"), ":0\r\n");
  EXPECT_EQ(Run("SPOP", "s"), "$-1\r\n");
  EXPECT_EQ(Run("SPOP", "s", "2"), "*0\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "s"), "$-1\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "s", "-2"), "*0\r\n");
  EXPECT_EQ(Run("SSCAN", "s", "5", "COUNT", "x"), "*2\r\n$1\r\n0\r\n*0\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(Run("SMEMBERS", "s"), "~0\r\n");
  EXPECT_EQ(Run("SPOP", "s"), "_\r\n");
  EXPECT_EQ(Run("SPOP", "s", "2"), "~0\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "s"), "_\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "s", "2"), "*0\r\n");
  EXPECT_EQ(Run("SINTER", "s"), "~0\r\n");
}

TEST_F(SetsTest, EveryCommandRefusesAnotherType) {
  Run("SET", "str", "x");
  Run("SADD", "s", "a");
  EXPECT_EQ(Run("SADD", "str", "a"), kWrongType);
  EXPECT_EQ(Run("SREM", "str", "a"), kWrongType);
  EXPECT_EQ(Run("SMEMBERS", "str"), kWrongType);
  EXPECT_EQ(Run("SISMEMBER", "str", "a"), kWrongType);
  EXPECT_EQ(Run("SMISMEMBER", "str", "a"), kWrongType);
  EXPECT_EQ(Run("SCARD", "str"), kWrongType);
  EXPECT_EQ(Run("SPOP", "str"), kWrongType);
  EXPECT_EQ(Run("SPOP", "str", "0"), kWrongType);
  EXPECT_EQ(Run("SRANDMEMBER", "str"), kWrongType);
  EXPECT_EQ(Run("SRANDMEMBER", "str", "0"), kWrongType);
  EXPECT_EQ(Run("SMOVE", "str", "s", "a"), kWrongType);
  EXPECT_EQ(Run("SMOVE", "s", "str", "zz"), kWrongType);
  EXPECT_EQ(Run("SSCAN", "str", "0"), kWrongType);
}

TEST_F(SetsTest, IntegersComeInAscendingOrder) {
  Run("SADD", "s", "3", "-20", "100", "1");
  const std::string sorted = "4\r\n$3\r\n-20\r\n$1\r\n1\r\n$1\r\n3\r\n$3\r\n100\r\n";
  EXPECT_EQ(Run("SMEMBERS", "s"), "*" + sorted);
  EXPECT_EQ(Run("SRANDMEMBER", "s", "10"), "*" + sorted);
  EXPECT_EQ(Run("SSCAN", "s", "0", "COUNT", "1"), "*2\r\n$1\r\n0\r\n*" + sorted);
  EXPECT_EQ(Run("SINTER", "s"), "*" + sorted);
  EXPECT_EQ(Run("SPOP", "s", "10"), "*" + sorted);
  EXPECT_EQ(Run("SCARD", "s"), ":0\r\n");
}

TEST_F(SetsTest, SPopReadsTheCountBeforeTheKey) {
  Run("SET", "str", "x");
  const std::string positive = "-ERR value is out of range, must be positive\r\n";
  EXPECT_EQ(Run("SPOP", "str", "-1"), positive);
  EXPECT_EQ(Run("SPOP", "str", "x"), positive);
  EXPECT_EQ(Run("SPOP", "str", "9223372036854775808"), positive);
  EXPECT_EQ(Run("SPOP", "str", "1", "2"), kSyntax);
  Run("SADD", "s", "a");
  EXPECT_EQ(Run("SPOP", "s", "0"), "*0\r\n");
  EXPECT_EQ(Run("SPOP", "s"), Bulk("a"));
  EXPECT_EQ(Run("SPOP", "s"), "$-1\r\n");
}

TEST_F(SetsTest, SPopTakesWhatItReturns) {
  Run("SADD", "s", "a", "b", "c", "d", "e");
  Words all = Sorted(Run("SPOP", "s", "2"));
  EXPECT_EQ(all.size(), 2U);
  for (const std::string& rest : BulksIn(Run("SMEMBERS", "s"))) all.push_back(rest);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Words{"a", "b", "c", "d", "e"}));
}

TEST_F(SetsTest, SRandMemberReadsTheCountBeforeTheKey) {
  Run("SET", "str", "x");
  EXPECT_EQ(Run("SRANDMEMBER", "str", "x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "str", "-9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(Run("SRANDMEMBER", "str", "1", "2"), kSyntax);
}

TEST_F(SetsTest, SRandMemberRepeatsOnlyForANegativeCount) {
  Run("SADD", "s", "a", "b", "c");
  EXPECT_EQ(BulksIn(Run("SRANDMEMBER", "s", "-50")).size(), 50U);
  EXPECT_EQ(Sorted(Run("SRANDMEMBER", "s", "50")), (Words{"a", "b", "c"}));
  const Words two = Sorted(Run("SRANDMEMBER", "s", "2"));
  ASSERT_EQ(two.size(), 2U);
  EXPECT_NE(two[0], two[1]);
  EXPECT_EQ(Run("SCARD", "s"), ":3\r\n");
}

// With no source the destination's type does not matter; otherwise it does, even when nothing
// would move.
TEST_F(SetsTest, SMove) {
  Run("SET", "str", "x");
  Run("SADD", "s", "a", "b");
  EXPECT_EQ(Run("SMOVE", "none", "str", "a"), ":0\r\n");
  EXPECT_EQ(Run("SMOVE", "s", "s", "a"), ":1\r\n");
  EXPECT_EQ(Run("SMOVE", "s", "s", "zz"), ":0\r\n");
  EXPECT_EQ(Run("SMOVE", "s", "t", "a"), ":1\r\n");
  EXPECT_EQ(Run("SMOVE", "s", "t", "a"), ":0\r\n");
  EXPECT_EQ(Run("SMOVE", "s", "t", "b"), ":1\r\n");
  EXPECT_EQ(Run("SCARD", "s"), ":0\r\n");
  EXPECT_EQ(Sorted(Run("SMEMBERS", "t")), (Words{"a", "b"}));
}

TEST_F(SetsTest, Algebra) {
  Run("SADD", "a", "1", "2", "x");
  Run("SADD", "b", "2", "3", "x");
  EXPECT_EQ(Sorted(Run("SINTER", "a", "b")), (Words{"2", "x"}));
  EXPECT_EQ(Sorted(Run("SUNION", "a", "b", "none")), (Words{"1", "2", "3", "x"}));
  EXPECT_EQ(Sorted(Run("SDIFF", "a", "b")), Words{"1"});
  EXPECT_EQ(Run("SINTER", "a", "none"), "*0\r\n");
  EXPECT_EQ(Run("SDIFF", "none", "a"), "*0\r\n");
}

// Every key's type counts, also where the result is known to be empty before it is reached.
TEST_F(SetsTest, AlgebraChecksEveryKey) {
  Run("SET", "str", "x");
  for (const std::string_view name : {"SINTER", "SUNION", "SDIFF"}) {
    EXPECT_EQ(Run(name, "none", "str"), kWrongType);
    EXPECT_EQ(Run(name, "str", "none"), kWrongType);
  }
  EXPECT_EQ(Run("SINTERSTORE", "d", "none", "str"), kWrongType);
  EXPECT_EQ(Run("SINTERCARD", "2", "none", "str"), kWrongType);
}

TEST_F(SetsTest, StoringReplacesTheDestinationWhateverItIs) {
  Run("SADD", "a", "1", "2");
  Run("SADD", "b", "2", "3");
  Run("SET", "d", "x");
  EXPECT_EQ(Run("SINTERSTORE", "d", "a", "b"), ":1\r\n");
  EXPECT_EQ(Run("SMEMBERS", "d"), "*1\r\n$1\r\n2\r\n");
  EXPECT_EQ(Run("SUNIONSTORE", "a", "a", "b"), ":3\r\n") << "a source may be the destination";
  EXPECT_EQ(Run("SMEMBERS", "a"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
  EXPECT_EQ(Run("SDIFFSTORE", "d", "b", "a"), ":0\r\n");
  EXPECT_EQ(Run("SETNX", "d", "nothing left"), ":1\r\n");
  EXPECT_EQ(Run("SUNIONSTORE", "d", "none"), ":0\r\n");
  EXPECT_EQ(Run("SETNX", "d", "nothing left"), ":1\r\n");
}

TEST_F(SetsTest, SInterCardReadsItsArgumentsBeforeTheKeys) {
  Run("SET", "str", "x");
  const std::string_view positive = "-ERR numkeys should be greater than 0\r\n";
  EXPECT_EQ(Run("SINTERCARD", "0", "str"), positive);
  EXPECT_EQ(Run("SINTERCARD", "-1", "str"), positive);
  EXPECT_EQ(Run("SINTERCARD", "x", "str"), positive);
  EXPECT_EQ(Run("SINTERCARD", "2", "str"),
            "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(Run("SINTERCARD", "1", "str", "LIMIT"), kSyntax);
  EXPECT_EQ(Run("SINTERCARD", "1", "str", "FOO", "1"), kSyntax);
  EXPECT_EQ(Run("SINTERCARD", "1", "str", "LIMIT", "-1"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Run("SINTERCARD", "1", "str", "LIMIT", "x"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(Run("SINTERCARD", "1", "str"), kWrongType);
}

TEST_F(SetsTest, SInterCardCountsUpToItsLimit) {
  Run("SADD", "a", "1", "2", "3", "x");
  Run("SADD", "b", "1", "2", "3", "y");
  EXPECT_EQ(Run("SINTERCARD", "2", "a", "b"), ":3\r\n");
  EXPECT_EQ(Run("SINTERCARD", "2", "a", "b", "limit", "2"), ":2\r\n");
  EXPECT_EQ(Run("SINTERCARD", "2", "a", "b", "LIMIT", "0"), ":3\r\n");
  EXPECT_EQ(Run("SINTERCARD", "2", "a", "b", "LIMIT", "1", "LIMIT", "9"), ":3\r\n");
  EXPECT_EQ(Run("SINTERCARD", "2", "a", "none"), ":0\r\n");
}

// Cluster clients ask where the keys are; here the command itself says how many there are.
TEST_F(SetsTest, SInterCardNamesItsKeys) {
  const CommandSpec& spec = *h.registry.Find("SINTERCARD")->spec;
  std::vector<size_t> keys;
  const std::vector<std::string_view> good = {"SINTERCARD", "2", "a", "b", "LIMIT", "1"};
  EXPECT_TRUE(FindKeys(spec, Args(good), keys));
  EXPECT_EQ(keys, (std::vector<size_t>{2, 3}));
  const std::vector<std::string_view> bad = {"SINTERCARD", "3", "a", "b"};
  EXPECT_FALSE(FindKeys(spec, Args(bad), keys));
  // The number is read loosely here, though the command refuses it.
  const std::vector<std::string_view> loose = {"SINTERCARD", " 1x", "a"};
  keys.clear();
  EXPECT_TRUE(FindKeys(spec, Args(loose), keys));
  EXPECT_EQ(keys, std::vector<size_t>{2});
  EXPECT_EQ(Run("SINTERCARD", " 1x", "a"), "-ERR numkeys should be greater than 0\r\n");
}

// A large set is walked in steps; each member that stays is met.
TEST_F(SetsTest, SScanWalksALargeSet) {
  for (int i = 0; i < 1000; ++i) {
    const std::string member = "m" + std::to_string(i);
    Run("SADD", "s", member);
  }
  std::set<std::string> met;
  std::string cursor = "0";
  int calls = 0;
  do {
    const Words words = BulksIn(Run("SSCAN", "s", cursor, "MATCH", "m*"));
    ASSERT_FALSE(words.empty());
    cursor = words[0];
    met.insert(words.begin() + 1, words.end());
    ++calls;
  } while (cursor != "0" && calls < 1000);
  EXPECT_EQ(met.size(), 1000U);
  EXPECT_GT(calls, 10);
}

}  // namespace
}  // namespace cloakroom
