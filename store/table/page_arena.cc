#include "store/table/page_arena.h"

#include <sys/mman.h>

#include <bit>

#include "store/base/check.h"
#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

constexpr size_t kChunkBytes = ChunkArena::kChunkBytes;
constexpr size_t kWholeHeadBytes = 8;
constexpr size_t kCutHeadBytes = 32;
constexpr size_t kKernelPageBytes = 4096;
constexpr size_t kWhole = 2;  // index of its span

char* ChunkOf(const void* inside) {
  const auto at = reinterpret_cast<uintptr_t>(inside);
  return reinterpret_cast<char*>(at & ~(kChunkBytes - 1));
}

}  // namespace

// Of a whole chunk only `span` is there.
struct PageArena::Head {
  uint32_t span;  // bytes of a page
  uint32_t used;  // one bit a page
  Head* previous;
  Head* next;

  [[nodiscard]] uint32_t all() const { return (uint32_t{1} << (kChunkBytes / span)) - 1; }
  [[nodiscard]] size_t Number() const { return span == kSpans[0] ? 0 : 1; }
};

PageArena& PageArena::Get() {
  static PageArena arena;
  return arena;
}

char* PageArena::Find(const void* inside) {
  char* const chunk = ChunkOf(inside);
  const uint32_t span = reinterpret_cast<const Head*>(chunk)->span;
  if (span == kChunkBytes) [[likely]]
    return chunk + kWholeHeadBytes;
  const auto offset = static_cast<size_t>(static_cast<const char*>(inside) - chunk);
  const size_t start = offset & ~(size_t{span} - 1);
  return start == 0 ? chunk + kCutHeadBytes : chunk + start;
}

PageArena::Page PageArena::Allocate(size_t span) {
  static_assert(sizeof(Head) <= kCutHeadBytes);
  if (span == kWhole) {
    auto* const chunk = static_cast<char*>(ChunkArena::Get().Allocate(ChunkArena::Use::kWhole));
    reinterpret_cast<Head*>(chunk)->span = kChunkBytes;
    return {chunk + kWholeHeadBytes, kChunkBytes - kWholeHeadBytes};
  }
  Head* const head = with_room_[span] != nullptr ? with_room_[span] : NewCutChunk(span);
  const auto number = static_cast<size_t>(std::countr_one(head->used));
  head->used |= uint32_t{1} << number;
  if (head->used == head->all()) Unlink(head);
  char* const chunk = reinterpret_cast<char*>(head);
  if (number == 0) return {chunk + kCutHeadBytes, kSpans[span] - kCutHeadBytes};
  return {chunk + number * kSpans[span], kSpans[span]};
}

void PageArena::Free(char* at) {
  char* const chunk = ChunkOf(at);
  auto* const head = reinterpret_cast<Head*>(chunk);
  if (head->span == kChunkBytes) return ChunkArena::Get().Free(chunk);
  const auto number = static_cast<size_t>(at - chunk) / head->span;
  CHECK((head->used >> number & 1) != 0);
  if (head->used == head->all()) Link(head);
  head->used &= ~(uint32_t{1} << number);
  if (head->used == 0) {
    Unlink(head);
    return ChunkArena::Get().Free(chunk);
  }
  // The head stays, so what lies on one kernel page with it does too.
  const size_t first = number == 0 ? kKernelPageBytes : number * head->span;
  const size_t last = (number + 1) * head->span;
  if (first < last) (void)madvise(chunk + first, last - first, MADV_DONTNEED);
}

PageArena::Head* PageArena::NewCutChunk(size_t span) {
  auto* const head = static_cast<Head*>(ChunkArena::Get().Allocate(ChunkArena::Use::kCut));
  head->span = static_cast<uint32_t>(kSpans[span]);
  head->used = 0;
  Link(head);
  return head;
}

void PageArena::Link(Head* chunk) {
  Head*& first = with_room_[chunk->Number()];
  chunk->previous = nullptr;
  chunk->next = first;
  if (first != nullptr) first->previous = chunk;
  first = chunk;
}

void PageArena::Unlink(Head* chunk) {
  (chunk->previous != nullptr ? chunk->previous->next : with_room_[chunk->Number()]) = chunk->next;
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

}  // namespace cloakroom
