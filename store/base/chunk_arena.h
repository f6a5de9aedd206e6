#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

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
/// A small process has small pages. Beyond that a new region is a huge page, if one lies ready. To
/// make one can take the kernel milliseconds, and where a machine is a virtual one to touch a small
/// page for the first time may take as long: so somebody else makes and touches huge pages ahead
/// (AddHugePage), and growth does not wait for either. Where none is ready in time, or the kernel
/// has none, a region has small pages.
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

  /// Whether a huge page should be made ready, for the next region. O(1).
  [[nodiscard]] bool WantsHugePage() const {
    return ready_ == nullptr && whole_regions_ >= kSmallRegions && apart_regions_ < apart_max_;
  }
  /// Takes a page that was made by MapForHugePage and touched.
  void AddHugePage(void* page);
  /// Whoever is to hear that WantsHugePage has become true.
  void OnWantsHugePage(std::function<void()> hear) { hear_ = std::move(hear); }
  /// Fresh address space for one region, aligned, for which the kernel will choose a huge page;
  /// nullptr when there is none.
  [[nodiscard]] static void* MapForHugePage();
  /// Gives one up that was not added.
  static void UnmapHugePage(void* page);

  /// A process may have so many mappings (vm.max_map_count). A region that is a huge page, or was
  /// one, is a mapping of its own and parts its neighbours: so no more are made beyond a third.
  void set_mappings_max(size_t mappings) { apart_max_ = mappings / 3; }
  /// How many regions are huge pages, the one that lies ready included.
  [[nodiscard]] size_t huge_regions() const { return huge_regions_; }

  /// Bytes of chunks in use.
  [[nodiscard]] size_t used_bytes() const { return used_chunks_ * kChunkBytes; }
  /// Bytes of chunks that were freed and not yet given back.
  [[nodiscard]] size_t free_bytes() const { return free_chunks_ * kChunkBytes; }
  /// The part of used_bytes that malloc does not know of: all, but for builds with a sanitizer.
  [[nodiscard]] size_t used_bytes_beside_malloc() const;

 private:
  static constexpr uint32_t kChunks = kRegionBytes / kChunkBytes;
  static constexpr size_t kMappingsMax = 65530;  // what Linux allows unless it is told otherwise
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

  std::array<Pool, 2> pools_;
  std::unordered_map<uintptr_t, std::unique_ptr<Region>> regions_;  // by address
  Region* first_dirty_ = nullptr;  // regions with free chunks to give back, the oldest first
  Region* last_dirty_ = nullptr;
  void* ready_ = nullptr;  // a huge page for the next region
  std::function<void()> hear_;
  size_t whole_regions_ = 0;
  size_t huge_regions_ = 0;   // with those that lie ready
  size_t apart_regions_ = 0;  // huge ones, and those that were
  size_t apart_max_ = kMappingsMax / 3;
  size_t used_chunks_ = 0;
  size_t free_chunks_ = 0;
};

}  // namespace cloakroom
