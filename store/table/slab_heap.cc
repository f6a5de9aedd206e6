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

constexpr size_t kHeaderBytes = 48;
constexpr uint8_t kFreeMark = 0xFF;
constexpr uint16_t kNone = 0xFFFF;
constexpr uint32_t kStillShare = 10'000;  // blocks of a size per one freed: it stands still

// How many blocks fit a page of a span; the first page of a cut chunk is a little shorter.
size_t CapacityOfPage(size_t span, size_t block_bytes) {
  return (PageArena::kSpans[span] - kHeaderBytes) / block_bytes;
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
  uint8_t span;  // index into PageArena::kSpans

  uint8_t* At(uint32_t i) {
    return reinterpret_cast<uint8_t*>(this) + kHeaderBytes + size_t{i} * block_bytes;
  }
};

SlabHeap::~SlabHeap() {
  if (evacuated_ != nullptr) Release(evacuated_);
  if (!classes_) return;
  static_assert(sizeof(Page) <= kHeaderBytes);
  for (const auto& c : classes_->made) {
    if (!c) continue;
    for (Page* page : c->bins)
      while (page != nullptr) {
        Page* next = page->next;
        Release(page);
        page = next;
      }
  }
}

SlabHeap::Page* SlabHeap::PageOf(Block block) {
  return reinterpret_cast<Page*>(PageArena::Find(block.at));
}

void SlabHeap::Release(Page* page) {
  ASAN_UNPOISON_MEMORY_REGION(page, PageArena::kSpans[page->span] - kHeaderBytes);
  PageArena::Get().Free(reinterpret_cast<char*>(page));
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
  return {at, BlockKind::kPage};
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
  ++page->owner->freed;
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
size_t SlabHeap::SpanFor(const Class& c) {
  constexpr size_t kLargest = PageArena::kSpans.size() - 1;
  for (size_t span = 0; span < kLargest; ++span) {
    const size_t bytes = PageArena::kSpans[span];
    const size_t room = bytes - kHeaderBytes;
    const bool tail_is_small = room % c.block_bytes <= room / 16;
    const bool larger_is_small_part = bytes * 4 <= size_t{c.live} * c.block_bytes / 8;
    if (tail_is_small && !larger_is_small_part) return span;
  }
  return kLargest;
}

SlabHeap::Page* SlabHeap::NewPage(Class& c) {
  const size_t span = SpanFor(c);
  const PageArena::Page memory = PageArena::Get().Allocate(span);
  auto* page = reinterpret_cast<Page*>(memory.at);
  *page = Page{};
  page->owner = &c;
  page->block_bytes = c.block_bytes;
  page->capacity = static_cast<uint16_t>((memory.bytes - kHeaderBytes) / c.block_bytes);
  page->free = kNone;
  page->span = static_cast<uint8_t>(span);
  page_bytes_ += PageArena::kSpans[span];
  c.capacity += page->capacity;
  c.pages[span] += 1;
  Link(page, 0);
  return page;
}

void SlabHeap::FreePage(Page* page) {
  if (page == evacuated_)
    evacuated_ = nullptr;
  else
    Unlink(page);
  Class& c = *page->owner;
  page_bytes_ -= PageArena::kSpans[page->span];
  c.capacity -= page->capacity;
  c.pages[page->span] -= 1;
  Release(page);
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

size_t SlabHeap::LargestSpan(const Class& c) {
  size_t span = PageArena::kSpans.size() - 1;
  while (span > 0 && c.pages[span] == 0) --span;
  return span;
}

// The class has shrunk so far that its pages are too large a part of it: smaller ones fit better.
bool SlabHeap::IsOversized(const Class& c) {
  const size_t largest = LargestSpan(c);
  return PageArena::kSpans[largest] > size_t{c.live} * c.block_bytes / 4 && SpanFor(c) < largest;
}

// Sparse: more than a tenth of the places are free, and a page can be emptied into the others, or
// into smaller ones. Once at it, it goes on to a twentieth, so that it need not begin again soon.
// To keep blocks in motion that dense all the time would take twice the moves.
bool SlabHeap::IsSparse(const Class& c) {
  const uint32_t free = c.capacity - c.live;
  if (c.live == 0) return c.capacity > 0;
  return free > c.capacity / (c.emptying ? 20 : 10) &&
         (free >= CapacityOfPage(LargestSpan(c), c.block_bytes) || IsOversized(c));
}

void SlabHeap::NoteSparse(const Class& c) {
  if (!IsSparse(c)) return;
  uint64_t& word = classes_->sparse[c.number / 64];
  const uint64_t bit = uint64_t{1} << (c.number % 64);
  sparse_count_ += (word & bit) == 0;
  word |= bit;
}

void SlabHeap::PackStill() {
  if (!classes_) return;
  for (const auto& c : classes_->made) {
    if (!c) continue;
    if (c->freed <= c->capacity / kStillShare) {
      c->emptying = true;
      NoteSparse(*c);
    }
    c->freed = 0;
  }
}

// The page to evacuate: from the emptiest bin, and where pages are too large, one of those.
SlabHeap::Page* SlabHeap::EmptiestPage(const Class& c) {
  const bool oversized = IsOversized(c);
  const size_t largest = LargestSpan(c);
  for (Page* page : c.bins)
    for (; page != nullptr; page = page->next)
      if (!oversized || page->span == largest) return page;
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
  while (Class* const c = classes_->made[number].get()) {
    c->emptying = IsSparse(*c);
    Page* const page = c->emptying ? EmptiestPage(*c) : nullptr;
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
    if (at[6] != kFreeMark) return {at, BlockKind::kPage};
  }
  CheckFailed("a page under evacuation holds a live block", __FILE__, __LINE__);
}

}  // namespace cloakroom
