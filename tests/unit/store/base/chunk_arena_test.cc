#include "store/base/chunk_arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace cloakroom {
namespace {

constexpr size_t kChunks = ChunkArena::kRegionBytes / ChunkArena::kChunkBytes;
using Use = ChunkArena::Use;

// A build with a sanitizer has its chunks from malloc, and no regions.
bool FromMalloc(ChunkArena& arena) {
  void* const chunk = arena.Allocate(Use::kWhole);
  const bool from_malloc = arena.used_bytes_beside_malloc() == 0;
  arena.Free(chunk);
  arena.PurgeAll();
  return from_malloc;
}

// Chunks are aligned, apart from each other, and keep what is written to them while others come, go
// and are given back.
TEST(ChunkArenaTest, ChunksAreApart) {
  ChunkArena arena;
  std::mt19937_64 random(20241101);
  struct Held {
    unsigned char* at;
    int fill;
  };
  std::vector<Held> held;
  const auto intact = [](const Held& h) {
    return h.at[0] == h.fill && h.at[5000] == h.fill && h.at[ChunkArena::kChunkBytes - 1] == h.fill;
  };
  for (int step = 0; step < 4000; ++step) {
    const bool grow = step < 1500 || (step > 2500 && step < 3000);
    if (held.empty() || random() % 100 < (grow ? 60 : 40)) {
      auto* at =
          static_cast<unsigned char*>(arena.Allocate(random() % 4 == 0 ? Use::kCut : Use::kWhole));
      ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % ChunkArena::kChunkBytes, 0U);
      held.push_back({at, step % 251});
      std::memset(at, held.back().fill, ChunkArena::kChunkBytes);
    } else {
      const size_t i = random() % held.size();
      ASSERT_TRUE(intact(held[i]));
      arena.Free(held[i].at);
      held[i] = held.back();
      held.pop_back();
    }
    if (step % 50 == 0) (void)arena.Purge(100);
    ASSERT_EQ(arena.used_bytes(), held.size() * ChunkArena::kChunkBytes);
  }
  for (const Held& h : held) {
    ASSERT_TRUE(intact(h));
    arena.Free(h.at);
  }
  arena.PurgeAll();
  EXPECT_EQ(arena.used_bytes(), 0U);
  EXPECT_EQ(arena.free_bytes(), 0U);
}

// What is free is a small share soon, without a slice giving back more than it may.
TEST(ChunkArenaTest, PurgesInSlices) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  std::vector<void*> chunks;
  for (size_t i = 0; i < 8 * kChunks; ++i) chunks.push_back(arena.Allocate(Use::kWhole));
  for (size_t i = 0; i < chunks.size(); ++i)
    if (i % 2 == 0) arena.Free(chunks[i]);
  ASSERT_TRUE(arena.PurgeWaits());
  const size_t before = arena.free_bytes();
  EXPECT_EQ(arena.Purge(64), 0U);
  EXPECT_EQ(arena.free_bytes(), before - (256 << 10)) << "64 pages of 4 KiB";
  while (arena.PurgeWaits()) (void)arena.Purge(64);
  EXPECT_LE(arena.free_bytes(), before / 8 + (512 << 10));
  for (size_t i = 1; i < chunks.size(); i += 2) arena.Free(chunks[i]);
}

// To unmap a region of small pages takes as long as to give its chunks back: so no call of Free
// does that, and no slice of Purge does more because a whole region is free.
TEST(ChunkArenaTest, WholeRegionsGoInSlicesToo) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  constexpr size_t kRegions = 4;
  std::vector<void*> chunks;
  for (size_t i = 0; i < kRegions * kChunks; ++i) chunks.push_back(arena.Allocate(Use::kWhole));
  for (void* chunk : chunks) arena.Free(chunk);
  EXPECT_EQ(arena.free_bytes(), kRegions * ChunkArena::kRegionBytes);
  size_t slices = 0;
  for (; arena.PurgeWaits(); ++slices) {
    const size_t before = arena.free_bytes();
    (void)arena.Purge(32);
    ASSERT_LE(before - arena.free_bytes(), 2 * ChunkArena::kChunkBytes);
  }
  EXPECT_GE(slices, (kRegions * kChunks - 8) / 2);
}

// New chunks fill the fullest region, so a table that shrinks leaves whole regions behind.
TEST(ChunkArenaTest, FillsTheFullestRegion) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  std::vector<void*> chunks;
  for (size_t i = 0; i < 2 * kChunks; ++i) chunks.push_back(arena.Allocate(Use::kWhole));
  for (size_t i = 0; i < kChunks - 1; ++i) arena.Free(chunks[i]);  // of the first all but one
  arena.Free(chunks[kChunks]);                                     // of the second one
  EXPECT_EQ(arena.Allocate(Use::kWhole), chunks[kChunks]);
  arena.Free(chunks[kChunks - 1]);
  for (size_t i = kChunks; i < 2 * kChunks; ++i) arena.Free(chunks[i]);
}

// A region is replaced under the feet of its users: no address and no byte may change. Only full
// regions are, and only where there are many.
TEST(ChunkArenaTest, PutsFullRegionsOnHugePages) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  int heard = 0;
  arena.OnWantsHugePage([&heard] { ++heard; });
  std::vector<char*> chunks;
  const auto add = [&] {
    chunks.push_back(static_cast<char*>(arena.Allocate(Use::kWhole)));
    std::memset(chunks.back(), static_cast<int>(chunks.size() % 100), ChunkArena::kChunkBytes);
  };
  for (size_t i = 0; i < ChunkArena::kSmallRegions * kChunks; ++i) add();
  EXPECT_FALSE(arena.WantsHugePage()) << "the process is small";
  for (size_t i = 0; i < kChunks; ++i) add();
  EXPECT_TRUE(arena.WantsHugePage());
  EXPECT_EQ(heard, 1);

  arena.Free(chunks.back());  // one is no longer full
  chunks.pop_back();
  size_t put = 0;
  for (; arena.WantsHugePage(); ++put) {
    auto* const page = static_cast<char*>(ChunkArena::MapForHugePage());
    page[0] = 1;
    arena.PutOnHugePage(page);
  }
  EXPECT_GE(put, ChunkArena::kSmallRegions);
  EXPECT_LE(put, ChunkArena::kSmallRegions + 1);
  for (size_t i = 0; i < chunks.size(); ++i) {
    ASSERT_EQ(chunks[i][0], static_cast<char>((i + 1) % 100));
    ASSERT_EQ(chunks[i][ChunkArena::kChunkBytes - 1], static_cast<char>((i + 1) % 100));
  }
  for (char* chunk : chunks) arena.Free(chunk);
  arena.PurgeAll();
  EXPECT_EQ(arena.free_bytes(), 0U);
}

}  // namespace
}  // namespace cloakroom
