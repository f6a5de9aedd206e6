#include "store/uv/uv_huge_pages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

// Where the kernel has huge pages, a table that grows gets them; where it has none, small ones.
// Either way it can be stopped at any time.
TEST(UvHugePagesTest, GrowthTakesWhatLiesReady) {
  ChunkArena& arena = ChunkArena::Get();
  UvLoop loop;
  std::vector<char*> chunks;
  {
    const UvHugePages pages(loop);
    const auto grow = [&](size_t regions) {
      for (size_t i = 0; i < regions * 32; ++i) {
        chunks.push_back(static_cast<char*>(arena.Allocate(ChunkArena::Use::kWhole)));
        std::memset(chunks.back(), static_cast<int>(chunks.size() % 100), ChunkArena::kChunkBytes);
      }
    };
    grow(ChunkArena::kSmallRegions + 2);
    int polls = 0;
    std::unique_ptr<Timer> poll;
    poll = loop.MakeTimer([&] {
      if (!arena.WantsHugePage()) grow(1);
      if (++polls < 50)
        poll->Start(2);
      else
        loop.Stop();
    });
    poll->Start(2);
    loop.Run();
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    ASSERT_EQ(chunks[i][0], static_cast<char>((i + 1) % 100));
    ASSERT_EQ(chunks[i][ChunkArena::kChunkBytes - 1], static_cast<char>((i + 1) % 100));
    arena.Free(chunks[i]);
  }
}

}  // namespace
}  // namespace cloakroom
