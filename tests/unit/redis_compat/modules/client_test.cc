#include "redis_compat/modules/client.h"

#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class ClientTest : public ::testing::Test {
 protected:
  Harness h{{RegisterConnection}};
};

TEST_F(ClientTest, NamesAndLibraries) {
  EXPECT_EQ(h.Run("CLIENT", "ID"), ":1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "GETNAME"), "$-1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "SETNAME", "a b"),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(h.Run("CLIENT", "SETNAME", "web"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT", "GETNAME"), "$3\r\nweb\r\n");
  EXPECT_EQ(h.Run("CLIENT", "SETNAME", ""), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT", "GETNAME"), "$-1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "SETINFO", "lib-name", "jedis"), "+OK\r\n");
  EXPECT_EQ(h.client().lib_name, "jedis");
  EXPECT_EQ(h.Run("CLIENT", "SETINFO", "lib-ver", "a b"),
            "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(h.Run("CLIENT", "SETINFO", "lib-foo", "x"), "-ERR Unrecognized option 'lib-foo'\r\n");
}

TEST_F(ClientTest, TheLineSaysWhatClientsParse) {
  ClientState client;
  client.id = 7;
  client.address = "10.0.0.1:5000";
  client.local_address = "10.0.0.2:6379";
  client.fd = 9;
  client.name = "web";
  client.in_multi = true;
  client.queued = {{"get", "k"}};
  client.created_ms = 1000;
  client.last_active_ms = 4000;
  client.last_command = "client|list";
  const std::string line = ClientLine(client, 6500);
  EXPECT_TRUE(
      line.starts_with("id=7 addr=10.0.0.1:5000 laddr=10.0.0.2:6379 fd=9 name=web age=5 "
                       "idle=2 flags=x db=0 sub=0 psub=0 ssub=0 multi=1 qbuf=0 "))
      << line;
  EXPECT_NE(line.find(" cmd=client|list user=default redir=-1 resp=2 "), std::string::npos) << line;
  EXPECT_EQ(line.back(), '\n');
}

TEST_F(ClientTest, ListFilters) {
  h.AddClient();
  const std::string all = h.Run("CLIENT", "LIST");
  EXPECT_NE(all.find("id=1 "), std::string::npos);
  EXPECT_NE(all.find("id=2 "), std::string::npos);
  const std::string second = h.Run("CLIENT", "LIST", "ID", "2", "99");
  EXPECT_EQ(second.find("id=1 "), std::string::npos);
  EXPECT_NE(second.find("id=2 "), std::string::npos);
  EXPECT_EQ(h.Run("CLIENT", "LIST", "TYPE", "replica"), "$0\r\n\r\n");
  EXPECT_EQ(h.Run("CLIENT", "LIST", "TYPE", "foo"), "-ERR Unknown client type 'foo'\r\n");
  EXPECT_EQ(h.Run("CLIENT", "LIST", "ID", "x"), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(h.Run("CLIENT", "LIST", "FOO"), "-ERR syntax error\r\n");
}

TEST_F(ClientTest, KillInBothForms) {
  h.AddClient();
  h.AddClient();
  EXPECT_EQ(h.Run("CLIENT", "KILL", "127.0.0.1:50002"), "+OK\r\n");
  EXPECT_EQ(h.server.killed_ids, (std::vector<uint64_t>{2}));
  EXPECT_EQ(h.Run("CLIENT", "KILL", "1.2.3.4:1"), "-ERR No such client\r\n");
  EXPECT_EQ(h.Run("CLIENT", "KILL", "ID", "3"), ":1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "KILL", "ID", "1"), ":0\r\n") << "oneself is skipped";
  EXPECT_EQ(h.Run("CLIENT", "KILL", "ID", "1", "SKIPME", "no"), ":1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "KILL", "ID", "0"), "-ERR client-id should be greater than 0\r\n");
  EXPECT_EQ(h.Run("CLIENT", "KILL", "ID", "1", "TYPE"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT", "KILL", "USER", "nobody", "ID", "1"), "-ERR No such user 'nobody'\r\n");
}

TEST_F(ClientTest, PauseIsGivenAnEnd) {
  EXPECT_EQ(h.Run("CLIENT", "PAUSE", "100", "WRITE"), "+OK\r\n");
  EXPECT_EQ(h.server.pause_mode, PauseMode::kWrite);
  EXPECT_EQ(h.server.pause_until_ms, h.clock.WallMs() + 100);
  EXPECT_EQ(h.Run("CLIENT", "UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(h.server.pause_mode, PauseMode::kOff);
  EXPECT_EQ(h.Run("CLIENT", "PAUSE", "-1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(h.Run("CLIENT", "PAUSE", "x"), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(h.Run("CLIENT", "PAUSE", "9223372036854775807"), "-ERR timeout is out of range\r\n");
  EXPECT_EQ(h.Run("CLIENT", "PAUSE", "1", "FOO"),
            "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
}

TEST_F(ClientTest, ReplyModes) {
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(h.Run("PING"), "");
  EXPECT_EQ(h.Run("PING"), "+PONG\r\n");
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "OFF"), "");
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "SKIP"), "");
  EXPECT_EQ(h.Run("PING"), "");
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "ON"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT", "REPLY", "FOO"), "-ERR syntax error\r\n");
}

TEST_F(ClientTest, SwitchesAndWhatIsNotThere) {
  EXPECT_EQ(h.Run("CLIENT", "NO-EVICT", "on"), "+OK\r\n");
  EXPECT_TRUE(h.client().no_evict);
  EXPECT_EQ(h.Run("CLIENT", "NO-TOUCH", "on"), "+OK\r\n");
  EXPECT_TRUE(h.client().no_touch);
  EXPECT_EQ(h.Run("CLIENT", "NO-TOUCH", "maybe"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("CLIENT", "GETREDIR"), ":-1\r\n");
  EXPECT_EQ(h.Run("CLIENT", "UNBLOCK", "5"), ":0\r\n");
  EXPECT_EQ(h.Run("CLIENT", "TRACKING", "off"), "+OK\r\n");
  EXPECT_EQ(h.Run("CLIENT", "TRACKING", "on")[0], '-');
  EXPECT_EQ(h.Run("CLIENT", "NOPE"), "-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n");
  EXPECT_TRUE(h.Run("CLIENT", "HELP").ends_with("+HELP\r\n+    Prints this help.\r\n"));
}

}  // namespace
}  // namespace cloakroom
