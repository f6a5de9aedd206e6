#include "store/uv/uv_huge_pages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

// Where the kernel has huge pages, full regions come to lie on them by and by and keep their bytes;
// where it has none, nothing happens. Either way it can be stopped at any time.
TEST(UvHugePagesTest, RegionsKeepTheirBytes) {
  ChunkArena& arena = ChunkArena::Get();
  UvLoop loop;
  std::vector<char*> chunks;
  {
    const UvHugePages pages(loop);
    const size_t wanted = (ChunkArena::kSmallRegions + 2) * 32;
    while (chunks.size() < wanted) {
      chunks.push_back(static_cast<char*>(arena.Allocate(ChunkArena::Use::kWhole)));
      std::memset(chunks.back(), static_cast<int>(chunks.size() % 100), ChunkArena::kChunkBytes);
    }
    int polls = 0;
    std::unique_ptr<Timer> poll;
    poll = loop.MakeTimer([&] {
      if (++polls < 50 && arena.WantsHugePage())
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
