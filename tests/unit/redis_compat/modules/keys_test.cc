#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr std::string_view kSameObject = "-ERR source and destination objects are the same\r\n";
constexpr std::string_view kDbRange = "-ERR DB index is out of range\r\n";

class KeysTest : public testing::Test {
 protected:
  template <typename... Words>
  std::string Run(const Words&... words) {
    return h.Run(words...);
  }

  Harness h{RegisterStrings, RegisterExpiry, RegisterKeys, RegisterObject, RegisterDatabases};
};

TEST_F(KeysTest, DelCountsWhatItDeletes) {
  Run("MSET", "a", "1", "b", "2", "c", "3");
  EXPECT_EQ(Run("DEL", "a", "none", "b"), ":2\r\n");
  EXPECT_EQ(Run("UNLINK", "a", "c"), ":1\r\n");
  EXPECT_EQ(Run("DBSIZE"), ":0\r\n");
}

// A handler does not see its own batch: the second mention of a key must not count again.
TEST_F(KeysTest, DelOfOneKeyTwiceCountsOnce) {
  Run("SET", "a", "1");
  EXPECT_EQ(Run("DEL", "a", "a"), ":1\r\n");
  std::vector<std::string> many = {"DEL"};
  for (int i = 0; i < 50; ++i) {
    Run("SET", "k" + std::to_string(i), "v");
    many.insert(many.end(), {"k" + std::to_string(i), "k" + std::to_string(i)});
  }
  EXPECT_EQ(h.Run(many), ":50\r\n");
}

TEST_F(KeysTest, ExistsAndTouchCountEveryMention) {
  Run("SET", "a", "1");
  EXPECT_EQ(Run("EXISTS", "a", "a", "none"), ":2\r\n");
  EXPECT_EQ(Run("TOUCH", "a", "a", "none"), ":2\r\n");
  EXPECT_EQ(Run("TYPE", "a"), "+string\r\n");
  EXPECT_EQ(Run("TYPE", "none"), "+none\r\n");
}

TEST_F(KeysTest, RenameMovesValueAndExpiry) {
  Run("SETEX", "a", "10", "1");
  Run("SET", "b", "2");
  EXPECT_EQ(Run("RENAME", "a", "b"), "+OK\r\n");
  EXPECT_EQ(Run("GET", "b"), "$1\r\n1\r\n");
  EXPECT_EQ(Run("TTL", "b"), ":10\r\n");
  EXPECT_EQ(Run("EXISTS", "a"), ":0\r\n");
  EXPECT_EQ(Run("RENAME", "a", "b"), "-ERR no such key\r\n");
  EXPECT_EQ(Run("RENAMENX", "a", "a"), "-ERR no such key\r\n");
  EXPECT_EQ(Run("RENAME", "b", "b"), "+OK\r\n");
  EXPECT_EQ(Run("RENAMENX", "b", "b"), ":0\r\n");
  Run("SET", "c", "3");
  EXPECT_EQ(Run("RENAMENX", "b", "c"), ":0\r\n");
  EXPECT_EQ(Run("RENAMENX", "b", "d"), ":1\r\n");
}

TEST_F(KeysTest, CopyLeavesTheFirst) {
  Run("SETEX", "a", "10", "1");
  EXPECT_EQ(Run("COPY", "a", "b"), ":1\r\n");
  EXPECT_EQ(Run("MGET", "a", "b"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  EXPECT_EQ(Run("TTL", "b"), ":10\r\n");
  EXPECT_EQ(Run("COPY", "a", "b"), ":0\r\n");
  EXPECT_EQ(Run("COPY", "none", "b", "REPLACE"), ":0\r\n");
  Run("SET", "a", "2");
  EXPECT_EQ(Run("COPY", "a", "b", "replace"), ":1\r\n");
  EXPECT_EQ(Run("GET", "b"), "$1\r\n2\r\n");
  EXPECT_EQ(Run("TTL", "b"), ":-1\r\n");
  EXPECT_EQ(Run("COPY", "a", "a", "DB", "3"), ":1\r\n");
  EXPECT_EQ(Run("COPY", "a", "a"), kSameObject);
  EXPECT_EQ(Run("COPY", "a", "a", "DB", "0"), kSameObject);
  EXPECT_EQ(Run("COPY", "a", "c", "DB", "16"), kDbRange);
  EXPECT_EQ(Run("COPY", "a", "c", "DB", "99999999999"),
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
  EXPECT_EQ(Run("COPY", "a", "c", "DB"), "-ERR syntax error\r\n");
  EXPECT_EQ(Run("COPY", "a", "c", "FOO"), "-ERR syntax error\r\n");
}

TEST_F(KeysTest, MoveGoesToAnotherDatabase) {
  Run("SETEX", "a", "10", "1");
  EXPECT_EQ(Run("MOVE", "a", "1"), ":1\r\n");
  EXPECT_EQ(Run("MOVE", "a", "1"), ":0\r\n");
  Run("SET", "a", "2");
  EXPECT_EQ(Run("MOVE", "a", "1"), ":0\r\n") << "there is one already";
  h.client().db = 1;
  EXPECT_EQ(Run("GET", "a"), "$1\r\n1\r\n");
  EXPECT_EQ(Run("TTL", "a"), ":10\r\n");
  EXPECT_EQ(Run("MOVE", "a", "1"), kSameObject);
  EXPECT_EQ(Run("MOVE", "a", "-1"), kDbRange);
  EXPECT_EQ(Run("MOVE", "a", "x"), "-ERR value is not an integer or out of range\r\n");
}

TEST_F(KeysTest, RandomKeyFindsTheLiving) {
  EXPECT_EQ(Run("RANDOMKEY"), "$-1\r\n");
  Run("SET", "dead", "v", "PX", "1");
  Run("SET", "live", "v");
  h.clock.Advance(1);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Run("RANDOMKEY"), "$4\r\nlive\r\n");
}

// The idle time grows with the clock, and only a use sets it back.
TEST_F(KeysTest, OnlyUsesSetTheIdleTimeBack) {
  Run("SET", "k", "v");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "k"), ":0\r\n");
  h.clock.Advance(5000);
  for (const char* command : {"TTL", "TYPE", "EXISTS", "PTTL", "EXPIRETIME"}) Run(command, "k");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "k"), ":5\r\n");
  h.client().no_touch = true;
  Run("GET", "k");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "k"), ":5\r\n");
  Run("TOUCH", "k");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "k"), ":0\r\n") << "TOUCH is a use all the same";
  h.client().no_touch = false;
  h.clock.Advance(2000);
  Run("GET", "k");
  EXPECT_EQ(Run("OBJECT", "IDLETIME", "k"), ":0\r\n");
}

TEST_F(KeysTest, EncodingFollowsHowTheValueWasMade) {
  const auto encoding = [&] {
    const std::string reply = Run("OBJECT", "ENCODING", "k");
    return reply.substr(reply.find('\n') + 1);
  };
  Run("SET", "k", "12");
  EXPECT_EQ(encoding(), "int\r\n");
  Run("APPEND", "k", "3");
  EXPECT_EQ(encoding(), "raw\r\n");
  Run("INCR", "k");
  EXPECT_EQ(encoding(), "int\r\n");
  Run("INCRBYFLOAT", "k", "1");
  EXPECT_EQ(encoding(), "embstr\r\n") << "the sum of floats is text, even if it looks like 125";
  Run("COPY", "k", "k2");
  Run("RENAME", "k2", "k");
  EXPECT_EQ(encoding(), "embstr\r\n");
  Run("SET", "k", std::string(44, 'x'));
  EXPECT_EQ(encoding(), "embstr\r\n");
  Run("SETRANGE", "k", "0", "y");
  EXPECT_EQ(encoding(), "raw\r\n");
  Run("SET", "k", std::string(45, 'x'));
  EXPECT_EQ(encoding(), "raw\r\n");
}

TEST_F(KeysTest, ObjectAnswersNilForNoKey) {
  for (const char* what : {"ENCODING", "IDLETIME", "FREQ", "REFCOUNT"})
    EXPECT_EQ(Run("OBJECT", what, "none"), "$-1\r\n") << what;
  Run("SET", "k", "9999");
  EXPECT_EQ(Run("OBJECT", "REFCOUNT", "k"), ":2147483647\r\n");
  Run("SET", "k", "10000");
  EXPECT_EQ(Run("OBJECT", "REFCOUNT", "k"), ":1\r\n");
  for (const char* alone : {"", "-1", "x"}) {
    Run("SET", "k", alone);
    EXPECT_EQ(Run("OBJECT", "REFCOUNT", "k"), ":1\r\n") << alone;
  }
  EXPECT_EQ(Run("OBJECT", "FREQ", "k").substr(0, 42), "-ERR An LFU maxmemory policy is not select");
  EXPECT_EQ(Run("OBJECT", "NOSUCH", "k"), "-ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.\r\n");
}

}  // namespace
}  // namespace cloakroom
