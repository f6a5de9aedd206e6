#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/session_args.h"
#include "store/base/hash.h"
#include "tests/support/harness.h"
#include "tests/unit/redis_compat/modules/raw_reply.h"

namespace cloakroom {
namespace {

constexpr std::string_view kNoSession = "-NOSESSION no such session\r\n";
constexpr std::string_view kForeign = "0123456789abcdefghijkl";

class SessionModuleTest : public ::testing::Test {
 protected:
  /// SESSION.CREATE shop <user> <options>; returns the token.
  template <typename... Words>
  std::string Create(std::string_view user, const Words&... words) {
    return BulksIn(h.Run("SESSION.CREATE", "shop", user, words...)).at(1);
  }
  [[nodiscard]] TimeMs Now() { return h.clock.WallMs(); }
  static std::string Int(int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
  /// What follows `name` in a reply of names and values, up to its end of line.
  static std::string After(const std::string& reply, std::string_view name) {
    const std::string key = Bulk(name);
    const size_t at = reply.find(key);
    if (at == std::string::npos) return "(none)";
    const size_t from = at + key.size();
    return reply.substr(from, reply.find("\r\n", from) + 2 - from);
  }
  /// A refused command answers `error` and leaves no trace in the log.
  template <typename... Words>
  void ExpectRefused(std::string_view error, const Words&... words) {
    const uint64_t records = h.Records();
    EXPECT_EQ(h.Run(words...), "-" + std::string(error) + "\r\n");
    EXPECT_EQ(h.Records(), records);
  }

  Harness h{RegisterSession, RegisterStrings, RegisterKeys,         RegisterScan,
            RegisterExpiry,  RegisterObject,  RegisterTransactions, RegisterDatabases};
};

TEST_F(SessionModuleTest, CreateAnswersItsSixValuesInOrder) {
  const std::string reply = h.Run("SESSION.CREATE", "shop", "ana");
  const std::vector<std::string> bulks = BulksIn(reply);
  ASSERT_EQ(bulks.size(), 8U);
  const std::string& token = bulks[1];
  const std::string& handle = bulks[3];
  EXPECT_EQ(token.size(), 35U);
  EXPECT_EQ(handle.size(), 16U);
  EXPECT_EQ(SlotOf(token), SlotOf("ana"));
  const std::string values = Bulk("token") + Bulk(token) + Bulk("handle") + Bulk(handle) +
                             Bulk("version") + Int(1) + Bulk("deadline") + Int(Now() + 1'800'000) +
                             Bulk("abs") + Int(Now() + 2'592'000'000) + Bulk("evicted") + "*0\r\n";
  EXPECT_EQ(reply, "*12\r\n" + values);
  h.UseProtocol(3);
  EXPECT_EQ(h.Run("SESSION.CREATE", "shop", "ana").substr(0, 4), "%6\r\n");
}

TEST_F(SessionModuleTest, GetAnswersAllValuesInOrder) {
  const std::string token =
      Create("ana", "META", "1", "ip", "::1", "FIELDS", "2", "a", "1", "b", "");
  const TimeMs created = Now();
  h.clock.Advance(100'000);
  const std::string reply = h.Run("SESSION.GET", token);
  const std::string head = Bulk("ns") + Bulk("shop") + Bulk("user") + Bulk("ana") + Bulk("handle") +
                           Bulk(BulksIn(reply).at(5)) + Bulk("version") + Int(1) + Bulk("created") +
                           Int(created) + Bulk("seen") + Int(Now()) + Bulk("auth_at") +
                           Int(created) + Bulk("deadline") + Int(Now() + 1'800'000) + Bulk("abs") +
                           Int(created + 2'592'000'000) + Bulk("reauth") + Int(0);
  const std::string meta = Bulk("ip") + Bulk("::1");
  const std::string fields = Bulk("a") + Bulk("1") + Bulk("b") + Bulk("");
  EXPECT_EQ(reply,
            "*24\r\n" + head + Bulk("meta") + "*2\r\n" + meta + Bulk("fields") + "*4\r\n" + fields);
  EXPECT_EQ(h.Run("SESSION.GET", token, "NODATA"), "*20\r\n" + head);
  EXPECT_EQ(h.Run("SESSION.GET", token, "IFNEWER", "1"), "*20\r\n" + head);
  EXPECT_EQ(h.Run("SESSION.GET", token, "ifnewer", "0", "fields", "3", "b", "x", "b"),
            "*24\r\n" + head + Bulk("meta") + "*2\r\n" + meta + Bulk("fields") + "*2\r\n" +
                Bulk("b") + Bulk(""));
  h.UseProtocol(3);
  EXPECT_EQ(h.Run("SESSION.GET", token),
            "%12\r\n" + head + Bulk("meta") + "%1\r\n" + meta + Bulk("fields") + "%2\r\n" + fields);
  EXPECT_EQ(h.Run("SESSION.GET", "unknown"), "_\r\n");
  h.UseProtocol(2);
  EXPECT_EQ(h.Run("SESSION.GET", "unknown"), "$-1\r\n");
}

TEST_F(SessionModuleTest, MaxAuthAgeAsksForAPasswordAgain) {
  const std::string token = Create("ana");
  h.clock.Advance(60'000);
  EXPECT_EQ(After(h.Run("SESSION.GET", token, "MAXAUTHAGE", "60"), "reauth"), ":0\r\n");
  h.clock.Advance(1);
  EXPECT_EQ(After(h.Run("SESSION.GET", token, "MAXAUTHAGE", "60"), "reauth"), ":1\r\n");
  const std::string next = BulksIn(h.Run("SESSION.ROTATE", token, "REAUTH")).at(1);
  EXPECT_EQ(After(h.Run("SESSION.GET", next, "MAXAUTHAGE", "60"), "reauth"), ":0\r\n");
  const std::string visitor = BulksIn(h.Run("SESSION.ANON", "shop")).at(1);
  EXPECT_EQ(After(h.Run("SESSION.GET", visitor, "MAXAUTHAGE", "315360000"), "reauth"), ":1\r\n")
      << "a visitor has never shown one";
}

TEST_F(SessionModuleTest, ChangesAnswerOneInteger) {
  const std::string token = Create("ana");
  EXPECT_EQ(h.Run("SESSION.SET", token, "FIELDS", "1", "n", "1"), ":2\r\n");
  EXPECT_EQ(h.Run("SESSION.INCR", token, "n", "41"), ":42\r\n");
  EXPECT_EQ(h.Run("SESSION.SET", token, "IFVER", "2", "DEL", "1", "n"), "-VERCONFLICT 3\r\n");
  EXPECT_EQ(h.Run("SESSION.SET", token, "DEL", "1", "n", "IFVER", "3"), ":4\r\n");
  EXPECT_EQ(h.Run("SESSION.TOUCH", token), ":1800000\r\n");
  EXPECT_EQ(h.Run("SESSION.TOUCH", token, "IDLE", "60"), ":60000\r\n");
  EXPECT_EQ(h.Run("SESSION.DESTROY", token, token, "unknown"), ":1\r\n");
  EXPECT_EQ(h.Run("SESSION.DESTROY", token), ":0\r\n");
  for (const std::string& refused :
       {h.Run("SESSION.SET", token, "FIELDS", "1", "n", "1"),
        h.Run("SESSION.INCR", token, "n", "1"), h.Run("SESSION.TOUCH", token),
        h.Run("SESSION.ROTATE", token), h.Run("SESSION.PUT", "shop", token, "ana")})
    EXPECT_EQ(refused, kNoSession);
}

TEST_F(SessionModuleTest, PutAnswersVersionAndDeadline) {
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", kForeign, "ana", "IDLE", "60", "FIELDS", "1", "a", "1"),
            "*4\r\n" + Bulk("version") + ":1\r\n" + Bulk("deadline") + Int(Now() + 60'000));
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", kForeign, "ana", "NX"), "$-1\r\n");
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", "another-token-of-the-app", "", "XX"), "$-1\r\n");
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", kForeign, "bob"),
            "-USERMISMATCH the session belongs to another user\r\n");
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", kForeign, "ana", "IFVER", "7"), "-VERCONFLICT 1\r\n");
  EXPECT_EQ(h.Run("SESSION.PUT", "shop", kForeign, "ana", "IFVER", "1", "FIELDS", "0").substr(0, 4),
            "*4\r\n");
  EXPECT_EQ(After(h.Run("SESSION.GET", kForeign), "fields"), "*0\r\n");
}

TEST_F(SessionModuleTest, ListShowsNoTokensAndMarksTheCurrent) {
  const std::string first = Create("ana", "META", "1", "agent", "Firefox");
  const TimeMs created = Now();
  h.clock.Advance(1000);
  const std::string second = Create("ana");
  const std::string reply = h.Run("SESSION.LIST", "shop", "ana", "CURRENT", first);
  EXPECT_EQ(reply.find(first), std::string::npos);
  EXPECT_EQ(reply.find(second), std::string::npos);
  EXPECT_EQ(reply.substr(0, 18), "*2\r\n$1\r\n0\r\n*2\r\n*16");
  const std::string handle = BulksIn(h.Run("SESSION.GET", first)).at(5);
  const std::string last = reply.substr(reply.rfind("*16\r\n"));
  EXPECT_EQ(last, "*16\r\n" + Bulk("handle") + Bulk(handle) + Bulk("created") + Int(created) +
                      Bulk("seen") + Int(created) + Bulk("auth_at") + Int(created) +
                      Bulk("deadline") + Int(created + 1'800'000) + Bulk("abs") +
                      Int(created + 2'592'000'000) + Bulk("meta") + "*2\r\n" + Bulk("agent") +
                      Bulk("Firefox") + Bulk("current") + ":1\r\n");
  h.UseProtocol(3);
  EXPECT_EQ(h.Run("SESSION.LIST", "shop", "ana").substr(0, 17), "*2\r\n$1\r\n0\r\n*2\r\n%8");
  h.UseProtocol(2);

  const std::string page = h.Run("SESSION.LIST", "shop", "ana", "COUNT", "1");
  const std::string cursor = BulksIn(page).at(0);
  EXPECT_NE(cursor, "0");
  EXPECT_EQ(BulksIn(h.Run("SESSION.LIST", "shop", "ana", "COUNT", "1", "CURSOR", cursor)).at(2),
            handle);
  EXPECT_EQ(h.Run("SESSION.LIST", "nowhere", "ana"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

TEST_F(SessionModuleTest, ScanWalksAnApplicationOnly) {
  for (int i = 0; i < 200; ++i) Create("user" + std::to_string(i));
  h.Run("SESSION.CREATE", "blog", "ana");
  h.Run("SESSION.ANON", "shop");
  std::string cursor = "0";
  size_t users = 0;
  do {
    const std::string reply = h.Run("SESSION.SCAN", "shop", "COUNT", "20", "CURSOR", cursor);
    const std::vector<std::string> bulks = BulksIn(reply);
    cursor = bulks.at(0);
    users += static_cast<size_t>(std::count(bulks.begin(), bulks.end(), "handle"));
  } while (cursor != "0");
  EXPECT_EQ(users, 201U);
  h.UseProtocol(3);
  const std::string reply = h.Run("SESSION.SCAN", "blog", "COUNT", "10000");
  EXPECT_NE(reply.find("%9\r\n" + Bulk("user") + Bulk("ana") + Bulk("handle")), std::string::npos);
}

TEST_F(SessionModuleTest, RevokeCountsWhatItEnded) {
  const std::string a = Create("ana");
  const std::string b = Create("ana");
  const std::string c = Create("ana");
  const std::string handle = BulksIn(h.Run("SESSION.GET", b)).at(5);
  EXPECT_EQ(h.Run("SESSION.REVOKE", "shop", "ana", "HANDLE", "2", handle, "nonsense"), ":1\r\n");
  EXPECT_EQ(h.Run("SESSION.REVOKE", "shop", "ana", "EXCEPT", c, "ALL"), ":1\r\n");
  EXPECT_EQ(h.Run("SESSION.GET", a), "$-1\r\n");
  EXPECT_NE(h.Run("SESSION.GET", c), "$-1\r\n");
  EXPECT_EQ(h.Run("SESSION.CREATE", "shop", "ana", "AUTHAT", std::to_string(Now())).substr(0, 9),
            "-REVOKED ");
  EXPECT_EQ(h.Run("SESSION.CREATE", "shop", "ana", "MAX", "1", "REJECT"), "-SESSLIMIT 1\r\n");
  EXPECT_EQ(h.Run("SESSION.REVOKEALL", "shop"), ":1\r\n");
  EXPECT_EQ(h.Run("SESSION.REVOKEALL", "shop"), ":0\r\n");
}

TEST_F(SessionModuleTest, PolicyAndStatsAreMaps) {
  const std::string shown = h.Run("SESSION.POLICY", "shop");
  EXPECT_EQ(shown.substr(0, 5), "*30\r\n");
  EXPECT_EQ(After(shown, "idle"), ":1800\r\n");
  EXPECT_EQ(h.Records(), 0U);
  h.Run("SESSION.POLICY", "default", "SET", "idle", "60");
  EXPECT_EQ(After(h.Run("SESSION.POLICY", "shop"), "idle"), ":60\r\n") << "has none of its own";
  h.Run("SESSION.POLICY", "shop", "SET", "idle", "120", "max", "2");
  EXPECT_EQ(After(h.Run("SESSION.POLICY", "shop"), "max"), ":2\r\n");
  EXPECT_EQ(After(h.Run("SESSION.POLICY", "default"), "max"), ":0\r\n");
  ExpectRefused("ERR idle 0, must be 1 to 315360000", "SESSION.POLICY", "shop", "SET", "max", "3",
                "idle", "0");
  EXPECT_EQ(After(h.Run("SESSION.POLICY", "shop"), "max"), ":2\r\n") << "all or nothing";

  Create("ana");
  h.Run("SESSION.ANON", "shop");
  const std::string stats = h.Run("SESSION.STATS", "shop");
  EXPECT_EQ(stats.substr(0, 5), "*18\r\n");
  EXPECT_EQ(After(stats, "live"), ":2\r\n");
  EXPECT_EQ(After(stats, "anonymous"), ":1\r\n");
  EXPECT_EQ(After(stats, "created"), ":2\r\n");
  EXPECT_EQ(After(h.Run("SESSION.STATS"), "live"), ":2\r\n");
  EXPECT_EQ(After(h.Run("SESSION.STATS", "nowhere"), "live"), ":0\r\n");
}

// Every malformed argument is named, and nothing changes.
TEST_F(SessionModuleTest, ErrorsNameTheArgument) {
  const std::string token = Create("ana");
  ExpectRefused("ERR wrong number of arguments for 'session.create' command", "SESSION.CREATE",
                "shop");
  ExpectRefused("ERR wrong number of arguments for 'session.incr' command", "SESSION.INCR", token,
                "n");
  ExpectRefused("ERR ns must not be empty", "SESSION.CREATE", "", "ana");
  ExpectRefused("ERR user must not be empty", "SESSION.CREATE", "shop", "");
  ExpectRefused("ERR unknown option 'COLOUR'", "SESSION.CREATE", "shop", "ana", "COLOUR", "red");
  ExpectRefused("ERR unknown option 'USER'", "SESSION.CREATE", "shop", "ana", "USER", "bob");
  ExpectRefused("ERR IDLE is given twice", "SESSION.CREATE", "shop", "ana", "IDLE", "1", "idle",
                "2");
  ExpectRefused("ERR IDLE needs a value", "SESSION.CREATE", "shop", "ana", "IDLE");
  ExpectRefused("ERR IDLE is not an integer or out of range", "SESSION.CREATE", "shop", "ana",
                "IDLE", "1.5");
  ExpectRefused("ERR IDLE 0, must be 1 to 315360000 seconds", "SESSION.CREATE", "shop", "ana",
                "IDLE", "0");
  ExpectRefused("ERR ABS 315360001, must be 1 to 315360000 seconds", "SESSION.ANON", "shop", "ABS",
                "315360001");
  ExpectRefused("ERR IDLE -1, must be 1 to 315360000 seconds", "SESSION.TOUCH", token, "IDLE",
                "-1");
  ExpectRefused("ERR FIELDS 2 does not match the number of words that follow, 3", "SESSION.SET",
                token, "FIELDS", "2", "a", "1", "b");
  ExpectRefused("ERR unknown option 'b'", "SESSION.SET", token, "FIELDS", "1", "a", "1", "b", "2");
  ExpectRefused("ERR META -1, must be 0 or more", "SESSION.SET", token, "META", "-1");
  ExpectRefused("ERR META 9223372036854775807 does not match the number of words that follow, 1",
                "SESSION.SET", token, "META", "9223372036854775807", "a");
  ExpectRefused("ERR MAX 3 needs EVICT or REJECT", "SESSION.CREATE", "shop", "ana", "MAX", "3");
  ExpectRefused("ERR SINCE and UNCHANGED need each other", "SESSION.SET", token, "SINCE", "1");
  ExpectRefused("ERR IFVER and SINCE exclude each other", "SESSION.SET", token, "SINCE", "1",
                "UNCHANGED", "1", "a", "IFVER", "1");
  ExpectRefused("ERR FIELDS and NODATA exclude each other", "SESSION.GET", token, "NODATA",
                "FIELDS", "1", "a");
  ExpectRefused("ERR NX and XX exclude each other", "SESSION.PUT", "shop", kForeign, "ana", "NX",
                "XX");
  ExpectRefused("ERR token has 21 characters, must be 22 to 1024", "SESSION.PUT", "shop",
                kForeign.substr(1), "ana");
  ExpectRefused("ERR increment is not an integer or out of range", "SESSION.INCR", token, "n",
                "one");
  ExpectRefused("ERR ALL or HANDLE is needed", "SESSION.REVOKE", "shop", "ana", "EXCEPT", token);
  ExpectRefused("ERR ALL and HANDLE exclude each other", "SESSION.REVOKE", "shop", "ana", "ALL",
                "HANDLE", "0");
  ExpectRefused("ERR invalid cursor", "SESSION.LIST", "shop", "ana", "CURSOR", "12");
  ExpectRefused("ERR invalid cursor", "SESSION.SCAN", "shop", "CURSOR", "x");
  ExpectRefused("ERR COUNT 0, must be 1 or more", "SESSION.LIST", "shop", "ana", "COUNT", "0");
  ExpectRefused("ERR no policy 'colour'", "SESSION.POLICY", "shop", "SET", "colour", "red");
  ExpectRefused("ERR MAX is given twice", "SESSION.POLICY", "shop", "SET", "max", "1", "MAX", "2");
  ExpectRefused("ERR max needs a value", "SESSION.POLICY", "shop", "SET", "max");
  ExpectRefused("TOOBIG 65536", "SESSION.SET", token, "FIELDS", "1", "a", std::string(65'536, 'x'));
}

// The refusal of a reused token is the one answer that commits a change with an error.
TEST_F(SessionModuleTest, ReuseRevokesWithTheRefusal) {
  h.Run("SESSION.POLICY", "shop", "SET", "on-reuse", "revoke");
  for (const std::string_view how : {"SET", "GET", "TOUCH", "ROTATE", "DESTROY", "INCR", "PUT"}) {
    const std::string old = Create("ana");
    const std::string next = BulksIn(h.Run("SESSION.ROTATE", old)).at(1);
    const std::string name = "SESSION." + std::string(how);
    const std::string reply = how == "INCR"  ? h.Run(name, old, "n", "1")
                              : how == "PUT" ? h.Run(name, "shop", old, "ana")
                                             : h.Run(name, old);
    EXPECT_EQ(reply, how == "GET" ? "$-1\r\n" : how == "DESTROY" ? ":0\r\n" : kNoSession);
    EXPECT_EQ(h.Run("SESSION.GET", next), "$-1\r\n") << how;
  }
  EXPECT_EQ(After(h.Run("SESSION.STATS", "shop"), "reuse"), ":7\r\n");
}

// A read answers where writes are paused, but records nothing.
TEST_F(SessionModuleTest, GetDoesNotSlideWhileWritesArePaused) {
  const std::string token = Create("ana");
  h.clock.Advance(600'000);
  h.server.pause_mode = PauseMode::kWrite;
  const uint64_t records = h.Records();
  EXPECT_EQ(After(h.Run("SESSION.GET", token), "seen"), Int(Now() - 600'000));
  EXPECT_EQ(h.Records(), records);
  h.server.pause_mode = PauseMode::kOff;
  EXPECT_EQ(After(h.Run("SESSION.GET", token), "seen"), Int(Now()));
  EXPECT_EQ(h.Records(), records + 1);
}

// What a read records in passing, its reply does not wait for.
TEST_F(SessionModuleTest, AReadDoesNotWaitForItsOwnSlide) {
  const std::string token = Create("ana");
  h.clock.Advance(600'000);
  const uint64_t records = h.Records();
  h.Run("SESSION.GET", token);
  EXPECT_EQ(h.Records(), records + 1);
  EXPECT_EQ(h.last_outcome.depends_on, records);
  h.Run("SESSION.SET", token, "FIELDS", "1", "a", "1");
  EXPECT_EQ(h.last_outcome.depends_on, h.Records());
}

// Sessions stand beside database 0: no key command sees or touches them, FLUSHALL ends them all.
TEST_F(SessionModuleTest, SessionsAreNoKeys) {
  const std::string token = Create("ana");
  EXPECT_EQ(h.Run("DBSIZE"), ":0\r\n");
  EXPECT_EQ(h.Run("KEYS", "*"), "*0\r\n");
  EXPECT_EQ(h.Run("SCAN", "0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(h.Run("EXISTS", token), ":0\r\n");
  EXPECT_EQ(h.Run("TTL", token), ":-2\r\n");
  EXPECT_EQ(h.Run("DEL", token), ":0\r\n");
  h.Run("FLUSHDB");
  h.Run("SET", token, "v");
  EXPECT_NE(h.Run("SESSION.GET", token), "$-1\r\n");
  h.Run("SESSION.POLICY", "shop", "SET", "max", "5");
  EXPECT_EQ(h.Run("FLUSHALL"), "+OK\r\n");
  EXPECT_EQ(h.Run("SESSION.GET", token), "$-1\r\n");
  EXPECT_EQ(After(h.Run("SESSION.POLICY", "shop"), "max"), ":5\r\n");
  EXPECT_EQ(h.Run("SESSION.SET", token, "FIELDS", "1", "a", "1"), kNoSession);
}

// Inside EXEC each command sees what the ones before it did.
TEST_F(SessionModuleTest, CommandsOfATransactionSeeEachOther) {
  const std::string token = Create("ana");
  h.Run("MULTI");
  h.Run("SESSION.SET", token, "FIELDS", "1", "n", "1");
  h.Run("SESSION.INCR", token, "n", "1");
  h.Run("SESSION.DESTROY", token);
  h.Run("SESSION.INCR", token, "n", "1");
  const uint64_t records = h.Records();
  EXPECT_EQ(h.Run("EXEC"), "*4\r\n:2\r\n:2\r\n:1\r\n" + std::string(kNoSession));
  EXPECT_EQ(h.Records(), records + 1);
}

// Whatever could be a token is taken out, in well-formed commands and in others.
TEST_F(SessionModuleTest, NoTokenReachesSlowlogOrMonitor) {
  const std::string token(35, 'T');
  const std::vector<std::vector<std::string>> commands = {
      {"SESSION.GET", "short"},
      {"session.put", "shop", "short", "ana"},
      {"SESSION.DESTROY", "short", "short"},
      {"SESSION.LIST", "shop", "ana", "current", "short"},
      {"SESSION.REVOKE", "shop", "ana", "ALL", "EXCEPT", "short"},
      {"SESSION.LIST", token},
      {"SESSION.CREATE", "shop", "ana", "CURSOR", token},
      {"SESSION.SCAN", "shop", token, token},
      {"SESSION.SET", "FIELDS", "1", token},
  };
  for (std::vector<std::string> words : commands) {
    RedactSession(words);
    for (const std::string& word : words) {
      EXPECT_NE(word, "short") << words[0];
      EXPECT_NE(word, token) << words[0];
    }
    EXPECT_EQ(words[0].substr(0, 8).size(), 8U);
  }
  ExpectRefused("ERR unknown option '(redacted)'", "SESSION.CREATE", "shop", "ana", token);
  for (const auto& command : h.registry.commands())
    EXPECT_EQ(command->full_name.starts_with("session."), command->spec->redact != nullptr)
        << command->full_name;
}

}  // namespace
}  // namespace cloakroom
