#include "store/table/slab_heap.h"

#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "store/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif

// Under AddressSanitizer a freed block is poison, but for its first eight bytes, which are the
// heap's: so a pointer kept too long is found here as it would be with malloc.
#if !defined(ASAN_POISON_MEMORY_REGION)
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address))
#endif

namespace cloakroom {
namespace {

constexpr size_t kHeaderBytes = 64;
constexpr uint8_t kFreeMark = 0xFF;
constexpr uint16_t kNone = 0xFFFF;

size_t PageBytes(BlockKind kind) { return size_t{1024} << (2 * static_cast<uint32_t>(kind)); }

size_t CapacityOfPage(BlockKind kind, size_t block_bytes) {
  return (PageBytes(kind) - kHeaderBytes) / block_bytes;
}

uint16_t NextFree(const uint8_t* block) {
  uint16_t next = 0;
  std::memcpy(&next, block, 2);
  return next;
}

void MarkFree(uint8_t* block, uint16_t next) {
  std::memcpy(block, &next, 2);
  block[6] = kFreeMark;
}

}  // namespace

struct SlabHeap::Page {
  Class* owner;
  Page* previous;
  Page* next;
  uint32_t block_bytes;
  uint16_t capacity;
  uint16_t live;
  uint16_t unused;   // blocks from here on were never given out
  uint16_t free;     // head of the list of freed blocks, or kNone
  uint16_t bin_low;  // the page leaves its bin when live < bin_low or live >= bin_high
  uint16_t bin_high;
  uint8_t bin;
  BlockKind kind;

  uint8_t* At(uint32_t i) {
    return reinterpret_cast<uint8_t*>(this) + kHeaderBytes + size_t{i} * block_bytes;
  }
};

SlabHeap::~SlabHeap() {
  if (evacuated_ != nullptr) std::free(evacuated_);
  if (!classes_) return;
  static_assert(sizeof(Page) <= kHeaderBytes);
  for (const auto& c : classes_->made) {
    if (!c) continue;
    for (Page* page : c->bins)
      while (page != nullptr) {
        Page* next = page->next;
        std::free(page);
        page = next;
      }
  }
}

SlabHeap::Page* SlabHeap::PageOf(Block block) {
  return reinterpret_cast<Page*>(reinterpret_cast<uintptr_t>(block.at) &
                                 ~(PageBytes(block.kind) - 1));
}

size_t SlabHeap::Capacity(Block block) {
  return block.kind == BlockKind::kOwn ? malloc_usable_size(block.at) : PageOf(block)->block_bytes;
}

Block SlabHeap::AllocateOwn(size_t bytes) {
  void* at = std::malloc(bytes);
  CHECK(at != nullptr);
  own_bytes_ += malloc_usable_size(at);
  ++own_blocks_;
  return {at, BlockKind::kOwn};
}

bool SlabHeap::WantsOwn(size_t size_class) {
  if (!classes_) {
    if (own_bytes_ < kSmallHeapBytes) return true;
    classes_ = std::make_unique<Classes>();
  }
  uint16_t& own = classes_->own_bytes[size_class];
  if (own >= kSmallClassBytes) return false;
  own += static_cast<uint16_t>(BlockBytes(size_class));
  return true;
}

SlabHeap::Class& SlabHeap::ClassAt(size_t size_class) {
  std::unique_ptr<Class>& c = classes_->made[size_class];
  if (!c) [[unlikely]] {
    c = std::make_unique<Class>();
    c->block_bytes = static_cast<uint32_t>(BlockBytes(size_class));
    c->number = static_cast<uint32_t>(size_class);
    ++classes_->count;
  }
  return *c;
}

Block SlabHeap::Allocate(size_t bytes) {
  if (bytes > kSlabBytesMax) return AllocateOwn(bytes);
  const size_t size_class = ClassOf(bytes);
  if ((!classes_ || classes_->own_bytes[size_class] < kSmallClassBytes) && WantsOwn(size_class))
    return AllocateOwn(bytes);
  Class& c = ClassAt(size_class);
  Page* page = nullptr;
  for (uint32_t bin = kBins; bin-- > 0 && page == nullptr;) page = c.bins[bin];
  if (page == nullptr) page = NewPage(c);
  uint8_t* at = nullptr;
  if (page->free != kNone) {
    at = page->At(page->free);
    DCHECK(at[6] == kFreeMark);
    page->free = NextFree(at);
  } else {
    at = page->At(page->unused++);
  }
  ASAN_UNPOISON_MEMORY_REGION(at, page->block_bytes);
  at[6] = 0;
  ++c.live;
  slab_used_bytes_ += page->block_bytes;
  if (++page->live >= page->bin_high) Rebin(page);
  return {at, page->kind};
}

void SlabHeap::Free(Block block) {
  if (block.kind == BlockKind::kOwn) {
    const size_t bytes = malloc_usable_size(block.at);
    --own_blocks_;
    if (puts_off_ && bytes >= SlowFree::kBlockBytesMin) return slow_.Add(block.at, bytes);
    own_bytes_ -= bytes;
    std::free(block.at);
    return;
  }
  Page* page = PageOf(block);
  auto* at = static_cast<uint8_t*>(block.at);
  DCHECK(at[6] != kFreeMark);
  MarkFree(at, page->free);
  ASAN_POISON_MEMORY_REGION(at + 8, page->block_bytes - 8);
  page->free = static_cast<uint16_t>((at - page->At(0)) / page->block_bytes);
  const uint32_t number = page->owner->number;
  --page->owner->live;
  slab_used_bytes_ -= page->block_bytes;
  --page->live;
  if (page == evacuated_) {
    if (page->live == 0) FreePage(page);
  } else if (page->live < page->bin_low || page->live == 0) {
    Rebin(page);
  }
  if (const auto& c = classes_->made[number]) NoteSparse(*c);
}

size_t SlabHeap::FreeSlowly(size_t budget) {
  if (slow_.empty()) return budget;
  own_bytes_ -= slow_.bytes();
  budget = slow_.Step(budget);
  own_bytes_ += slow_.bytes();
  return budget;
}

Block SlabHeap::Resize(Block block, size_t used, size_t bytes) {
  if (block.kind == BlockKind::kOwn) {
    const size_t old = malloc_usable_size(block.at);
    // Small shrinkings stay: they come back, as a rule.
    if (bytes <= old && bytes >= old / 2) return block;
    if (bytes > kSlabBytesMax) {
      void* at = std::realloc(block.at, bytes);
      CHECK(at != nullptr);
      own_bytes_ += malloc_usable_size(at) - old;
      return {at, BlockKind::kOwn};
    }
  } else if (bytes <= kSlabBytesMax && RoundUp(bytes) == PageOf(block)->block_bytes) {
    return block;
  }
  const Block fresh = Allocate(bytes);
  std::memcpy(fresh.at, block.at, std::min(used, bytes));
  Free(block);
  return fresh;
}

// Small pages while the class is small, so that a page with room is a small part of it; but never
// one whose tail wastes more than a sixteenth.
BlockKind SlabHeap::PageKindFor(const Class& c) {
  for (const BlockKind kind : {BlockKind::kPage4K, BlockKind::kPage16K}) {
    const size_t room = PageBytes(kind) - kHeaderBytes;
    const bool tail_is_small = room % c.block_bytes <= room / 16;
    const bool larger_is_small_part = PageBytes(kind) * 4 <= size_t{c.live} * c.block_bytes / 8;
    if (tail_is_small && !larger_is_small_part) return kind;
  }
  return BlockKind::kPage64K;
}

SlabHeap::Page* SlabHeap::NewPage(Class& c) {
  const BlockKind kind = PageKindFor(c);
  const size_t bytes = PageBytes(kind);
  auto* page = static_cast<Page*>(std::aligned_alloc(bytes, bytes));
  CHECK(page != nullptr);
  *page = Page{};
  page->owner = &c;
  page->block_bytes = c.block_bytes;
  page->capacity = static_cast<uint16_t>(CapacityOfPage(kind, c.block_bytes));
  page->free = kNone;
  page->kind = kind;
  page_bytes_ += bytes;
  c.capacity += page->capacity;
  c.pages[static_cast<size_t>(kind)] += 1;
  Link(page, 0);
  return page;
}

void SlabHeap::FreePage(Page* page) {
  if (page == evacuated_)
    evacuated_ = nullptr;
  else
    Unlink(page);
  Class& c = *page->owner;
  const size_t bytes = PageBytes(page->kind);
  page_bytes_ -= bytes;
  c.capacity -= page->capacity;
  c.pages[static_cast<size_t>(page->kind)] -= 1;
  ASAN_UNPOISON_MEMORY_REGION(page, bytes);
  std::free(page);
  if (c.capacity > 0) return;
  --classes_->count;
  classes_->made[c.number].reset();
}

void SlabHeap::Link(Page* page, uint32_t bin) {
  Page*& head = page->owner->bins[bin];
  page->bin = static_cast<uint8_t>(bin);
  page->bin_low = static_cast<uint16_t>((bin * page->capacity + kBins - 1) / kBins);
  page->bin_high = bin == kFullBin
                       ? kNone
                       : static_cast<uint16_t>(((bin + 1) * page->capacity + kBins - 1) / kBins);
  page->previous = nullptr;
  page->next = head;
  if (head != nullptr) head->previous = page;
  head = page;
}

void SlabHeap::Unlink(Page* page) {
  if (page->previous != nullptr)
    page->previous->next = page->next;
  else
    page->owner->bins[page->bin] = page->next;
  if (page->next != nullptr) page->next->previous = page->previous;
}

// An empty page goes back at once, unless it is all the room that its class has.
void SlabHeap::Rebin(Page* page) {
  const Class& c = *page->owner;
  if (page->live == 0 && (c.live == 0 || c.capacity - c.live > page->capacity)) {
    FreePage(page);
    return;
  }
  Unlink(page);
  Link(page, page->live == page->capacity ? kFullBin : page->live * kBins / page->capacity);
}

BlockKind SlabHeap::LargestKind(const Class& c) {
  uint8_t kind = 3;
  while (kind > 1 && c.pages[kind] == 0) --kind;
  return static_cast<BlockKind>(kind);
}

// The class has shrunk so far that its pages are too large a part of it: smaller ones fit better.
bool SlabHeap::IsOversized(const Class& c) {
  const BlockKind largest = LargestKind(c);
  return PageBytes(largest) > size_t{c.live} * c.block_bytes / 4 && PageKindFor(c) < largest;
}

// Sparse: more than a tenth of the places are free, and a page can be emptied into the others, or
// into smaller ones.
bool SlabHeap::IsSparse(const Class& c) {
  const uint32_t free = c.capacity - c.live;
  return free > c.capacity / 10 &&
         (free >= CapacityOfPage(LargestKind(c), c.block_bytes) || IsOversized(c));
}

void SlabHeap::NoteSparse(const Class& c) {
  if (!IsSparse(c)) return;
  uint64_t& word = classes_->sparse[c.number / 64];
  const uint64_t bit = uint64_t{1} << (c.number % 64);
  sparse_count_ += (word & bit) == 0;
  word |= bit;
}

// The page to evacuate: from the emptiest bin, and where pages are too large, one of those.
SlabHeap::Page* SlabHeap::EmptiestPage(const Class& c) {
  const bool oversized = IsOversized(c);
  const BlockKind largest = LargestKind(c);
  for (Page* page : c.bins)
    for (; page != nullptr; page = page->next)
      if (!oversized || page->kind == largest) return page;
  return nullptr;
}

// Takes a page of a sparse class off its bin.
bool SlabHeap::PickPage() {
  if (sparse_count_ == 0) return false;
  for (size_t i = 0; i < classes_->sparse.size(); ++i)
    for (uint64_t& word = classes_->sparse[i]; word != 0; word &= word - 1) {
      const size_t number = i * 64 + static_cast<size_t>(std::countr_zero(word));
      if (PickPage(number)) return true;
      --sparse_count_;
    }
  return false;
}

bool SlabHeap::PickPage(size_t number) {
  while (classes_->made[number] && IsSparse(*classes_->made[number])) {
    Page* page = EmptiestPage(*classes_->made[number]);
    if (page == nullptr) return false;
    if (page->live == 0) {
      FreePage(page);
      continue;
    }
    Unlink(page);
    evacuated_ = page;
    evacuated_next_ = 0;
    return true;
  }
  return false;
}

Block SlabHeap::NextToMove() {
  if (evacuated_ == nullptr && !PickPage()) return {};
  Page* page = evacuated_;
  for (; evacuated_next_ < page->unused; ++evacuated_next_) {
    uint8_t* at = page->At(evacuated_next_);
    if (at[6] != kFreeMark) return {at, page->kind};
  }
  CheckFailed("a page under evacuation holds a live block", __FILE__, __LINE__);
}

}  // namespace cloakroom
