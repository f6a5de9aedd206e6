#include "store/table/table.h"

#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "table_fixture.h"
#include "tests/support/seeded_random.h"

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
    for (const size_t value_size : {0, 1, 176, 1100, 100000}) {
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

struct Skew {
  const char* name;
  Position (*locate)(const void*, std::string_view);
  int keys;
};

class TableModelTest : public TableFixture, public ::testing::WithParamInterface<Skew> {};

// Whatever the keys' positions are, the table is a map.
TEST_P(TableModelTest, IsAMap) {
  const uint64_t seed = 20240601;
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

}  // namespace
}  // namespace cloakroom
