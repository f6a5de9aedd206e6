#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/scan_options.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class ScanTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }
  /// The bulk strings of a reply, in order: of SCAN the cursor comes first.
  static std::vector<std::string> Bulks(const std::string& reply) {
    std::vector<std::string> bulks;
    for (size_t at = reply.find('$'); at != std::string::npos;) {
      const size_t line = reply.find("\r\n", at);
      const size_t size = std::stoul(reply.substr(at + 1, line - at - 1));
      bulks.push_back(reply.substr(line + 2, size));
      const size_t next = line + 2 + size + 2;
      at = next < reply.size() ? next : std::string::npos;
      if (at != std::string::npos && reply[at] != '$') at = reply.find('$', at);
    }
    return bulks;
  }
  /// A whole scan with these options after the cursor.
  std::multiset<std::string> ScanAll(const std::vector<std::string>& options, size_t* calls) {
    std::multiset<std::string> keys;
    std::string cursor = "0";
    *calls = 0;
    do {
      std::vector<std::string> words = {"SCAN", cursor};
      words.insert(words.end(), options.begin(), options.end());
      const std::vector<std::string> bulks = Bulks(h.Run(words));
      cursor = bulks.at(0);
      keys.insert(bulks.begin() + 1, bulks.end());
      ++*calls;
    } while (cursor != "0" && *calls < 100000);
    return keys;
  }

  Harness h{RegisterStrings, RegisterKeys, RegisterScan};
};

TEST_F(ScanTest, VisitsEveryKeyWhateverTheCount) {
  std::set<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    expected.insert("key:" + std::to_string(i));
    Run("SET", "key:" + std::to_string(i), "v");
  }
  for (const char* count : {"1", "10", "333", "1000000"}) {
    size_t calls = 0;
    const auto keys = ScanAll({"COUNT", count}, &calls);
    EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()), expected) << count;
    EXPECT_EQ(keys.size(), expected.size()) << "nothing moved, so none comes twice";
  }
}

// COUNT bounds what one call looks at: a server that is asked for little must not stop for long.
TEST_F(ScanTest, OneCallLooksAtAboutCountKeys) {
  for (int i = 0; i < 2000; ++i) Run("SET", "key:" + std::to_string(i), "v");
  size_t calls = 0;
  ScanAll({"COUNT", "100"}, &calls);
  EXPECT_GE(calls, 10U);
  EXPECT_LE(calls, 60U);
  ScanAll({"COUNT", "100", "MATCH", "none*"}, &calls);
  EXPECT_GE(calls, 10U) << "keys that do not match were looked at all the same";
}

TEST_F(ScanTest, MatchAndTypeFilter) {
  Run("MSET", "user:1", "a", "user:2", "b", "other", "c");
  size_t calls = 0;
  EXPECT_EQ(ScanAll({"MATCH", "user:*"}, &calls).size(), 2U);
  EXPECT_EQ(ScanAll({"match", "*", "type", "STRING"}, &calls).size(), 3U);
  EXPECT_EQ(ScanAll({"TYPE", "hash"}, &calls).size(), 0U);
  EXPECT_EQ(ScanAll({"TYPE", "nosuch"}, &calls).size(), 0U) << "no error in Redis 7.0";
  EXPECT_EQ(ScanAll({"MATCH", "a", "MATCH", "other"}, &calls).size(), 1U) << "the last holds";
}

TEST_F(ScanTest, TheDeadAreNotShown) {
  Run("SET", "dead", "v", "PX", "5");
  Run("SET", "live", "v");
  h.clock.Advance(5);
  size_t calls = 0;
  EXPECT_EQ(ScanAll({}, &calls), std::multiset<std::string>{"live"});
  EXPECT_EQ(Run("KEYS", "*"), "*1\r\n$4\r\nlive\r\n");
}

TEST_F(ScanTest, BadArgumentsAreRefused) {
  for (const char* cursor : {"abc", "1.5", " 1", "1 ", "-", "99999999999999999999"})
    EXPECT_EQ(Run("SCAN", cursor), "-ERR invalid cursor\r\n") << cursor;
  EXPECT_EQ(Run("SCAN", "0", "COUNT", "0"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("SCAN", "0", "COUNT", "x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("SCAN", "0", "COUNT"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("SCAN", "0", "FOO", "1"), "-ERR syntax error\r\n");
}

// Redis reads cursors with strtoul, and clients exist that send what it takes.
TEST_F(ScanTest, OddCursorsAreTaken) {
  for (const char* cursor : {"", "+0", "00"})
    EXPECT_EQ(Run("SCAN", cursor), "*2\r\n$1\r\n0\r\n*0\r\n") << cursor;
  Run("SET", "k", "v");
  EXPECT_EQ(Run("SCAN", "-1"), "*2\r\n$1\r\n0\r\n*0\r\n") << "beyond the end";
  EXPECT_EQ(Run("SCAN", "18446744073709551615"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

TEST_F(ScanTest, KeysMatchesPatterns) {
  Run("MSET", "one", "1", "two", "2", "three", "3");
  const auto sorted = [&](std::string_view pattern) {
    std::vector<std::string> keys = Bulks(Run("KEYS", pattern));
    std::sort(keys.begin(), keys.end());
    return keys;
  };
  EXPECT_EQ(sorted("*"), (std::vector<std::string>{"one", "three", "two"}));
  EXPECT_EQ(sorted("t*"), (std::vector<std::string>{"three", "two"}));
  EXPECT_EQ(sorted("[^t]??"), (std::vector<std::string>{"one"}));
  EXPECT_EQ(sorted("four"), std::vector<std::string>{});
}

}  // namespace
}  // namespace cloakroom
