#include <gtest/gtest.h>

#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"

namespace cloakroom {
namespace {

class PersistenceFamilyTest : public testing::Test {
 protected:
  Harness h{{RegisterPersistence, RegisterStrings, RegisterKeys, RegisterServer, RegisterConnection,
             RegisterTransactions}};
};

// The client alone waits: the command is put aside without a reply and runs again when the image is
// done. Then it must not begin another.
TEST_F(PersistenceFamilyTest, SaveWaitsForItsImage) {
  EXPECT_EQ(h.Run("SAVE"), "");
  EXPECT_TRUE(h.last_outcome.postponed);
  EXPECT_EQ(h.Run("SAVE"), "");
  EXPECT_EQ(h.server.jobs, 1U) << "the same image is waited for";
  h.server.job_result = Result<void>();
  EXPECT_EQ(h.Run("SAVE"), "+OK\r\n");
  EXPECT_FALSE(h.last_outcome.postponed);
  h.server.job_result.reset();
  EXPECT_EQ(h.Run("SAVE"), "");
  EXPECT_EQ(h.server.jobs, 2U);
  h.server.job_result = Fail(Code::kNoSpace, "cannot write image.tmp: no space");
  EXPECT_EQ(h.Run("SAVE"), "-ERR cannot write image.tmp: no space\r\n");
}

TEST_F(PersistenceFamilyTest, BackupIsAnsweredWhenItIsSafe) {
  EXPECT_EQ(h.Run("BACKUP", "nightly"), "");
  EXPECT_EQ(h.server.backups, std::vector<std::string>{"nightly"});
  h.server.job_result = Result<void>();
  EXPECT_EQ(h.Run("BACKUP", "nightly"), "+OK\r\n");
  EXPECT_EQ(h.Run("BACKUP")[0], '-');
}

TEST_F(PersistenceFamilyTest, BackgroundSavesAnswerAtOnce) {
  EXPECT_EQ(h.Run("BGSAVE"), "+Background saving started\r\n");
  EXPECT_EQ(h.Run("BGSAVE", "SCHEDULE"), "+Background saving started\r\n");
  EXPECT_EQ(h.Run("BGSAVE", "NOW"), "-ERR syntax error\r\n");
  EXPECT_EQ(h.Run("BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
  h.server.persisted.last_save_ms = 1'700'000'000'123;
  EXPECT_EQ(h.Run("LASTSAVE"), ":1700000000\r\n");
}

// While an image is being taken, who can wait for the next is told so.
TEST_F(PersistenceFamilyTest, AnImageIsScheduledBehindAnother) {
  h.server.persisted.saving = true;
  EXPECT_EQ(h.Run("BGREWRITEAOF"), "+Background append only file rewriting scheduled\r\n");
  EXPECT_EQ(h.Run("BGSAVE", "SCHEDULE"), "+Background saving scheduled\r\n");
  EXPECT_NE(h.Run("INFO", "persistence").find("aof_rewrite_scheduled:1"), std::string::npos);
  EXPECT_EQ(h.server.jobs, 0U);
}

// Who watches an image from outside sees its time run, and how many have failed in a row.
TEST_F(PersistenceFamilyTest, InfoTellsOfTheImageUnderWay) {
  const auto has = [this](const char* line) {
    return h.Run("INFO", "persistence").find(std::string("\n") + line + "\r") != std::string::npos;
  };
  PersistenceStatus& status = h.server.persisted;
  status.log = true;
  status.failed_in_a_row = 3;
  status.loaded_entries = 10;
  status.loaded_expired = 4;
  EXPECT_TRUE(has("aof_current_rewrite_time_sec:-1"));
  EXPECT_TRUE(has("aof_rewrites_consecutive_failures:3"));
  EXPECT_TRUE(has("rdb_last_load_keys_loaded:10"));
  EXPECT_TRUE(has("rdb_last_load_keys_expired:4"));
  status.saving = true;
  status.save_began_ms = h.clock.WallMs();
  h.clock.Advance(5000);
  EXPECT_TRUE(has("aof_current_rewrite_time_sec:5"));
  EXPECT_TRUE(has("rdb_current_bgsave_time_sec:5"));
  status.log = false;
  EXPECT_TRUE(has("aof_current_rewrite_time_sec:-1")) << "there is no log to cut";
}

// A client that queues a SAVE would hold up its own transaction.
TEST_F(PersistenceFamilyTest, SaveIsNotForTransactions) {
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("SAVE"), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_EQ(h.Run("EXEC").substr(0, 10), "-EXECABORT");
}

// While the state is not whole, nobody may see or change it; what asks about the server may ask.
TEST_F(PersistenceFamilyTest, LoadingRefusesWhatNeedsTheState) {
  h.shard.set_loading(true);
  EXPECT_EQ(h.Run("GET", "a"), "-LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_EQ(h.Run("SET", "a", "1"), "-LOADING Redis is loading the dataset in memory\r\n");
  h.server.persisted.loading = true;
  EXPECT_NE(h.Run("INFO", "persistence").find("loading:1"), std::string::npos);
  h.shard.set_loading(false);
  EXPECT_EQ(h.Run("SET", "a", "1"), "+OK\r\n");
}

// A change that could not be kept is refused before it is made; reads go on.
TEST_F(PersistenceFamilyTest, RefusedWritesChangeNothing) {
  ASSERT_EQ(h.Run("SET", "a", "1"), "+OK\r\n");
  h.shard.RefuseWrites("the disk is full");
  EXPECT_EQ(h.Run("SET", "a", "2"), "-MISCONF the disk is full\r\n");
  EXPECT_EQ(h.Run("GET", "a"), "$1\r\n1\r\n");
  EXPECT_EQ(h.Run("MULTI"), "+OK\r\n");
  EXPECT_EQ(h.Run("DEL", "a"), "-MISCONF the disk is full\r\n");
  EXPECT_EQ(h.Run("EXEC").substr(0, 10), "-EXECABORT");
  h.shard.RefuseWrites("");
  EXPECT_EQ(h.Run("SET", "a", "2"), "+OK\r\n");
}

}  // namespace
}  // namespace cloakroom
