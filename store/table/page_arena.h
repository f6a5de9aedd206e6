#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cloakroom {

/// Pages of 4, 16 or 64 KiB for slabs, from the process's ChunkArena. From an address within a page
/// the page is found, so a pointer to a block needs not say what page it lies on.
///
///   chunk, whole   | head (8) | page                                                  |
///   chunk, cut     | head (32) | page 0 | page 1 | ...             pages of 4 or 16 KiB, aligned
///
/// One for the process; not for use by several threads.
class PageArena {
 public:
  static constexpr std::array<size_t, 3> kSpans = {4 << 10, 16 << 10, 64 << 10};

  /// `at` is aligned to 8. `bytes` is a little below the span where a chunk's head takes room.
  struct Page {
    char* at = nullptr;
    size_t bytes = 0;
  };

  static PageArena& Get();

  /// A page of kSpans[span]; its contents are undefined. O(1).
  [[nodiscard]] Page Allocate(size_t span);
  /// Frees the page that begins at `at`. O(1), and for a part of a chunk a call of the kernel.
  void Free(char* at);
  /// Where the page begins that `inside` lies in. O(1), reads the chunk's first line.
  [[nodiscard]] static char* Find(const void* inside);

 private:
  struct Head;

  [[nodiscard]] Head* NewCutChunk(size_t span);
  void Link(Head* chunk);
  void Unlink(Head* chunk);

  std::array<Head*, 2> with_room_{};  // cut chunks by span, those that have a free page
};

}  // namespace cloakroom
