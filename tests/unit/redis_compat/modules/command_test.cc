#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class CommandFamilyTest : public ::testing::Test {
 protected:
  Harness h{{RegisterCommand, RegisterStrings, RegisterSets, RegisterTransactions,
             RegisterConnection, RegisterSession, RegisterCluster}};
};

TEST_F(CommandFamilyTest, InfoRowsAreRediss) {
  EXPECT_EQ(h.Run("COMMAND", "INFO", "GET", "nope"),
            "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
            "*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n"
            "*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n"
            "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n"
            "*2\r\n$5\r\nindex\r\n:1\r\n"
            "$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n"
            "*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n"
            "$-1\r\n");
  EXPECT_TRUE(
      h.Run("COMMAND", "INFO", "client|id").starts_with("*1\r\n*10\r\n$9\r\nclient|id\r\n"));
  EXPECT_EQ(h.Run("COMMAND", "INFO"), h.Run("COMMAND"));
}

TEST_F(CommandFamilyTest, DocsDeriveFromTheRow) {
  EXPECT_EQ(h.Run("COMMAND", "DOCS", "nope"), "*0\r\n");
  const std::string docs = h.Run("COMMAND", "DOCS", "Unwatch");
  EXPECT_TRUE(docs.starts_with("*2\r\n$7\r\nunwatch\r\n*6\r\n$7\r\nsummary\r\n")) << docs;
  EXPECT_NE(h.Run("COMMAND", "DOCS", "watch").find("$14\r\nkey_spec_index\r\n:0\r\n"),
            std::string::npos);
}

// A flag of our own must not read as one of Redis's, nor the other way round.
TEST_F(CommandFamilyTest, OnlyClusterChangesAreNotForAsyncLoading) {
  EXPECT_EQ(h.Run("COMMAND", "INFO", "session.read").find("no_async_loading"), std::string::npos);
  EXPECT_NE(h.Run("COMMAND", "INFO", "cluster|meet").find("no_async_loading"), std::string::npos);
}

TEST_F(CommandFamilyTest, ListFilters) {
  const std::string all = h.Run("COMMAND", "LIST");
  EXPECT_NE(all.find("$6\r\nclient\r\n"), std::string::npos);
  EXPECT_NE(all.find("$9\r\nclient|id\r\n"), std::string::npos) << "subcommands are listed too";
  EXPECT_EQ(h.Run("COMMAND", "LIST", "FILTERBY", "ACLCAT", "Transaction"),
            "*5\r\n$5\r\nmulti\r\n$4\r\nexec\r\n$7\r\ndiscard\r\n$5\r\nwatch\r\n$7\r\nunwatch\r\n");
  EXPECT_EQ(h.Run("COMMAND", "LIST", "FILTERBY", "PATTERN", "CLIENT|i*"),
            "*2\r\n$9\r\nclient|id\r\n$11\r\nclient|info\r\n");
  EXPECT_EQ(h.Run("COMMAND", "LIST", "FILTERBY", "MODULE", "x"), "*0\r\n");
  EXPECT_EQ(h.Run("COMMAND", "LIST", "FILTERBY", "x"), "-ERR syntax error\r\n");
}

TEST_F(CommandFamilyTest, GetKeysFindsThem) {
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"),
            "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "SINTERCARD", "2", "a", "b", "LIMIT", "1"),
            "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "nope", "a"), "-ERR Invalid command specified\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "PING", "a"), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYS", "GET", "a", "b"),
            "-ERR Invalid number of arguments specified for command\r\n");
}

TEST_F(CommandFamilyTest, KeysComeWithTheirUse) {
  EXPECT_EQ(h.Run("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1"),
            "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYSANDFLAGS", "SET", "a", "1", "get"),
            "*1\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+update\r\n");
  EXPECT_EQ(h.Run("COMMAND", "GETKEYSANDFLAGS", "SMOVE", "a", "b", "m"),
            "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n"
            "*2\r\n$1\r\nb\r\n*2\r\n+RW\r\n+insert\r\n");
}

}  // namespace
}  // namespace cloakroom
