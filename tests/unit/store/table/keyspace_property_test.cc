#include <gtest/gtest.h>

#include <string>

#include "store/base/hash.h"
#include "store/table/keyspace.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/keyspace_player.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

constexpr uint32_t kDatabases = KeyspacePlayer::kDatabases;

void ExpectAgrees(KeyspacePlayer& player) {
  const Keyspace& keys = player.log.keys;
  player.model.DropDead(player.log.now);
  ASSERT_EQ(DumpKeyspace(keys, player.log.now), player.model.Dump());
  for (uint32_t db = 0; db < kDatabases; ++db) {
    size_t slots = 0;
    for (uint32_t slot = 0; slot < kSlotCount; ++slot) slots += keys.SlotSize(db, slot);
    ASSERT_EQ(slots, keys.Size(db));
    ASSERT_GE(keys.Size(db), player.model.databases[db].size());
    for (const auto& [key, unused] : player.model.databases[db])
      ASSERT_NE(keys.Find(db, keys.Ref(key), player.log.now), nullptr);
  }
}

class KeyspacePropertyTest : public testing::TestWithParam<uint64_t> {};

// Any ops in any order, sweeps in between: the keyspace holds what a plain map holds.
TEST_P(KeyspacePropertyTest, AgreesWithAPlainMap) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  KeyspacePlayer player(GetParam());
  SeededRandom sweeps(GetParam() + 1);
  for (int step = 1; step <= 6000; ++step) {
    player.Step();
    if (sweeps.Below(5) == 0) player.log.keys.Sweep(player.log.now, sweeps.Below(100));
    if (step % 100 == 0) {
      ASSERT_NO_FATAL_FAILURE(ExpectAgrees(player)) << "step " << step;
    }
  }
  while (!player.log.keys.Sweep(player.log.now, 1000)) {
  }
  ASSERT_NO_FATAL_FAILURE(ExpectAgrees(player));
  for (uint32_t db = 0; db < kDatabases; ++db)
    EXPECT_EQ(player.log.keys.Size(db), player.model.databases[db].size()) << "the dead are gone";
}

// The log decides: who applies the same records ends equal, whatever the seed, the limits, the
// sweeps, and whether the positions came with them.
TEST_P(KeyspacePropertyTest, TheSameLogMakesTheSameState) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  KeyspacePlayer player(GetParam());
  for (int step = 0; step < 3000; ++step) player.Step();
  Keyspace replica(kDatabases, 12345);
  SeededRandom sweeps(GetParam());
  for (const KeyspaceLog::Record& record : player.log.records) {
    replica.Apply(record.header, record.ops);
    if (sweeps.Below(3) == 0) replica.Sweep(record.header.time_ms, sweeps.Below(1000));
  }
  EXPECT_EQ(DumpKeyspace(replica, player.log.now), DumpKeyspace(player.log.keys, player.log.now));
}

INSTANTIATE_TEST_SUITE_P(Seeds, KeyspacePropertyTest,
                         testing::Range<uint64_t>(1, 1 + SeedCount(6)));

}  // namespace
}  // namespace cloakroom
