#include "store/base/chunk_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include "store/base/check.h"

// A build with AddressSanitizer has its chunks from malloc: so leaks and strays are found.
#if defined(__SANITIZE_ADDRESS__)
#define CLOAKROOM_CHUNKS_FROM_MALLOC 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CLOAKROOM_CHUNKS_FROM_MALLOC 1
#endif
#endif
#if !defined(CLOAKROOM_CHUNKS_FROM_MALLOC)
#define CLOAKROOM_CHUNKS_FROM_MALLOC 0
#endif

namespace cloakroom {
namespace {

constexpr bool kFromMalloc = CLOAKROOM_CHUNKS_FROM_MALLOC != 0;
constexpr size_t kPagesAChunk = ChunkArena::kChunkBytes / 4096;

uintptr_t AddressOf(const void* at) { return reinterpret_cast<uintptr_t>(at); }

char* MapAnywhere(size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
}

/// Two MiB at a multiple of that, or nullptr. Kernels from 6.7 on choose such an address by
/// themselves. Space that cannot be unmapped, for want of mappings, stays unused: it costs nothing.
char* MapRegion() {
  constexpr size_t kBytes = ChunkArena::kRegionBytes;
  char* at = MapAnywhere(kBytes);
  if (at == nullptr || AddressOf(at) % kBytes == 0) return at;
  (void)munmap(at, kBytes);
  at = MapAnywhere(2 * kBytes);
  if (at == nullptr) return nullptr;
  const size_t before = (kBytes - AddressOf(at) % kBytes) % kBytes;
  if (before > 0) (void)munmap(at, before);
  (void)munmap(at + before + kBytes, kBytes - before);
  return at + before;
}

}  // namespace

struct ChunkArena::Region {
  char* base = nullptr;
  Use use = Use::kWhole;
  bool huge = false;   // is a huge page: no chunk of it has been given back since
  bool apart = false;  // is, or was one
  uint32_t used = 0;   // a bit for each chunk
  uint32_t dirty = 0;  // free, and not yet given back
  Region* previous = nullptr;
  Region* next = nullptr;
  Region* previous_dirty = nullptr;
  Region* next_dirty = nullptr;

  [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(std::popcount(used)); }
};

ChunkArena::ChunkArena() = default;

ChunkArena::~ChunkArena() {
  for (const auto& [base, region] : regions_) munmap(region->base, kRegionBytes);
  if (ready_ != nullptr) munmap(ready_, kRegionBytes);
}

ChunkArena& ChunkArena::Get() {
  static auto* const arena = new ChunkArena;  // never freed: tables may outlive all else
  return *arena;
}

size_t ChunkArena::used_bytes_beside_malloc() const { return kFromMalloc ? 0 : used_bytes(); }

void* ChunkArena::Allocate(Use use) {
  ++used_chunks_;
  if (kFromMalloc) {
    void* chunk = std::aligned_alloc(kChunkBytes, kChunkBytes);
    CHECK(chunk != nullptr);
    return chunk;
  }
  const Pool& pool = pools_[static_cast<size_t>(use)];
  const uint64_t with_room = pool.any & kNotFull;
  Region* region = with_room == 0
                       ? NewRegion(use)
                       : pool.by_used[63 - static_cast<uint32_t>(std::countl_zero(with_room))];
  Unlink(region);
  const uint32_t free = region->dirty != 0 ? region->dirty : ~region->used;
  const uint32_t bit = free & ~(free - 1);
  region->used |= bit;
  if (region->dirty != 0) {
    --free_chunks_;
    region->dirty &= ~bit;
    if (region->dirty == 0) UnlinkDirty(region);
  }
  Link(region);
  return region->base + static_cast<size_t>(std::countr_zero(bit)) * kChunkBytes;
}

void ChunkArena::Free(void* chunk) {
  --used_chunks_;
  if (kFromMalloc) {
    std::free(chunk);
    return;
  }
  const auto found = regions_.find(AddressOf(chunk) / kRegionBytes);
  CHECK(found != regions_.end());
  Region* region = found->second.get();
  const uint32_t bit = uint32_t{1} << (AddressOf(chunk) % kRegionBytes / kChunkBytes);
  CHECK((region->used & bit) != 0);
  Unlink(region);
  region->used &= ~bit;
  ++free_chunks_;
  if (region->dirty == 0) LinkDirty(region);
  region->dirty |= bit;
  Link(region);
}

ChunkArena::Region* ChunkArena::NewRegion(Use use) {
  auto made = std::make_unique<Region>();
  Region* region = made.get();
  region->use = use;
  if (use == Use::kWhole && ready_ != nullptr) {
    region->base = static_cast<char*>(std::exchange(ready_, nullptr));
    region->huge = region->apart = true;
  } else {
    region->base = MapRegion();
    CHECK(region->base != nullptr);
  }
  regions_.emplace(AddressOf(region->base) / kRegionBytes, std::move(made));
  Link(region);
  whole_regions_ += use == Use::kWhole ? 1 : 0;
  if (hear_ && WantsHugePage()) hear_();
  return region;
}

// A part of a mapping cannot be unmapped when there are no more mappings to be had: then the region
// stays, empty, for the next who needs one.
void ChunkArena::FreeRegion(Region* region) {
  const bool unmapped = munmap(region->base, kRegionBytes) == 0;
  if (!unmapped) {
    SplitHugePage(region);
    (void)madvise(region->base, kRegionBytes, MADV_DONTNEED);
  }
  Unlink(region);
  if (region->dirty != 0) UnlinkDirty(region);
  free_chunks_ -= static_cast<size_t>(std::popcount(region->dirty));
  region->dirty = 0;
  if (!unmapped) return Link(region);
  whole_regions_ -= region->use == Use::kWhole ? 1 : 0;
  huge_regions_ -= region->huge ? 1 : 0;
  apart_regions_ -= region->apart ? 1 : 0;
  regions_.erase(AddressOf(region->base) / kRegionBytes);
}

void* ChunkArena::MapForHugePage() {
  char* const at = MapRegion();
  // Should the kernel refuse, whoever touches it sees that it is no huge page.
  if (at != nullptr) (void)madvise(at, kRegionBytes, MADV_HUGEPAGE);
  return at;
}

void ChunkArena::UnmapHugePage(void* page) { (void)munmap(page, kRegionBytes); }

void ChunkArena::AddHugePage(void* page) {
  CHECK(page != nullptr && ready_ == nullptr);
  ready_ = page;
  ++huge_regions_;
  ++apart_regions_;
}

// Before chunks are given back: or the kernel would fill the holes by making it a huge page again.
void ChunkArena::SplitHugePage(Region* region) {
  if (!region->huge) return;
  (void)madvise(region->base, kRegionBytes, MADV_NOHUGEPAGE);
  region->huge = false;
  --huge_regions_;
}

size_t ChunkArena::Purge(size_t budget) {
  while (budget > 0 && PurgeWaits()) {
    const size_t chunks = std::max<size_t>(budget / kPagesAChunk, 1);
    const size_t given = GiveBack(first_dirty_, chunks) * kPagesAChunk;
    budget -= std::min(budget, given);
  }
  return budget;
}

void ChunkArena::PurgeAll() {
  while (first_dirty_ != nullptr) GiveBack(first_dirty_, kChunks);
}

// Returns how many chunks it gave back: at least one. To unmap 512 small pages at once would take
// the kernel longer than a slice of upkeep may last, so a region that nobody uses goes by chunks
// too; but a huge page is one page.
size_t ChunkArena::GiveBack(Region* region, size_t chunks_max) {
  if (region->used == 0 && region->huge) {
    FreeRegion(region);
    return 1;
  }
  SplitHugePage(region);
  size_t given = 0;
  while (region->dirty != 0 && given < chunks_max) {
    const auto first = static_cast<uint32_t>(std::countr_zero(region->dirty));
    const auto run = std::min<size_t>(
        static_cast<uint32_t>(std::countr_one(region->dirty >> first)), chunks_max - given);
    (void)madvise(region->base + first * kChunkBytes, run * kChunkBytes, MADV_DONTNEED);
    region->dirty &= ~static_cast<uint32_t>(((uint64_t{1} << run) - 1) << first);
    given += run;
  }
  free_chunks_ -= given;
  if (region->dirty != 0) return given;
  UnlinkDirty(region);
  if (region->used == 0) FreeRegion(region);
  return given;
}

ChunkArena::Pool& ChunkArena::PoolOf(const Region& region) {
  return pools_[static_cast<size_t>(region.use)];
}

void ChunkArena::Link(Region* region) {
  Pool& pool = PoolOf(*region);
  const uint32_t count = region->count();
  region->previous = nullptr;
  region->next = pool.by_used[count];
  if (region->next != nullptr) region->next->previous = region;
  pool.by_used[count] = region;
  pool.any |= uint64_t{1} << count;
}

void ChunkArena::Unlink(Region* region) {
  Pool& pool = PoolOf(*region);
  const uint32_t count = region->count();
  if (region->previous != nullptr)
    region->previous->next = region->next;
  else
    pool.by_used[count] = region->next;
  if (region->next != nullptr) region->next->previous = region->previous;
  if (pool.by_used[count] == nullptr) pool.any &= ~(uint64_t{1} << count);
}

void ChunkArena::LinkDirty(Region* region) {
  region->previous_dirty = last_dirty_;
  region->next_dirty = nullptr;
  (last_dirty_ != nullptr ? last_dirty_->next_dirty : first_dirty_) = region;
  last_dirty_ = region;
}

void ChunkArena::UnlinkDirty(Region* region) {
  Region* const previous = region->previous_dirty;
  Region* const next = region->next_dirty;
  (previous != nullptr ? previous->next_dirty : first_dirty_) = next;
  (next != nullptr ? next->previous_dirty : last_dirty_) = previous;
}

}  // namespace cloakroom
