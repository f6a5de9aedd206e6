#include "store/table/table.h"

#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "table_fixture.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

class TableTest : public TableFixture {};

// A database nobody uses must cost almost nothing: there are sixteen.
TEST_F(TableTest, EmptyCostsAlmostNothing) {
  EXPECT_LT(table->memory().Total(), 1024U);
  EXPECT_EQ(table->Find(Ref("a")), nullptr);
  EXPECT_EQ(table->Scan(0, [](Entry&) { FAIL(); }), 0U);
  EXPECT_EQ(table->NextDue(), kNoDeadline);
  EXPECT_EQ(table->SlotSize(0), 0U);
  SeededRandom random(1);
  EXPECT_EQ(table->Pick(random), nullptr);
  EXPECT_TRUE(table->Compact(10));
}

// The sizes at which the entry's layout changes, and values of no bytes.
TEST_F(TableTest, KeepsKeysAndValuesOfAllSizes) {
  std::mt19937 random(7);
  for (const size_t key_size : {0, 1, 37, 254, 255, 256, 1000, 70000})
    for (const size_t value_size : {0, 1, 176, 1100, 65535, 65536, 100000}) {
      const std::string key(key_size, 'k');
      const std::string value(value_size, static_cast<char>('a' + value_size % 26));
      const Entry* entry = Put(key, value);
      EXPECT_EQ(entry->key(), key);
      EXPECT_EQ(table->Find(Ref(key))->value(), value);
    }
  EXPECT_EQ(table->size(), 8U);
  for (const size_t key_size : {0, 1, 37, 254, 255, 256, 1000, 70000})
    EXPECT_TRUE(Drop(std::string(key_size, 'k')));
  EXPECT_EQ(table->memory().block_bytes, 0U);
}

// A value that outgrows two bytes of size gets a longer header; nothing else may change, and what
// shrinks again is read as before.
TEST_F(TableTest, KeepsTheEntryAcrossTheLongForm) {
  Entry* entry = Put("key", std::string(100, 'a'));
  entry->set_type(ValueType::kHash, Encoding::kRaw);
  entry->set_clock(0xABCDEF);
  table->SetDeadline(Ref("key"), entry, 5000);
  for (const size_t size : {65534, 65535, 65536, 65535, 1 << 20, 100, 0, 70000}) {
    const std::string old(entry->value());
    entry = table->Resize(Ref("key"), entry, size);
    ASSERT_EQ(entry->value_size(), size);
    const size_t kept = std::min(old.size(), size);
    ASSERT_EQ(entry->value().substr(0, kept), old.substr(0, kept));
    std::fill_n(entry->value_data(), size, 'b');
    ASSERT_EQ(table->Find(Ref("key")), entry);
    ASSERT_EQ(entry->type(), ValueType::kHash);
    ASSERT_EQ(entry->encoding(), Encoding::kRaw);
    ASSERT_EQ(entry->clock(), 0xABCDEFU);
    ASSERT_EQ(entry->deadline(), 5000);
    ASSERT_TRUE(entry->armed());
  }
}

struct Skew {
  const char* name;
  Position (*locate)(const void*, std::string_view);
  int keys;
};

class TableModelTest : public TableFixture, public ::testing::WithParamInterface<Skew> {
 protected:
  void BehavesAsAMap(uint64_t seed);
  void ScansWhatStays(uint64_t seed);
};

void TableModelTest::BehavesAsAMap(uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Use(GetParam().locate);
  std::mt19937_64 random(seed);
  std::unordered_map<std::string, std::string> model;
  std::map<uint32_t, uint32_t> slots;
  for (int step = 0; step < GetParam().keys * 10; ++step) {
    // Grows in the first half, shrinks in the second.
    const bool grows = step < GetParam().keys * 5;
    const std::string key =
        "key:" + std::to_string(random() % static_cast<uint64_t>(GetParam().keys));
    const uint32_t slot = Ref(key).position.slot;
    if (random() % 10 < (grows ? 7 : 3)) {
      const std::string value(random() % 8 == 0 ? random() % 3000 : random() % 200,
                              static_cast<char>('a' + step % 26));
      if (!model.contains(key)) ++slots[slot];
      model[key] = value;
      Put(key, value);
    } else {
      const bool had = model.erase(key) > 0;
      if (had) --slots[slot];
      ASSERT_EQ(Drop(key), had);
    }
    if (step % 64 == 0) table->Compact(random() % 100);
    const std::string probe =
        "key:" + std::to_string(random() % static_cast<uint64_t>(GetParam().keys));
    const Entry* entry = table->Find(Ref(probe));
    ASSERT_EQ(entry != nullptr, model.contains(probe));
    if (entry != nullptr) {
      ASSERT_EQ(entry->value(), model[probe]);
    }
    ASSERT_EQ(table->size(), model.size());
  }
  CompactAll();
  size_t bytes = 0;
  for (const auto& [key, value] : model) {
    ASSERT_NE(table->Find(Ref(key)), nullptr);
    ASSERT_EQ(table->Find(Ref(key))->value(), value);
    bytes += Entry::BlockBytes(key.size(), value.size());
  }
  for (const auto& [slot, count] : slots) ASSERT_EQ(table->SlotSize(slot), count);
  EXPECT_GE(table->memory().block_bytes, bytes);
  for (const auto& [key, value] : model) ASSERT_TRUE(Drop(key));
  CompactAll();
  EXPECT_EQ(table->size(), 0U);
  EXPECT_EQ(table->memory().block_bytes, 0U);
  EXPECT_EQ(table->memory().slab_bytes, 0U);
  EXPECT_LT(table->memory().index_bytes, (64U << 10) + 20000) << "slot counts, and little else";
}

INSTANTIATE_TEST_SUITE_P(Skews, TableModelTest,
                         ::testing::Values(Skew{"BySlot", TableModelTest::BySlot, 20000},
                                           Skew{"ByHash", TableModelTest::ByHash, 20000},
                                           Skew{"OneSlot", TableModelTest::OneSlot, 20000},
                                           Skew{"OnePrefix", TableModelTest::OnePrefix, 5000},
                                           Skew{"OnePlace", TableModelTest::OnePlace, 500}),
                         [](const auto& skew) { return skew.param.name; });

// Whatever the keys' positions are, the table is a map.
TEST_P(TableModelTest, IsAMap) {
  for (uint64_t seed = 1; seed <= SeedCount(1) && !HasFatalFailure(); ++seed) BehavesAsAMap(seed);
}

void TableModelTest::ScansWhatStays(uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 6; ++round) {
    Use(GetParam().locate);
    const int stay = GetParam().keys / 10;
    const int others = GetParam().keys;
    std::set<std::string> unseen;
    for (int i = 0; i < stay; ++i) unseen.insert("stay:" + std::to_string(i));
    for (const std::string& key : unseen) Put(key, "v");
    // In even rounds the table grows tenfold during the scan, in odd ones it shrinks and merges.
    if (round % 2 == 1)
      for (int i = 0; i < others; ++i) Put("other:" + std::to_string(i), "v");
    int next = 0;
    size_t calls = 0;
    uint64_t cursor = 0;
    do {
      cursor = table->Scan(cursor, [&](Entry& e) { unseen.erase(std::string(e.key())); });
      ASSERT_LT(cursor, uint64_t{1} << 53) << "clients read cursors as doubles";
      ASSERT_LT(++calls, 2000000U);
      for (uint64_t i = random() % 40; i > 0 && next < others; --i, ++next) {
        const std::string key = "other:" + std::to_string(next);
        if (round % 2 == 0)
          Put(key, "v");
        else
          Drop(key);
      }
      if (round % 2 == 1 && calls % 16 == 0) table->Compact(2000);
    } while (cursor != 0);
    ASSERT_TRUE(unseen.empty()) << unseen.size() << " unseen, round " << round;
  }
}

// What SCAN promises: an entry that stays is visited, whatever else comes and goes in between.
TEST_P(TableModelTest, ScanVisitsWhatStays) {
  for (uint64_t seed = 1; seed <= SeedCount(1) && !HasFatalFailure(); ++seed) ScansWhatStays(seed);
}

// A still table is visited exactly once, slot by slot or as a whole.
TEST_P(TableModelTest, ScanOfAStillTableVisitsOnce) {
  Use(GetParam().locate);
  std::map<uint32_t, std::set<std::string>> slots;
  for (int i = 0; i < GetParam().keys; ++i) {
    const std::string key = "key:" + std::to_string(i);
    Put(key, "v");
    slots[Ref(key).position.slot].insert(key);
  }
  std::multiset<std::string> seen;
  uint64_t cursor = 0;
  do {
    cursor = table->Scan(cursor, [&](Entry& e) { seen.insert(std::string(e.key())); });
  } while (cursor != 0);
  EXPECT_EQ(seen.size(), table->size());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), table->size());

  int checked = 0;
  for (const auto& [slot, keys] : slots) {
    if (++checked > 500) break;
    seen.clear();
    do {
      cursor = table->ScanSlot(slot, cursor, [&](Entry& e) { seen.insert(std::string(e.key())); });
      ASSERT_LT(cursor, uint64_t{1} << 53);
    } while (cursor != 0);
    ASSERT_EQ(seen, std::multiset<std::string>(keys.begin(), keys.end())) << "slot " << slot;
  }
}

// Cursors come from outside: any number must lead to an end, in steps that stay small.
TEST_P(TableModelTest, HostileCursorsComeToAnEnd) {
  Use(GetParam().locate);
  for (int i = 0; i < GetParam().keys; ++i) Put("key:" + std::to_string(i), "v");
  std::mt19937_64 random(20240603);
  for (int round = 0; round < 3000; ++round) {
    uint64_t cursor = random() >> (random() % 64);
    for (int step = 0; step < 20; ++step) {
      size_t visited = 0;
      cursor = table->Scan(cursor, [&](Entry&) { ++visited; });
      ASSERT_LT(cursor, uint64_t{1} << 53);
      ASSERT_TRUE(visited <= 30 || GetParam().locate == OnePlace || GetParam().locate == OnePrefix)
          << "one call must not visit much more than a bucket";
      if (cursor == 0) break;
    }
    uint64_t in_slot = random() >> (random() % 64);
    for (int step = 0; step < 20; ++step) {
      in_slot = table->ScanSlot(4711, in_slot, [&](Entry&) {});
      if (in_slot == 0) break;
    }
  }
  // From anywhere to the end: the ranges widen again.
  uint64_t cursor = (uint64_t{1} << 52) + 12345 * 4096 + 17;
  size_t calls = 0;
  while (cursor != 0) {
    cursor = table->Scan(cursor, [](Entry&) {});
    ASSERT_LT(++calls, 100000U);
  }
}

// Eviction and RANDOMKEY need every entry to have its chance, nearly the same one.
TEST_P(TableModelTest, PickIsNearlyUniform) {
  Use(GetParam().locate);
  constexpr int kKeys = 400;
  for (int i = 0; i < kKeys; ++i) Put(std::to_string(i), "v");
  SeededRandom random(20240604);
  std::map<std::string, int> picked;
  constexpr int kDraws = kKeys * 200;
  for (int i = 0; i < kDraws; ++i) ++picked[std::string(table->Pick(random)->key())];
  EXPECT_EQ(picked.size(), size_t{kKeys});
  if (GetParam().locate == OnePlace) return;  // a chain of hardly filled segments
  for (const auto& [key, count] : picked) {
    EXPECT_GT(count, 50) << key;
    EXPECT_LT(count, 600) << key;
  }
}

TEST_F(TableTest, PickFindsTheLastOne) {
  for (int i = 0; i < 50000; ++i) Put(std::to_string(i), "v");
  for (int i = 0; i < 50000; ++i)
    if (i != 31337) Drop(std::to_string(i));
  SeededRandom random(1);
  ASSERT_NE(table->Pick(random), nullptr);
  EXPECT_EQ(table->Pick(random)->key(), "31337");
}

// A table that was set aside is freed in slices, each entry handed over once.
TEST_P(TableModelTest, DrainHandsOverEachEntryOnce) {
  Use(GetParam().locate);
  std::set<std::string> left;
  for (int i = 0; i < GetParam().keys; ++i) {
    const std::string key = "key:" + std::to_string(i);
    Entry* entry = Put(key, std::string(i % 100 == 0 ? 5000 : 10, 'v'));
    if (i % 2 == 0) table->SetDeadline(Ref(key), entry, 1'700'000'000'000 + i);
    left.insert(key);
  }
  size_t handed = 0;
  for (int calls = 0;; ++calls) {
    ASSERT_LT(calls, 100000);
    size_t in_call = 0;
    const bool empty = table->Drain(100, [&](Entry* entry) {
      ++in_call;
      ASSERT_EQ(left.erase(std::string(entry->key())), 1U);
    });
    handed += in_call;
    ASSERT_LE(in_call, 100U);
    ASSERT_EQ(empty, left.empty());
    // What is left is still there, for who scans a table that is being freed.
    if (!left.empty()) {
      ASSERT_NE(table->Find(Ref(*left.begin())), nullptr);
    }
    if (empty) break;
  }
  EXPECT_EQ(handed, static_cast<size_t>(GetParam().keys));
  EXPECT_EQ(table->size(), 0U);
  EXPECT_EQ(table->WithDeadline(), 0U);
  EXPECT_EQ(table->memory().block_bytes, 0U);
}

// A hot slot must cost the same per entry as many cool ones, and not inflate the rest.
TEST_F(TableTest, IndexCostsFewBytesAnEntry) {
  for (const auto locate : {BySlot, OneSlot, ByHash}) {
    Use(locate);
    constexpr int kKeys = 100000;
    for (int i = 0; i < kKeys; ++i) Put(std::to_string(i), "");
    const size_t index = table->memory().index_bytes - kSlotCount * 4;
    EXPECT_LT(index / kKeys, 18U);
    EXPECT_GT(index / kKeys, 7U);
  }
}

// Prefetching is a hint for any position, there or not.
TEST_F(TableTest, PrefetchIsHarmless) {
  table->PrefetchBucket(Ref("a").position);
  table->PrefetchEntry(Ref("a").position);
  Put("a", "1");
  table->PrefetchBucket(Ref("a").position);
  table->PrefetchEntry(Ref("a").position);
  EXPECT_EQ(table->Find(Ref("a"))->value(), "1");
}

}  // namespace
}  // namespace cloakroom
