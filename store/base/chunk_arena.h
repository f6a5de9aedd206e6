#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace cloakroom {

/// Memory from the kernel for the tables of the process, in chunks of 64 KiB cut from regions of
/// 2 MiB. malloc would lay such chunks out sparsely; here they stand together, so that a region can
/// be one huge page: a lookup in a large table then costs no walk through cold page tables.
///
///   region (aligned to 2 MiB): 32 chunks, each in use, free but not yet given back, or without
///   memory
///
/// New chunks come from the fullest region that has one, so that others empty. Free chunks go back
/// to the kernel in slices (Purge), and with the last of them their region.
///
/// A region starts with small pages. Once all its chunks are in use, and the process is not small,
/// it may become a huge page: so huge pages hold nothing that is not used. To have one made can
/// take the kernel milliseconds; so somebody else makes it, and here it is only filled and put in
/// the region's place (PutOnHugePage).
///
/// Like malloc there is one for the process. Not for use by several threads.
class ChunkArena {
 public:
  static constexpr size_t kChunkBytes = 64 << 10;
  static constexpr size_t kRegionBytes = 2 << 20;
  /// Up to so many regions a process is small.
  static constexpr size_t kSmallRegions = 16;

  /// Chunks that are cut up further live in regions of their own, never made huge: their parts come
  /// and go one by one.
  enum class Use : uint8_t { kWhole, kCut };

  static ChunkArena& Get();

  ChunkArena();
  ~ChunkArena();
  ChunkArena(const ChunkArena&) = delete;
  ChunkArena& operator=(const ChunkArena&) = delete;

  /// A chunk, aligned to its size. Its contents are undefined. Stops the process when there is no
  /// memory. O(1), but for the making of a region.
  [[nodiscard]] void* Allocate(Use use);
  void Free(void* chunk);

  /// Gives free chunks back to the kernel while they are more than a small share: about `budget`
  /// pages of 4 KiB. Returns what is left of `budget`.
  size_t Purge(size_t budget);
  [[nodiscard]] bool PurgeWaits() const { return free_chunks_ > FreeChunksMax(); }
  /// Gives back all free chunks, at once.
  void PurgeAll();

  /// Whether some region may become a huge page. O(1).
  [[nodiscard]] bool WantsHugePage() const {
    return !full_regions_.empty() && whole_regions_ > kSmallRegions && huge_regions_ < kHugeMax;
  }
  /// Moves what a full region holds to `page`, made by MapForHugePage and touched, and maps that in
  /// its place: no address changes. Unmaps `page` when no region is full. Takes about 0.4 ms.
  void PutOnHugePage(void* page);
  /// Whoever is to hear that a region is waiting for a huge page; told again for each.
  void OnWantsHugePage(std::function<void()> hear) { hear_ = std::move(hear); }
  /// Fresh address space for one region, aligned, for which the kernel will choose a huge page.
  [[nodiscard]] static void* MapForHugePage();

  /// Bytes of chunks in use.
  [[nodiscard]] size_t used_bytes() const { return used_chunks_ * kChunkBytes; }
  /// Bytes of chunks that were freed and not yet given back.
  [[nodiscard]] size_t free_bytes() const { return free_chunks_ * kChunkBytes; }
  /// The part of used_bytes that malloc does not know of: all, but for builds with a sanitizer.
  [[nodiscard]] size_t used_bytes_beside_malloc() const;

 private:
  static constexpr uint32_t kChunks = kRegionBytes / kChunkBytes;
  // Each huge page is a mapping of its own, and a process has 65,530.
  static constexpr size_t kHugeMax = 32768;
  static constexpr uint64_t kNotFull = (uint64_t{1} << kChunks) - 1;  // of Pool::any

  struct Region;
  /// Regions by how many of their chunks are in use.
  struct Pool {
    std::array<Region*, kChunks + 1> by_used{};
    uint64_t any = 0;  // bit n: by_used[n] has one
  };

  [[nodiscard]] size_t FreeChunksMax() const { return 8 + used_chunks_ / 128; }
  [[nodiscard]] Pool& PoolOf(const Region& region);
  [[nodiscard]] Region* NewRegion(Use use);
  void FreeRegion(Region* region);
  void Link(Region* region);
  void Unlink(Region* region);
  void LinkDirty(Region* region);
  void UnlinkDirty(Region* region);
  size_t GiveBack(Region* region, size_t chunks_max);
  void SplitHugePage(Region* region);
  void NoteFull(Region* region);
  [[nodiscard]] Region* TakeFull();

  std::array<Pool, 2> pools_;
  std::unordered_map<uintptr_t, std::unique_ptr<Region>> regions_;  // by address
  Region* first_dirty_ = nullptr;  // regions with free chunks to give back, the oldest first
  Region* last_dirty_ = nullptr;
  std::vector<uintptr_t>
      full_regions_;  // candidates for huge pages, by address; may be out of date
  std::function<void()> hear_;
  size_t whole_regions_ = 0;
  size_t huge_regions_ = 0;
  size_t used_chunks_ = 0;
  size_t free_chunks_ = 0;
};

}  // namespace cloakroom
