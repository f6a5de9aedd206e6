#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "store/table/slab_heap.h"
#include "table_fixture.h"

namespace cloakroom {
namespace {

// Blocks must not overlap, be aligned, and keep what is written to them.
TEST(SlabHeapTest, BlocksAreApart) {
  SlabHeap heap;
  std::mt19937_64 random(20240605);
  struct Held {
    Block block;
    size_t bytes;
    char fill;
  };
  std::vector<Held> held;
  const auto check = [](const Held& h) {
    const auto* bytes = static_cast<const char*>(h.block.at);
    for (size_t i = 0; i < h.bytes; ++i) ASSERT_EQ(bytes[i], h.fill);
  };
  size_t live = 0;
  for (int step = 0; step < 200000; ++step) {
    if (held.empty() || random() % 100 < (step < 100000 ? 60 : 45)) {
      Held h{{}, 16 + random() % (random() % 50 == 0 ? 5000 : 2033), 'x'};
      h.fill = static_cast<char>('a' + step % 26);
      h.block = heap.Allocate(h.bytes);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(h.block.at) % 4, 0U);
      ASSERT_GE(SlabHeap::Capacity(h.block), h.bytes);
      std::memset(h.block.at, h.fill, h.bytes);
      live += h.bytes;
      held.push_back(h);
    } else {
      const size_t i = random() % held.size();
      check(held[i]);
      if (random() % 2 == 0) {
        const size_t bytes = 16 + random() % 3000;
        const size_t kept = std::min(bytes, held[i].bytes);
        held[i].block = heap.Resize(held[i].block, kept, bytes);
        for (size_t k = 0; k < kept; ++k)
          ASSERT_EQ(static_cast<const char*>(held[i].block.at)[k], held[i].fill);
        std::memset(held[i].block.at, held[i].fill, bytes);
        live += bytes - held[i].bytes;
        held[i].bytes = bytes;
      } else {
        live -= held[i].bytes;
        heap.Free(held[i].block);
        held[i] = held.back();
        held.pop_back();
      }
    }
    ASSERT_GE(heap.slab_used_bytes() + heap.own_bytes(), live);
    ASSERT_GE(heap.page_bytes(), heap.slab_used_bytes());
  }
  for (const Held& h : held) {
    check(h);
    heap.Free(h.block);
  }
  EXPECT_EQ(heap.slab_used_bytes(), 0U);
  EXPECT_EQ(heap.own_bytes(), 0U);
  EXPECT_EQ(heap.page_bytes(), 0U) << "empty pages go back";
}

class SlabTest : public TableFixture {};

// A large hash is a table of its own; there may be many with two hundred short fields.
TEST_F(SlabTest, SmallTablesHoldNoEmptyPages) {
  Use(ByHash);
  for (int i = 0; i < 200; ++i) Put("field:" + std::to_string(i), std::string(i % 60, 'v'));
  const Table::Memory memory = table->memory();
  EXPECT_LT(memory.Total() - (64U << 10), memory.block_bytes + 8000)
      << "but for the slot counts, which the inside of a collection does not keep";
}

// Position bits that lead to a segment must not choose the bucket as well: all keys of a segment
// would meet in one, and each segment would hold but a few.
TEST_F(SlabTest, TheIndexOfALargeCollectionIsDense) {
  constexpr int kKeys = 200'000;
  for (const Locate locate : {ByHash, BySlot}) {
    Use(locate);
    for (int i = 0; i < kKeys; ++i) Put("field:" + std::to_string(i), "");
    EXPECT_LT(table->memory().index_bytes, kKeys * 20U);
  }
}

// Half die at once, here and there: what the others need is little more than before.
TEST_F(SlabTest, TheLivingAreGathered) {
  constexpr int kKeys = 100'000;
  for (int i = 0; i < kKeys; ++i) Put("key:" + std::to_string(i), std::string(150, 'v'));
  const size_t index = table->memory().index_bytes;
  for (int i = 0; i < kKeys; i += 2) Drop("key:" + std::to_string(i));
  CompactAll();
  const Table::Memory memory = table->memory();
  EXPECT_LE(static_cast<double>(memory.slab_bytes), 1.07 * static_cast<double>(memory.block_bytes));
  EXPECT_LE(memory.index_bytes, index * 3 / 4);
}

// To pack blocks that come and go as dense as blocks that stay would take twice the moves.
TEST_F(SlabTest, WhatStandsStillIsPackedDenser) {
  constexpr int kKeys = 100'000;
  for (int i = 0; i < kKeys; ++i) Put("key:" + std::to_string(i), std::string(150, 'v'));
  const auto drop = [&](int from, int to) {
    for (int i = from; i < to; ++i) Drop("key:" + std::to_string(i * 11 % kKeys));
  };
  const auto slack = [&] {
    const Table::Memory memory = table->memory();
    return static_cast<double>(memory.slab_bytes) / static_cast<double>(memory.block_bytes) - 1;
  };
  drop(0, kKeys / 12);
  CompactAll();
  EXPECT_GT(slack(), 0.07) << "below a tenth nothing is moved";
  table->PackStill();
  CompactAll();
  EXPECT_GT(slack(), 0.07) << "there were changes lately";
  table->PackStill();
  CompactAll();
  EXPECT_LT(slack(), 0.06);
}

// Replaced by values of new sizes over and over, the pages must stay full after compaction.
TEST_F(SlabTest, CompactionFillsPages) {
  std::mt19937_64 random(20240606);
  constexpr int kKeys = 60000;
  const auto value = [&] { return std::string(random() % 400, 'v'); };
  for (int i = 0; i < kKeys; ++i) Put("key:" + std::to_string(i), value());
  for (int i = 0; i < kKeys * 4; ++i) {
    Put("key:" + std::to_string(random() % kKeys), value());
    if (i % 100 == 0) table->Compact(16);
  }
  CompactAll();
  const Table::Memory memory = table->memory();
  EXPECT_LE(static_cast<double>(memory.slab_bytes) / static_cast<double>(memory.block_bytes), 1.15);
}

// What malloc alone cannot do: the memory of the dead comes back although the living are scattered.
TEST_F(SlabTest, MemoryComesBackAroundSurvivors) {
  constexpr int kKeys = 100000;
  for (int i = 0; i < kKeys; ++i) Put("key:" + std::to_string(i), std::string(i % 300, 'v'));
  const size_t full = table->memory().Total();
  std::mt19937_64 random(20240607);
  std::set<int> survivors;
  for (int i = 0; i < kKeys; ++i) {
    if (random() % 20 == 0)
      survivors.insert(i);
    else
      Drop("key:" + std::to_string(i));
  }
  CompactAll();
  const Table::Memory memory = table->memory();
  EXPECT_LT(memory.Total() - (64U << 10), full / 10);
  EXPECT_LE(static_cast<double>(memory.slab_bytes),
            1.25 * static_cast<double>(memory.block_bytes) + 64 * 4096);
  for (const int i : survivors) {
    const Entry* entry = table->Find(Ref("key:" + std::to_string(i)));
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(entry->value(), std::string(static_cast<size_t>(i % 300), 'v'));
  }
}

// APPEND takes a value through all ways to hold it, and must not lose a byte.
TEST_F(SlabTest, GrowingValuesKeepTheirBytes) {
  Entry* entry = Put("key", "");
  std::string model;
  for (int i = 0; i < 20000; ++i) {
    const size_t old = model.size();
    model += std::to_string(i);
    entry = table->Resize(Ref("key"), entry, model.size());
    std::memcpy(entry->value_data() + old, model.data() + old, model.size() - old);
  }
  EXPECT_EQ(table->Find(Ref("key"))->value(), model);
  entry = table->Resize(Ref("key"), entry, 3);
  EXPECT_EQ(table->Find(Ref("key"))->value(), model.substr(0, 3));
  EXPECT_LT(table->memory().block_bytes, 1000U);
}

}  // namespace
}  // namespace cloakroom
