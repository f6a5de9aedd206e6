#include "store/base/chunk_arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

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

/// As a thread of the server does for it.
void AddTouchedPage(ChunkArena& arena) {
  auto* const page = static_cast<char*>(ChunkArena::MapForHugePage());
  ASSERT_NE(page, nullptr);
  page[0] = 1;
  arena.AddHugePage(page);
}

std::vector<char*> AllocateRegions(ChunkArena& arena, size_t regions) {
  std::vector<char*> chunks;
  for (size_t i = 0; i < regions * kChunks; ++i)
    chunks.push_back(static_cast<char*>(arena.Allocate(Use::kWhole)));
  return chunks;
}

void FreeAll(ChunkArena& arena, const std::vector<char*>& chunks) {
  for (char* chunk : chunks) arena.Free(chunk);
  arena.PurgeAll();
}

// What grows beyond a small process takes the huge page that lies ready, and asks for the next.
TEST(ChunkArenaTest, ALargeProcessGrowsByHugePages) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  int heard = 0;
  arena.OnWantsHugePage([&heard] { ++heard; });
  std::vector<char*> chunks = AllocateRegions(arena, ChunkArena::kSmallRegions - 1);
  EXPECT_FALSE(arena.WantsHugePage()) << "the process is small";
  EXPECT_EQ(heard, 0);
  const auto add = [&](size_t regions) {
    const std::vector<char*> more = AllocateRegions(arena, regions);
    chunks.insert(chunks.end(), more.begin(), more.end());
  };
  add(1);
  EXPECT_TRUE(arena.WantsHugePage());
  EXPECT_EQ(heard, 1);
  add(1);
  EXPECT_EQ(heard, 2) << "there was none, so that region has small pages";
  EXPECT_EQ(arena.huge_regions(), 0U);

  AddTouchedPage(arena);
  EXPECT_FALSE(arena.WantsHugePage());
  add(1);
  EXPECT_EQ(arena.huge_regions(), 1U);
  EXPECT_TRUE(arena.WantsHugePage());
  EXPECT_EQ(heard, 3);
  EXPECT_EQ(chunks.back() - chunks[chunks.size() - kChunks], 31 * ChunkArena::kChunkBytes)
      << "all chunks of the page";
  FreeAll(arena, chunks);
  EXPECT_EQ(arena.free_bytes(), 0U);
  EXPECT_EQ(arena.huge_regions(), 0U);
}

// Of huge pages of which a part was given back only the small pages are left, but each is still a
// mapping of its own.
TEST(ChunkArenaTest, SplitPagesCountAsMappingsToo) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  arena.set_mappings_max(6);
  std::vector<char*> chunks = AllocateRegions(arena, ChunkArena::kSmallRegions);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(arena.WantsHugePage()) << i;
    AddTouchedPage(arena);
    const std::vector<char*> more = AllocateRegions(arena, 1);
    chunks.insert(chunks.end(), more.begin(), more.end());
  }
  EXPECT_FALSE(arena.WantsHugePage());
  for (int i = 0; i < 2; ++i) {
    arena.Free(chunks[chunks.size() - 1]);
    chunks.pop_back();
    arena.Free(chunks[chunks.size() - kChunks]);
    chunks.erase(chunks.end() - kChunks);
  }
  arena.PurgeAll();
  EXPECT_EQ(arena.huge_regions(), 0U);
  EXPECT_FALSE(arena.WantsHugePage());
  while (chunks.size() > ChunkArena::kSmallRegions * kChunks) {
    arena.Free(chunks.back());
    chunks.pop_back();
  }
  arena.PurgeAll();
  EXPECT_TRUE(arena.WantsHugePage()) << "the pages are gone";
  FreeAll(arena, chunks);
}

/// Takes all the mappings that a process may have, until it is destroyed.
class MappingsTaken {
 public:
  MappingsTaken() : at_(mmap(nullptr, kBytes, PROT_READ, kFlags, -1, 0)) {
    for (size_t page = 1; page < kBytes / 4096 && !all_; page += 2)
      all_ = mprotect(static_cast<char*>(at_) + page * 4096, 4096, PROT_NONE) != 0;
  }
  ~MappingsTaken() { munmap(at_, kBytes); }
  MappingsTaken(const MappingsTaken&) = delete;
  MappingsTaken& operator=(const MappingsTaken&) = delete;

  [[nodiscard]] bool all() const { return all_; }

 private:
  static constexpr size_t kBytes = size_t{4096} << 17;
  static constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* at_;
  bool all_ = false;
};

// A server that has come to that limit goes on: what cannot be unmapped is kept and used again.
TEST(ChunkArenaTest, WithoutMappingsLeftItGoesOn) {
  ChunkArena arena;
  if (FromMalloc(arena)) GTEST_SKIP();
  constexpr size_t kRegions = 8;
  std::vector<char*> chunks = AllocateRegions(arena, kRegions);
  const MappingsTaken taken;
  if (!taken.all()) GTEST_SKIP() << "this system allows very many mappings";
  for (int round = 0; round < 3; ++round) {
    std::vector<char*> kept;
    for (size_t i = 0; i < chunks.size(); ++i)
      if (i / kChunks % 2 == 0)
        kept.push_back(chunks[i]);
      else
        arena.Free(chunks[i]);
    arena.PurgeAll();
    EXPECT_EQ(arena.free_bytes(), 0U);
    chunks = kept;
    while (chunks.size() < kRegions * kChunks) {
      chunks.push_back(static_cast<char*>(arena.Allocate(Use::kWhole)));
      std::memset(chunks.back(), round, ChunkArena::kChunkBytes);
    }
  }
  FreeAll(arena, chunks);
  EXPECT_EQ(arena.used_bytes(), 0U);
}

}  // namespace
}  // namespace cloakroom
