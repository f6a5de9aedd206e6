// What the log on disk has no space for is never executed: its record could not be taken back, and
// every later reply would wait for it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "redis_compat/modules/all_modules.h"
#include "store/wal/group_commit.h"
#include "tests/support/harness.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"

namespace cloakroom {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class LogRoomTest : public testing::Test {
 protected:
  LogRoomTest() {
    CHECK(disk_.MakeDirectoryNow("/log") && disk_.SyncDirectoryNow("/"));
    GroupCommit::Options options;
    options.log.directory = "/log";
    options.log.reserve_bytes = 8'000;
    options.policy = SyncPolicy::kNever;
    log_ = std::make_unique<GroupCommit>(h.clock, loop_, disk_, options,
                                         GroupCommit::Events{[] {}, [](const Error&) {}});
    CHECK(log_->StartNow({}, 0));
    h.shard.SetJournal(log_.get(), AckLevel::kOs);
    Settle();
  }
  ~LogRoomTest() override { h.shard.SetJournal(nullptr, AckLevel::kMemory); }

  void Settle() {
    h.shard.EndTurn();
    for (int i = 0; i < 10; ++i) {
      disk_.Poll();
      loop_.Poll();
    }
  }
  /// As a server does: executes it again for as long as it waits.
  template <typename... Words>
  std::string Run(const Words&... words) {
    std::string reply = h.Run(words...);
    waits_ = 0;
    for (; h.last_outcome.waits_for_log && waits_ < 10; ++waits_) {
      EXPECT_EQ(reply, "") << "nothing is answered yet";
      Settle();
      reply = h.Run(words...);
    }
    EXPECT_LT(waits_, 10);
    Settle();
    return reply;
  }
  void AddMembers(const std::string& key, int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(Run("SADD", key, key + std::string(100, 'x') + std::to_string(i)), ":1\r\n");
  }
  void FillDisk() { disk_.capacity_bytes = disk_.UsedBytes(); }
  void ExpectAllWritten() {
    EXPECT_EQ(log_->PendingBytes(), 0U);
    EXPECT_EQ(h.shard.Reached(AckLevel::kOs), h.shard.last_change());
  }

  Harness h{{RegisterStrings, RegisterSets, RegisterKeys, RegisterTransactions}};
  SimNetwork loop_{h.clock};
  SimDisk disk_{h.clock, 1};
  std::unique_ptr<GroupCommit> log_;
  int waits_ = 0;
};

TEST_F(LogRoomTest, AWriteLargerThanTheReserveWaitsForSpaceAndIsDone) {
  EXPECT_EQ(Run("SET", "big", std::string(100'000, 'x')), "+OK\r\n");
  EXPECT_GT(waits_, 0);
  EXPECT_EQ(Run("SET", "small", "1"), "+OK\r\n");
  EXPECT_EQ(waits_, 0);
  ExpectAllWritten();
}

TEST_F(LogRoomTest, AWriteThatTheDiskCannotTakeIsRefusedAndLeavesNoTrace) {
  disk_.capacity_bytes = 50'000;
  const uint64_t records = h.Records();
  EXPECT_THAT(Run("SET", "big", std::string(100'000, 'x')), StartsWith("-MISCONF"));
  EXPECT_EQ(h.Records(), records);
  EXPECT_EQ(Run("EXISTS", "big"), ":0\r\n");
  EXPECT_EQ(Run("SET", "small", "1"), "+OK\r\n") << "it has its space";
  disk_.capacity_bytes = UINT64_MAX;
  h.clock.Advance(1100);
  EXPECT_EQ(Run("SET", "big", std::string(100'000, 'x')), "+OK\r\n");
  ExpectAllWritten();
}

// How much such a command logs stands in no word of it.
TEST_F(LogRoomTest, AStoredUnionIsMeasuredByItsRecord) {
  AddMembers("a", 300);
  AddMembers("b", 300);
  FillDisk();
  EXPECT_THAT(Run("SUNIONSTORE", "to", "a", "b"), StartsWith("-MISCONF"));
  EXPECT_EQ(Run("EXISTS", "to"), ":0\r\n");
  EXPECT_EQ(Run("SCARD", "a"), ":300\r\n") << "reads go on";
  ExpectAllWritten();
  disk_.capacity_bytes = UINT64_MAX;
  h.clock.Advance(1100);
  loop_.Poll();
  Settle();
  EXPECT_EQ(Run("SUNIONSTORE", "to", "a", "b"), ":600\r\n");
  ExpectAllWritten();
}

// The same while all writes are refused but small ones, which have the rest of the reserve.
TEST_F(LogRoomTest, AStoredUnionIsRefusedOnceTheLogIsFull) {
  AddMembers("a", 300);
  FillDisk();
  for (int i = 0; i < 200 && !h.shard.Refuses(); ++i) Run("SET", "k", std::string(500, 'x'));
  ASSERT_TRUE(h.shard.Refuses());
  EXPECT_THAT(Run("SUNIONSTORE", "to", "a"), StartsWith("-MISCONF"));
  EXPECT_EQ(Run("EXISTS", "to"), ":0\r\n");
  ExpectAllWritten();
}

// A transaction is all or nothing here too: it is refused before any of it has run.
TEST_F(LogRoomTest, ATransactionIsDecidedBeforeItRuns) {
  AddMembers("a", 300);
  FillDisk();
  for (const std::string first : {"x", "y"}) {
    EXPECT_EQ(Run("MULTI"), "+OK\r\n");
    EXPECT_EQ(Run("SET", first, "1"), "+QUEUED\r\n");
    EXPECT_EQ(
        first == "x" ? Run("SUNIONSTORE", "to", "a") : Run("SET", "z", std::string(90'000, 'z')),
        "+QUEUED\r\n");
    EXPECT_THAT(Run("EXEC"), StartsWith("-EXECABORT Transaction discarded because of: MISCONF"));
    EXPECT_EQ(Run("EXISTS", first), ":0\r\n");
  }
  ExpectAllWritten();
  disk_.capacity_bytes = UINT64_MAX;
  h.clock.Advance(1100);
  Run("MULTI");
  Run("SUNIONSTORE", "to", "a");
  EXPECT_EQ(Run("EXEC"), "*1\r\n:300\r\n");
  ExpectAllWritten();
}

// What grows by what the transaction itself has written is no reason to hang.
TEST_F(LogRoomTest, ASurpriseInsideATransactionIsRefusedAlone) {
  AddMembers("a", 40);
  FillDisk();
  Run("MULTI");
  Run("SUNIONSTORE", "b", "a");
  for (int i = 0; i < 3; ++i) Run("SUNIONSTORE", "c" + std::to_string(i), "b");
  const std::string reply = Run("EXEC");
  EXPECT_THAT(reply, StartsWith("*4\r\n:40\r\n"));
  EXPECT_THAT(reply, HasSubstr("-MISCONF"));
  ExpectAllWritten();
}

// A transaction that only reads needs no space.
TEST_F(LogRoomTest, ReadsInATransactionGoOn) {
  FillDisk();
  Run("MULTI");
  for (int i = 0; i < 300; ++i) Run("GET", std::string(100, 'k'));
  EXPECT_THAT(Run("EXEC"), StartsWith("*300\r\n"));
}

}  // namespace
}  // namespace cloakroom
