// Which events each command causes, and that nothing else does.

#include "redis_compat/command/key_events.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

using Lines = std::vector<std::string>;

class KeyEventsFamilyTest : public ::testing::Test {
 protected:
  KeyEventsFamilyTest() {
    h.RunAs(listener, {"PSUBSCRIBE", "__keyevent@*"});
    SetClasses("EAmn");
  }
  void SetClasses(std::string_view letters) {
    h.dispatcher.SetEventClasses(*ParseEventClasses(letters));
  }

  /// What the listener was told since the last call: "0 set k" of __keyevent@0__:set.
  Lines Told() {
    const std::string text = std::exchange(h.server.pushed[listener.id], {});
    Lines words;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find("\r\n", at);
      words.push_back(text.substr(at, end - at));
      at = end + 2;
    }
    Lines told;
    constexpr size_t kWordsEach = 9;  // *4, then size and bytes of four
    for (size_t i = 0; i + kWordsEach <= words.size(); i += kWordsEach) {
      const std::string& channel = words[i + 6];
      const size_t at = channel.find('@') + 1;
      const size_t event = channel.find(':') + 1;
      told.push_back(channel.substr(at, channel.find("__", at) - at) + " " + channel.substr(event) +
                     " " + words[i + 8]);
    }
    return told;
  }

  template <typename... Words>
  Lines After(const Words&... words) {
    h.Run(words...);
    return Told();
  }

  Harness h{{RegisterStrings, RegisterHashes, RegisterSets, RegisterKeys, RegisterExpiry,
             RegisterDump, RegisterDatabases, RegisterObject, RegisterConnection,
             RegisterTransactions, RegisterSession, RegisterPubSub}};
  ClientState& listener = h.AddClient();
};

TEST_F(KeyEventsFamilyTest, Strings) {
  EXPECT_EQ(After("SET", "k", "1"), (Lines{"0 new k", "0 set k"}));
  EXPECT_EQ(After("SET", "k", "1", "EX", "10"), (Lines{"0 set k", "0 expire k"}));
  EXPECT_EQ(After("SET", "k", "1", "KEEPTTL"), (Lines{"0 set k"}));
  EXPECT_EQ(After("SET", "k", "1", "NX"), Lines{});
  EXPECT_EQ(After("SET", "none", "1", "XX", "GET"), (Lines{"0 keymiss none"}));
  EXPECT_EQ(After("SET", "k", "1", "PXAT", "1"), (Lines{"0 set k", "0 expire k", "0 expired k"}));
  EXPECT_EQ(After("SETEX", "k", "10", "1"), (Lines{"0 new k", "0 set k", "0 expire k"}));
  EXPECT_EQ(After("PSETEX", "k", "10", "1"), (Lines{"0 set k", "0 expire k"}));
  EXPECT_EQ(After("SETNX", "k", "1"), Lines{});
  EXPECT_EQ(After("SETNX", "k2", "1"), (Lines{"0 new k2", "0 set k2"}));
  EXPECT_EQ(After("GETSET", "k3", "1"), (Lines{"0 keymiss k3", "0 new k3", "0 set k3"}));
  EXPECT_EQ(After("MSET", "k3", "1", "m", "1", "m", "2"),
            (Lines{"0 set k3", "0 new m", "0 set m", "0 set m"}));
  EXPECT_EQ(After("MSETNX", "k3", "1", "n", "1"), Lines{});
  EXPECT_EQ(After("APPEND", "k3", "1"), (Lines{"0 append k3"}));
  EXPECT_EQ(After("SETRANGE", "r", "1", "x"), (Lines{"0 new r", "0 setrange r"}));
  EXPECT_EQ(After("SETRANGE", "r", "1", ""), Lines{});
  EXPECT_EQ(After("INCR", "i"), (Lines{"0 new i", "0 incrby i"}));
  EXPECT_EQ(After("DECRBY", "i", "4"), (Lines{"0 incrby i"}));
  EXPECT_EQ(After("INCRBYFLOAT", "i", "1"), (Lines{"0 incrbyfloat i"}));
  EXPECT_EQ(After("GETEX", "i"), Lines{});
  EXPECT_EQ(After("GETEX", "i", "EX", "10"), (Lines{"0 expire i"}));
  EXPECT_EQ(After("GETEX", "i", "PERSIST"), (Lines{"0 persist i"}));
  EXPECT_EQ(After("GETEX", "i", "PXAT", "1"), (Lines{"0 del i"}));
  EXPECT_EQ(After("GETDEL", "r"), (Lines{"0 del r"}));
}

TEST_F(KeyEventsFamilyTest, HashesAndSets) {
  EXPECT_EQ(After("HSET", "h", "f", "1", "g", "1"), (Lines{"0 new h", "0 hset h"}));
  EXPECT_EQ(After("HMSET", "h", "f", "1"), (Lines{"0 hset h"}));
  EXPECT_EQ(After("HSETNX", "h", "f", "1"), Lines{});
  EXPECT_EQ(After("HINCRBY", "h", "f", "1"), (Lines{"0 hincrby h"}));
  EXPECT_EQ(After("HINCRBYFLOAT", "h", "f", "1"), (Lines{"0 hincrbyfloat h"}));
  EXPECT_EQ(After("HDEL", "h", "f", "none"), (Lines{"0 hdel h"}));
  EXPECT_EQ(After("HDEL", "h", "g"), (Lines{"0 hdel h", "0 del h"}));
  EXPECT_EQ(After("HDEL", "h", "g"), Lines{});
  EXPECT_EQ(After("HGET", "h", "g"), (Lines{"0 keymiss h"}));

  EXPECT_EQ(After("SADD", "s", "a", "b", "c"), (Lines{"0 new s", "0 sadd s"}));
  EXPECT_EQ(After("SADD", "s", "a"), Lines{});
  EXPECT_EQ(After("SMOVE", "s", "t", "a"), (Lines{"0 srem s", "0 new t", "0 sadd t"}));
  EXPECT_EQ(After("SMOVE", "s", "s", "b"), Lines{});
  EXPECT_EQ(After("SMOVE", "t", "s", "a"), (Lines{"0 srem t", "0 del t", "0 sadd s"}));
  EXPECT_EQ(After("SREM", "s", "a", "none"), (Lines{"0 srem s"}));
  EXPECT_EQ(After("SINTERSTORE", "d", "s", "s"), (Lines{"0 new d", "0 sinterstore d"}));
  EXPECT_EQ(After("SUNIONSTORE", "d", "s", "none"), (Lines{"0 keymiss none", "0 sunionstore d"}));
  EXPECT_EQ(After("SDIFFSTORE", "d", "s", "s"), (Lines{"0 del d"}));
  EXPECT_EQ(After("SDIFFSTORE", "d", "s", "s"), Lines{});
  EXPECT_EQ(After("SPOP", "s"), (Lines{"0 spop s"}));
  EXPECT_EQ(After("SPOP", "s", "0"), Lines{});
  EXPECT_EQ(After("SPOP", "s", "5"), (Lines{"0 spop s", "0 del s"}));
}

TEST_F(KeyEventsFamilyTest, Keys) {
  h.Run("MSET", "a", "1", "b", "2");
  Told();
  EXPECT_EQ(After("RENAME", "a", "c"), (Lines{"0 new c", "0 rename_from a", "0 rename_to c"}));
  EXPECT_EQ(After("RENAME", "c", "c"), Lines{});
  EXPECT_EQ(After("RENAMENX", "c", "b"), Lines{});
  EXPECT_EQ(After("COPY", "c", "e", "DB", "2"), (Lines{"2 new e", "2 copy_to e"}));
  EXPECT_EQ(After("COPY", "none", "e"), (Lines{"0 keymiss none"}));
  EXPECT_EQ(After("MOVE", "c", "3"), (Lines{"3 new c", "0 move_from c", "3 move_to c"}));
  EXPECT_EQ(After("EXPIRE", "b", "10"), (Lines{"0 expire b"}));
  EXPECT_EQ(After("EXPIRE", "b", "10", "NX"), Lines{});
  EXPECT_EQ(After("PERSIST", "b"), (Lines{"0 persist b"}));
  EXPECT_EQ(After("PERSIST", "b"), Lines{});
  EXPECT_EQ(After("TTL", "none"), (Lines{"0 keymiss none"}));
  EXPECT_EQ(After("OBJECT", "ENCODING", "none"), Lines{}) << "this one tells nobody";
  EXPECT_EQ(After("PEXPIREAT", "b", "1"), (Lines{"0 del b"}));
  h.Run("MSET", "x", "1", "y", "2");
  Told();
  EXPECT_EQ(After("DEL", "x", "none", "x", "y"), (Lines{"0 del x", "0 del y"}));
  EXPECT_EQ(After("FLUSHALL"), Lines{});
}

TEST_F(KeyEventsFamilyTest, Restore) {
  h.Run("SET", "k", "v");
  const std::string reply = h.Run("DUMP", "k");
  const std::string payload = reply.substr(reply.find("\r\n") + 2, reply.size());
  const std::string bytes = payload.substr(0, payload.size() - 2);
  Told();
  EXPECT_EQ(After("RESTORE", "r", "0", bytes), (Lines{"0 new r", "0 restore r"}));
  EXPECT_EQ(After("RESTORE", "r", "0", bytes, "REPLACE"), (Lines{"0 new r", "0 restore r"}));
  EXPECT_EQ(After("RESTORE", "r", "1", bytes, "REPLACE", "ABSTTL"), (Lines{"0 del r"}));
  EXPECT_EQ(After("RESTORE", "r", "1", bytes, "REPLACE", "ABSTTL"), Lines{});
}

// What fails leaves no trace, but that a read found nothing stays true.
TEST_F(KeyEventsFamilyTest, AFailedCommandTellsNothing) {
  h.Run("SET", "k", "text");
  Told();
  EXPECT_EQ(After("INCR", "k"), Lines{});
  EXPECT_EQ(After("HSET", "k", "f", "v"), Lines{});
  EXPECT_EQ(After("SINTERSTORE", "d", "none", "k"), (Lines{"0 keymiss none"}));
}

// Each as it succeeds, in order, within the transaction.
TEST_F(KeyEventsFamilyTest, InsideExec) {
  h.Run("MULTI");
  h.Run("SET", "k", "v");
  h.Run("INCR", "k");
  h.Run("EXPIRE", "k", "10");
  EXPECT_EQ(Told(), Lines{}) << "what is queued has not happened";
  EXPECT_EQ(After("EXEC"), (Lines{"0 new k", "0 set k", "0 expire k"}));
}

// A key that is met after its deadline has expired before anything else happens to it.
TEST_F(KeyEventsFamilyTest, ADeadKeyExpiresBeforeItIsWritten) {
  h.Run("SET", "k", "v", "PX", "10");
  h.Run("SET", "to", "v", "PX", "10");
  h.Run("SET", "from", "v");
  Told();
  h.clock.Advance(10);
  EXPECT_EQ(After("INCR", "k"), (Lines{"0 expired k", "0 new k", "0 incrby k"}));
  EXPECT_EQ(After("RENAME", "from", "to"),
            (Lines{"0 expired to", "0 new to", "0 rename_from from", "0 rename_to to"}));
}

TEST_F(KeyEventsFamilyTest, OnlyTheClassesAskedFor) {
  SetClasses("E$");
  EXPECT_EQ(After("SET", "k", "v", "EX", "10"), (Lines{"0 set k"}));
  SetClasses("Eg");
  EXPECT_EQ(After("SET", "k", "v", "EX", "10"), (Lines{"0 expire k"}));
  SetClasses("A");
  EXPECT_EQ(After("SET", "k", "v"), Lines{}) << "neither K nor E";
}

// Sessions go by namespace and handle: the token is nobody's business.
TEST_F(KeyEventsFamilyTest, Sessions) {
  h.UseProtocol(2);
  const auto value = [](const std::string& reply, std::string_view name) {
    const size_t at = reply.find(std::string(name) + "\r\n$");
    const size_t from = reply.find("\r\n", at + name.size() + 2) + 2;
    return reply.substr(from, reply.find("\r\n", from) - from);
  };
  const std::string made = h.Run("SESSION.CREATE", "web", "ana");
  const std::string token = value(made, "token");
  const std::string name = "web:" + value(made, "handle");
  EXPECT_EQ(Told(), (Lines{"0 session.create " + name}));
  EXPECT_EQ(After("SESSION.GET", token), Lines{});
  EXPECT_EQ(After("SESSION.SET", token, "FIELDS", "1", "a", "1"), (Lines{"0 session.set " + name}));
  EXPECT_EQ(After("SESSION.INCR", token, "a", "1"), (Lines{"0 session.set " + name}));
  const std::string rotated = value(h.Run("SESSION.ROTATE", token), "token");
  EXPECT_EQ(Told(), (Lines{"0 session.rotate " + name})) << "the handle stays";
  EXPECT_EQ(After("SESSION.DESTROY", rotated), (Lines{"0 session.destroy " + name}));
  EXPECT_EQ(After("SESSION.DESTROY", rotated), Lines{});

  const std::string own = "a-token-of-a-framework-0001";
  EXPECT_EQ(After("SESSION.PUT", "web", own, "bo").size(), 1U);
  EXPECT_EQ(After("SESSION.PUT", "web", own, "bo", "FIELDS", "1", "a", "1").at(0).substr(0, 14),
            "0 session.set ");
  EXPECT_EQ(After("SESSION.REVOKE", "web", "bo", "ALL").at(0).substr(0, 17), "0 session.revoke ");
  h.Run("SESSION.CREATE", "web", "cy");
  Told();
  const Lines capped = After("SESSION.CREATE", "web", "cy", "MAX", "1", "EVICT");
  ASSERT_EQ(capped.size(), 2U);
  EXPECT_EQ(capped[0].substr(0, 18), "0 session.evicted ");
  EXPECT_EQ(capped[1].substr(0, 17), "0 session.create ");
}

TEST_F(KeyEventsFamilyTest, ASessionExpiresByItself) {
  h.Run("SESSION.ANON", "web", "IDLE", "1");
  EXPECT_EQ(Told().size(), 1U);
  h.clock.Advance(1000);
  h.shard.BeginTurn();
  while (!h.shard.Sweep(100)) {
  }
  const Lines told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].substr(0, 22), "0 session.expired web:");
  SetClasses("Ex");
  h.Run("SESSION.ANON", "web", "IDLE", "1");
  h.clock.Advance(1000);
  h.shard.BeginTurn();
  while (!h.shard.Sweep(100)) {
  }
  EXPECT_EQ(Told(), Lines{}) << "x is for keys, d for sessions";
}

}  // namespace
}  // namespace cloakroom
