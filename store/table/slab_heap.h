#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/table/page_arena.h"
#include "store/table/slow_free.h"

namespace cloakroom {

/// How a block was got. Stored in the lowest bit of the pointer to it.
enum class BlockKind : uint8_t {
  kOwn = 0,   // from malloc, alone
  kPage = 1,  // from a page of the slabs
};

struct Block {
  void* at = nullptr;
  BlockKind kind = BlockKind::kOwn;
};

/// The blocks of one table, in steps of 4 bytes (8 from 512 on, 16 from 1 KiB on) up to
/// kSlabBytesMax, on pages of 4 to 64 KiB from the PageArena. Larger ones are malloc's own, and so
/// are the first few of every size, for a small table must not hold pages that it does not fill.
///
///   page
///   +--------+---------+---------+------+---------+--------------+
///   | header | block 0 | block 1 | free | block 3 | never used   |
///   +--------+---------+---------+------+---------+--------------+
///     48 B                         next free block (u16), ..., byte 6 = 0xFF
///
/// Blocks hold entries, whose byte 6 (type and encoding) is never 0xFF: so a page can be walked.
/// New blocks go to the fullest page of their class; pages that fall below are evacuated by the
/// owner through NextToMove, and go back to the arena as they empty.
class SlabHeap {
 public:
  static constexpr size_t kSlabBytesMax = 2048;

  SlabHeap() = default;
  /// Frees the pages. Blocks of kOwn must have been freed before.
  ~SlabHeap();
  SlabHeap(const SlabHeap&) = delete;
  SlabHeap& operator=(const SlabHeap&) = delete;

  /// A block of at least `bytes`, aligned to 4. Its contents are undefined, but while it is in use
  /// byte 6 must not be 0xFF. Precondition: bytes >= 8.
  [[nodiscard]] Block Allocate(size_t bytes);
  void Free(Block block);
  /// Makes `block`, of which the first `used` bytes matter, hold `bytes`. It may move.
  [[nodiscard]] Block Resize(Block block, size_t used, size_t bytes);
  /// The size of the block that would hold `bytes`, were it on a page.
  [[nodiscard]] static constexpr size_t RoundUp(size_t bytes) { return BlockBytes(ClassOf(bytes)); }
  /// How many bytes `block` can hold. O(1).
  [[nodiscard]] static size_t Capacity(Block block);

  /// The next block to move so that a sparse page empties: the caller allocates another of its
  /// size, copies, and frees this one, before it does anything else here. nullptr when no class is
  /// sparse.
  [[nodiscard]] Block NextToMove();
  [[nodiscard]] bool Sparse() const { return evacuated_ != nullptr || sparse_count_ != 0; }

  /// To be called some ten times a second. Sizes of which hardly a block was freed since the last
  /// call are packed denser from now on: that pays, for it is done once. O(sizes in use).
  void PackStill();

  /// From now on huge blocks are put off when they are freed; the owner must call FreeSlowly.
  void PutOffHugeBlocks() { puts_off_ = true; }
  /// Gives back about `budget` pages of huge blocks; returns what is left of `budget`.
  size_t FreeSlowly(size_t budget);
  [[nodiscard]] bool FreesSlowly() const { return !slow_.empty(); }
  /// Bytes of huge blocks that were freed and not yet given back.
  [[nodiscard]] size_t slow_bytes() const { return slow_.bytes(); }

  [[nodiscard]] size_t page_bytes() const { return page_bytes_; }            // all pages
  [[nodiscard]] size_t slab_used_bytes() const { return slab_used_bytes_; }  // blocks on pages
  [[nodiscard]] size_t own_bytes() const { return own_bytes_; }  // blocks of kOwn, the put-off too
  [[nodiscard]] size_t own_blocks() const { return own_blocks_; }
  /// The heap's own bookkeeping.
  [[nodiscard]] size_t overhead_bytes() const {
    return classes_ ? sizeof(Classes) + classes_->count * sizeof(Class) : 0;
  }

 private:
  // Size classes: 0 to 127 in steps of 4 bytes, to 191 of 8, to 255 of 16.
  static constexpr size_t ClassOf(size_t bytes) {
    if (bytes <= 512) return (bytes + 3) / 4 - 1;
    return bytes <= 1024 ? 128 + (bytes - 505) / 8 - 1 : 192 + (bytes - 1009) / 16 - 1;
  }
  static constexpr size_t BlockBytes(size_t size_class) {
    if (size_class < 128) return (size_class + 1) * 4;
    return size_class < 192 ? 512 + (size_class - 127) * 8 : 1024 + (size_class - 191) * 16;
  }
  static constexpr size_t kClassCount = 256;
  // A table with less than this in blocks has none on pages.
  static constexpr size_t kSmallHeapBytes = 48 << 10;
  // Then, of each class the first so many bytes are still malloc's own.
  static constexpr uint32_t kSmallClassBytes = 3 << 10;
  static constexpr uint32_t kBins = 8;  // pages by how full they are: n/8 up to (n+1)/8
  static constexpr uint32_t kFullBin = kBins;

  struct Page;
  struct Class {
    Page* bins[kBins + 1] = {};
    uint32_t block_bytes = 0;
    uint32_t number = 0;
    uint32_t capacity = 0;                                   // blocks that the pages can hold
    uint32_t live = 0;                                       // blocks in use
    uint32_t freed = 0;                                      // blocks, since the last PackStill
    bool emptying = false;                                   // was sparse, and is not dense yet
    std::array<uint32_t, PageArena::kSpans.size()> pages{};  // how many of each span
  };
  struct Classes {
    std::array<std::unique_ptr<Class>, kClassCount> made;  // while it has pages
    std::array<uint16_t, kClassCount> own_bytes{};    // given out by malloc before the first page
    std::array<uint64_t, kClassCount / 64> sparse{};  // one bit a class, may be set in vain
    size_t count = 0;
  };
  static_assert(kClassCount % 64 == 0);

  [[nodiscard]] static Page* PageOf(Block block);
  [[nodiscard]] Block AllocateOwn(size_t bytes);
  [[nodiscard]] bool WantsOwn(size_t size_class);
  [[nodiscard]] Class& ClassAt(size_t size_class);
  [[nodiscard]] Page* NewPage(Class& c);
  void FreePage(Page* page);
  static void Release(Page* page);
  static void Link(Page* page, uint32_t bin);
  static void Unlink(Page* page);
  void Rebin(Page* page);
  void NoteSparse(const Class& c);
  [[nodiscard]] static size_t SpanFor(const Class& c);
  [[nodiscard]] static size_t LargestSpan(const Class& c);
  [[nodiscard]] static bool IsSparse(const Class& c);
  [[nodiscard]] static bool IsOversized(const Class& c);
  [[nodiscard]] static Page* EmptiestPage(const Class& c);
  [[nodiscard]] bool PickPage(size_t number);
  [[nodiscard]] bool PickPage();

  std::unique_ptr<Classes> classes_;
  Page* evacuated_ = nullptr;  // off its bin; NextToMove walks it
  uint32_t evacuated_next_ = 0;
  size_t sparse_count_ = 0;  // bits set in Classes::sparse
  size_t page_bytes_ = 0;
  size_t slab_used_bytes_ = 0;
  size_t own_bytes_ = 0;
  size_t own_blocks_ = 0;
  bool puts_off_ = false;
  SlowFree slow_;
};

}  // namespace cloakroom
