#include "client/session_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/client/canned_server.h"

namespace cloakroom {
namespace {

// The multibulk form of strings; "" stands for an empty one.
std::string Array(const std::vector<std::string>& words) {
  std::string out = fmt::format("*{}\r\n", words.size());
  for (const auto& word : words) out += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return out;
}

std::string Bulk(std::string_view word) { return fmt::format("${}\r\n{}\r\n", word.size(), word); }

class SessionClientTest : public testing::Test {
 protected:
  CannedServer server;
  SessionClient client{server.Client()};
};

TEST_F(SessionClientTest, CreateSendsEveryOptionAndReadsTheToken) {
  server.WillReply("*12\r\n" + Bulk("token") + Bulk("tok") + Bulk("handle") + Bulk("han") +
                   Bulk("version") + ":1\r\n" + Bulk("deadline") + ":1700000001000\r\n" +
                   Bulk("abs") + ":1700000009000\r\n" + Bulk("evicted") + Array({"h1", "h2"}));
  const auto minted = client.Create("shop", "ana",
                                    {.idle = Seconds{60},
                                     .abs = Seconds{600},
                                     .auth_at = 1699999999000,
                                     .max = 2,
                                     .on_limit = OnLimit::kReject,
                                     .meta = {{"ip", "::1"}},
                                     .fields = {{"cart", "3"}, {"lang", "de"}}});
  EXPECT_EQ(server.Received(),
            "SESSION.CREATE shop ana IDLE 60 ABS 600 AUTHAT 1699999999000 MAX 2 REJECT "
            "META 1 ip ::1 FIELDS 2 cart 3 lang de");
  ASSERT_TRUE(minted) << minted.error().message;
  EXPECT_EQ(minted->token, "tok");
  EXPECT_EQ(minted->handle, "han");
  EXPECT_EQ(minted->version, 1U);
  EXPECT_EQ(minted->deadline, 1700000001000);
  EXPECT_EQ(minted->abs, 1700000009000);
  EXPECT_EQ(minted->evicted, (std::vector<std::string>{"h1", "h2"}));
}

// What is left out is not sent: the server's defaults rule, and a newer reply may say more.
TEST_F(SessionClientTest, AnonSendsNoDefaultsAndPassesOverUnknownNames) {
  server.WillReply(Array({"token", "t", "colour", "red"}));
  EXPECT_EQ(client.CreateAnonymous("shop")->token, "t");
  EXPECT_EQ(server.Received(), "SESSION.ANON shop");
}

TEST_F(SessionClientTest, GetReadsEveryName) {
  server.WillReply("*24\r\n" + Bulk("ns") + Bulk("shop") + Bulk("user") + Bulk("ana") +
                   Bulk("handle") + Bulk("han") + Bulk("version") + ":7\r\n" + Bulk("created") +
                   ":11\r\n" + Bulk("seen") + ":12\r\n" + Bulk("auth_at") + ":13\r\n" +
                   Bulk("deadline") + ":14\r\n" + Bulk("abs") + ":15\r\n" + Bulk("reauth") +
                   ":1\r\n" + Bulk("meta") + Array({"ip", "::1"}) + Bulk("fields") +
                   Array({"a", "1", "b", ""}));
  const auto got = client.Get("tok", {.fields = std::vector<std::string>{"a", "b"},
                                      .touch = false,
                                      .if_newer = 3,
                                      .auth_age_max = Seconds{9}});
  EXPECT_EQ(server.Received(), "SESSION.GET tok FIELDS 2 a b NOTOUCH IFNEWER 3 MAXAUTHAGE 9");
  ASSERT_TRUE(got && *got);
  const SessionView& view = **got;
  EXPECT_EQ(view.ns, "shop");
  EXPECT_EQ(view.user, "ana");
  EXPECT_EQ(view.handle, "han");
  EXPECT_EQ(view.version, 7U);
  EXPECT_EQ(view.created, 11);
  EXPECT_EQ(view.seen, 12);
  EXPECT_EQ(view.auth_at, 13);
  EXPECT_EQ(view.deadline, 14);
  EXPECT_EQ(view.abs, 15);
  EXPECT_TRUE(view.reauth);
  EXPECT_EQ(view.meta, (NamedValues{{"ip", "::1"}}));
  EXPECT_EQ(view.fields, (NamedValues{{"a", "1"}, {"b", ""}}));
}

TEST_F(SessionClientTest, GetOfNoSessionIsNoError) {
  server.WillReply("$-1\r\n");
  const auto got = client.Get("tok", {.fields = std::vector<std::string>{}});
  ASSERT_TRUE(got);
  EXPECT_FALSE(*got);
  EXPECT_EQ(server.Received(), "SESSION.GET tok NODATA");
}

TEST_F(SessionClientTest, SetIncrementTouchRotate) {
  server.WillReply(":8\r\n");
  EXPECT_EQ(
      client.Set(
          "tok",
          {.since = 6, .unchanged = {"a"}, .remove = {"old", "older"}, .fields = {{"a", "2"}}}),
      8U);
  EXPECT_EQ(server.Received(),
            "SESSION.SET tok SINCE 6 UNCHANGED 1 a DEL 2 old older FIELDS 1 a 2");
  server.WillReply(":-4\r\n");
  EXPECT_EQ(client.Increment("tok", "n", -5), -4);
  EXPECT_EQ(server.Received(), "SESSION.INCR tok n -5");
  server.WillReply(":60000\r\n");
  EXPECT_EQ(client.Touch("tok", Seconds{60}), 60000);
  EXPECT_EQ(server.Received(), "SESSION.TOUCH tok IDLE 60");
  server.WillReply(Array({"token", "next"}));
  EXPECT_EQ(client.Rotate("tok", {.user = "ana", .grace = std::chrono::milliseconds{500}})->token,
            "next");
  EXPECT_EQ(server.Received(), "SESSION.ROTATE tok USER ana GRACE 500");
}

TEST_F(SessionClientTest, ListReadsRowsAndTheCursor) {
  server.WillReply("*2\r\n" + Bulk("17") + "*2\r\n*6\r\n" + Bulk("handle") + Bulk("h1") +
                   Bulk("seen") + ":5\r\n" + Bulk("current") + ":1\r\n*4\r\n" + Bulk("handle") +
                   Bulk("h2") + Bulk("meta") + Array({"agent", "curl"}));
  const auto page = client.List("shop", "ana", "tok");
  EXPECT_EQ(server.Received(), "SESSION.LIST shop ana CURSOR 0 COUNT 100 CURRENT tok");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->cursor, "17");
  ASSERT_EQ(page->sessions.size(), 2U);
  EXPECT_TRUE(page->sessions[0].current);
  EXPECT_EQ(page->sessions[0].seen, 5);
  EXPECT_EQ(page->sessions[1].handle, "h2");
  EXPECT_EQ(page->sessions[1].meta, (NamedValues{{"agent", "curl"}}));
}

TEST_F(SessionClientTest, EndsSessions) {
  server.WillReply(":2\r\n");
  EXPECT_EQ(client.Destroy(std::vector<std::string>{"t1", "t2"}), 2);
  EXPECT_EQ(server.Received(), "SESSION.DESTROY t1 t2");
  server.WillReply(":5\r\n");
  EXPECT_EQ(client.RevokeAll("shop", "ana", "tok"), 5);
  EXPECT_EQ(server.Received(), "SESSION.REVOKE shop ana ALL EXCEPT tok");
  server.WillReply(":1\r\n");
  EXPECT_EQ(client.Revoke("shop", "ana", std::vector<std::string>{"h"}), 1);
  EXPECT_EQ(server.Received(), "SESSION.REVOKE shop ana HANDLE 1 h");
}

// Callers branch on the code; the number that comes with some words is the message.
TEST_F(SessionClientTest, ErrorWordsBecomeCodes) {
  const auto error = [&](std::string_view line) {
    server.WillReply(fmt::format("-{}\r\n", line));
    return client.Touch("tok").error();
  };
  EXPECT_EQ(error("NOSESSION no such session").code, Code::kNoSession);
  EXPECT_EQ(error("VERCONFLICT 12").code, Code::kVersionConflict);
  EXPECT_EQ(error("VERCONFLICT 12").message, "12");
  EXPECT_EQ(error("SESSLIMIT 3").message, "3");
  EXPECT_EQ(error("TOOBIG 65536").code, Code::kTooBig);
  EXPECT_EQ(error("REVOKED").code, Code::kRevoked);
  EXPECT_EQ(error("ERR unknown command").code, Code::kVerbatim);
  EXPECT_EQ(error("ERR unknown command").message, "ERR unknown command");
}

// A reply of another shape is an error, never a crash or a session of zeros.
TEST_F(SessionClientTest, RepliesOfAnotherShapeAreErrors) {
  for (const char* reply : {"+OK\r\n", "*1\r\n$1\r\na\r\n", "*0\r\n", ":1\r\n",
                            "*2\r\n$5\r\ntoken\r\n*0\r\n", "*2\r\n$7\r\nversion\r\n$1\r\nx\r\n"}) {
    server.WillReply(reply);
    EXPECT_EQ(client.CreateAnonymous("shop").error().code, Code::kVerbatim) << reply;
  }
  server.WillReply("*2\r\n$4\r\nmeta\r\n*1\r\n$1\r\na\r\n");
  EXPECT_EQ(client.Get("tok").error().code, Code::kVerbatim);
  server.WillReply("*1\r\n$1\r\n0\r\n");
  EXPECT_EQ(client.List("shop", "ana").error().code, Code::kVerbatim);
}

TEST_F(SessionClientTest, ALostConnectionStaysLost) {
  server.HangUp();
  EXPECT_EQ(client.Touch("tok").error().code, Code::kUnavailable);
  EXPECT_EQ(client.Touch("tok").error().code, Code::kUnavailable);
}

TEST(LinkTest, NamesThePlaceThatDoesNotAnswer) {
  const auto link = Link::Open({.socket = "/nowhere/cloakroom.sock"});
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().message,
            "cannot connect to /nowhere/cloakroom.sock: No such file or directory");
}

}  // namespace
}  // namespace cloakroom
