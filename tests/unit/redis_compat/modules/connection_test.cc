#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

constexpr std::string_view kWrongPass =
    "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

class ConnectionTest : public ::testing::Test {
 protected:
  Harness h{{RegisterConnection, RegisterStrings}};
};

TEST_F(ConnectionTest, PingAndEcho) {
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(h.Run("PING", "hi"), "$2\r\nhi\r\n");
  EXPECT_EQ(h.Run("PING", "a", "b"), "-ERR wrong number of arguments for 'ping' command\r\n");
  EXPECT_EQ(h.Run("ECHO", ""), "$0\r\n\r\n");
}

TEST_F(ConnectionTest, QuitClosesAfterItsReply) {
  EXPECT_EQ(h.Run("QUIT", "whatever"), "+OK\r\n");
  EXPECT_TRUE(h.client().close_after_reply);
}

TEST_F(ConnectionTest, SelectChoosesTheDatabase) {
  EXPECT_EQ(h.Run("SELECT", "15"), "+OK\r\n");
  EXPECT_EQ(h.client().db, 15U);
  EXPECT_EQ(h.Run("SELECT", "16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(h.Run("SELECT", "-1"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(h.Run("SELECT", "one"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(h.client().db, 15U) << "a refused SELECT moves nobody";
}

TEST_F(ConnectionTest, AuthWithoutAPasswordSet) {
  EXPECT_EQ(h.Run("AUTH", "x"),
            "-ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?\r\n");
  EXPECT_EQ(h.Run("AUTH", "default", "x"), "+OK\r\n");
  EXPECT_EQ(h.Run("AUTH", "ana", "x"), kWrongPass);
  EXPECT_EQ(h.Run("AUTH", "a", "b", "c"), "-ERR syntax error\r\n");
}

TEST_F(ConnectionTest, AuthWithAPassword) {
  h.server.password = "hunter2";
  h.client().authenticated = false;
  EXPECT_EQ(h.Run("GET", "k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(h.Run("AUTH", "wrong"), kWrongPass);
  EXPECT_EQ(h.Run("AUTH", "ana", "hunter2"), kWrongPass);
  EXPECT_FALSE(h.client().authenticated);
  EXPECT_EQ(h.Run("AUTH", "hunter2"), "+OK\r\n");
  EXPECT_EQ(h.Run("AUTH", "wrong"), kWrongPass);
  EXPECT_TRUE(h.client().authenticated) << "a failed AUTH takes nothing away";
}

TEST_F(ConnectionTest, HelloNegotiates) {
  const std::string greeting = h.Run("HELLO", "3", "SETNAME", "web");
  EXPECT_TRUE(greeting.starts_with("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n")) << greeting;
  EXPECT_EQ(h.client().protocol, 3);
  EXPECT_EQ(h.client().name, "web");
  EXPECT_EQ(h.Run("GET", "absent"), "_\r\n");
  EXPECT_EQ(h.Run("HELLO", "4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(h.Run("HELLO", "x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("HELLO", "2", "FOO"), "-ERR Syntax error in HELLO option 'FOO'\r\n");
  EXPECT_EQ(h.Run("HELLO", "2", "AUTH", "default"), "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  EXPECT_EQ(h.client().protocol, 3) << "a refused HELLO changes nothing";
  EXPECT_TRUE(h.Run("HELLO").starts_with("%7\r\n")) << "without a version the protocol stays";
}

TEST_F(ConnectionTest, HelloAuthenticates) {
  h.server.password = "hunter2";
  h.client().authenticated = false;
  EXPECT_TRUE(h.Run("HELLO", "3").starts_with("-NOAUTH HELLO must be called with the client "));
  EXPECT_EQ(h.Run("HELLO", "3", "AUTH", "default", "no", "SETNAME", "x"), kWrongPass);
  EXPECT_EQ(h.client().protocol, 2);
  EXPECT_EQ(h.client().name, "");
  EXPECT_TRUE(h.Run("HELLO", "3", "AUTH", "default", "hunter2").starts_with("%7\r\n"));
  EXPECT_TRUE(h.client().authenticated);
}

TEST_F(ConnectionTest, PasswordsAreNotShownToMonitors) {
  h.server.monitors = 1;
  static_cast<void>(h.Run("AUTH", "default", "hunter2"));
  static_cast<void>(h.Run("HELLO", "3", "SETNAME", "auth", "AUTH", "default", "hunter2"));
  ASSERT_EQ(h.server.monitored.size(), 2U);
  for (const std::string& line : h.server.monitored)
    EXPECT_EQ(line.find("hunter2"), std::string::npos) << line;
}

TEST_F(ConnectionTest, ResetMakesTheConnectionNew) {
  static_cast<void>(h.Run("HELLO", "3", "SETNAME", "web"));
  static_cast<void>(h.Run("SELECT", "3"));
  h.client().in_multi = true;
  h.client().no_evict = true;
  h.server.password = "hunter2";
  EXPECT_EQ(h.Run("RESET"), "+RESET\r\n");
  EXPECT_EQ(h.client().protocol, 2);
  EXPECT_EQ(h.client().db, 0U);
  EXPECT_EQ(h.client().name, "");
  EXPECT_FALSE(h.client().in_multi);
  EXPECT_FALSE(h.client().no_evict);
  EXPECT_FALSE(h.client().authenticated) << "it must show the password again";
}

}  // namespace
}  // namespace cloakroom
