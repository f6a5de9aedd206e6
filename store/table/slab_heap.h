#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/table/slow_free.h"

namespace cloakroom {

/// How a block was got. Stored in the two low bits of the pointer to it.
enum class BlockKind : uint8_t {
  kOwn = 0,  // from malloc, alone
  kPage4K = 1,
  kPage16K = 2,
  kPage64K = 3,
};

struct Block {
  void* at = nullptr;
  BlockKind kind = BlockKind::kOwn;
};

/// The blocks of one table, in steps of 16 bytes up to kSlabBytesMax on pages of 4 to 64 KiB;
/// larger ones are malloc's own, and so are the first few of every size, for a small table must not
/// hold pages that it does not fill.
///
///   page (aligned to its size)
///   +--------+---------+---------+------+---------+--------------+
///   | header | block 0 | block 1 | free | block 3 | never used   |
///   +--------+---------+---------+------+---------+--------------+
///     64 B                         next free block (u16), ..., byte 6 = 0xFF
///
/// Blocks hold entries, whose byte 6 (type and encoding) is never 0xFF: so a page can be walked.
/// New blocks go to the fullest page of their class; pages that fall below are evacuated by the
/// owner through NextToMove, and go back to malloc as they empty.
class SlabHeap {
 public:
  static constexpr size_t kStep = 16;
  static constexpr size_t kSlabBytesMax = 1024;

  SlabHeap() = default;
  /// Frees the pages. Blocks of kOwn must have been freed before.
  ~SlabHeap();
  SlabHeap(const SlabHeap&) = delete;
  SlabHeap& operator=(const SlabHeap&) = delete;

  /// A block of at least `bytes`, aligned to 16. Its contents are undefined, but while it is in use
  /// byte 6 must not be 0xFF. Precondition: bytes >= 16.
  [[nodiscard]] Block Allocate(size_t bytes);
  void Free(Block block);
  /// Makes `block`, of which the first `used` bytes matter, hold `bytes`. It may move.
  [[nodiscard]] Block Resize(Block block, size_t used, size_t bytes);
  /// How many bytes `block` can hold. O(1).
  [[nodiscard]] static size_t Capacity(Block block);

  /// The next block to move so that a sparse page empties: the caller allocates another of its
  /// size, copies, and frees this one, before it does anything else here. nullptr when no class is
  /// sparse.
  [[nodiscard]] Block NextToMove();
  [[nodiscard]] bool Sparse() const { return evacuated_ != nullptr || sparse_classes_ != 0; }

  /// From now on huge blocks are put off when they are freed; the owner must call FreeSlowly.
  void PutOffHugeBlocks() { puts_off_ = true; }
  /// Gives back about `budget` pages of huge blocks; returns what is left of `budget`.
  size_t FreeSlowly(size_t budget);
  [[nodiscard]] bool FreesSlowly() const { return !slow_.empty(); }

  [[nodiscard]] size_t page_bytes() const { return page_bytes_; }            // all pages
  [[nodiscard]] size_t slab_used_bytes() const { return slab_used_bytes_; }  // blocks on pages
  [[nodiscard]] size_t own_bytes() const { return own_bytes_; }  // blocks of kOwn, the put-off too
  [[nodiscard]] size_t own_blocks() const { return own_blocks_; }
  /// The heap's own bookkeeping.
  [[nodiscard]] size_t overhead_bytes() const { return classes_ ? sizeof(Classes) : 0; }

 private:
  static constexpr size_t kClassCount = kSlabBytesMax / kStep;
  // A table with less than this in blocks has none on pages.
  static constexpr size_t kSmallHeapBytes = 48 << 10;
  // Then, of each class the first so many bytes are still malloc's own.
  static constexpr uint32_t kSmallClassBytes = 3 << 10;
  static constexpr uint32_t kBins = 8;  // pages by how full they are: n/8 up to (n+1)/8
  static constexpr uint32_t kFullBin = kBins;

  struct Page;
  struct Class {
    Page* bins[kBins + 1] = {};
    uint64_t bytes = 0;      // of pages
    uint32_t capacity = 0;   // blocks that the pages can hold
    uint32_t live = 0;       // blocks in use
    uint32_t own_bytes = 0;  // given out by malloc before the first page
    uint32_t pages[4] = {};  // how many of each BlockKind
  };
  using Classes = std::array<Class, kClassCount>;

  [[nodiscard]] static size_t BlockBytes(size_t size_class) { return (size_class + 1) * kStep; }
  [[nodiscard]] static size_t ClassOf(size_t bytes) { return (bytes + kStep - 1) / kStep - 1; }
  [[nodiscard]] static Page* PageOf(Block block);
  [[nodiscard]] Block AllocateOwn(size_t bytes);
  [[nodiscard]] bool WantsOwn(size_t size_class);
  [[nodiscard]] Page* NewPage(size_t size_class);
  void FreePage(Page* page);
  void Link(Page* page, uint32_t bin);
  void Unlink(Page* page);
  void Rebin(Page* page);
  void NoteSparse(size_t size_class);
  [[nodiscard]] static BlockKind PageKindFor(const Class& c, size_t block_bytes);
  [[nodiscard]] static BlockKind LargestKind(const Class& c);
  [[nodiscard]] static bool IsSparse(const Class& c, size_t block_bytes);
  [[nodiscard]] static bool IsOversized(const Class& c, size_t block_bytes);
  [[nodiscard]] static Page* EmptiestPage(const Class& c, size_t block_bytes);
  [[nodiscard]] bool PickPage();

  std::unique_ptr<Classes> classes_;
  Page* evacuated_ = nullptr;  // off its bin; NextToMove walks it
  uint32_t evacuated_next_ = 0;
  uint64_t sparse_classes_ = 0;  // one bit a class, may be set in vain
  size_t page_bytes_ = 0;
  size_t slab_used_bytes_ = 0;
  size_t own_bytes_ = 0;
  size_t own_blocks_ = 0;
  bool puts_off_ = false;
  SlowFree slow_;
};

}  // namespace cloakroom
