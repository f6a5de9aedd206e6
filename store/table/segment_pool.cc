#include "store/table/segment_pool.h"

#include <bit>

#include "store/base/check.h"
#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

constexpr size_t kChunkBytes = ChunkArena::kChunkBytes;

}  // namespace

struct SegmentPool::Chunk {
  Chunk* previous;
  Chunk* next;
  uint32_t used;  // one bit a place

  // Segments stand at the end, where their alignment is the chunk's.
  static constexpr size_t kFirst = kChunkBytes - kPlaces * kSegmentBytes;

  [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(std::popcount(used)); }
  uint8_t* At(uint32_t place) {
    return reinterpret_cast<uint8_t*>(this) + kFirst + place * kSegmentBytes;
  }
};

SegmentPool::~SegmentPool() {
  static_assert(kPlaces * kSegmentBytes + sizeof(Chunk) <= kChunkBytes && kSegmentBytes % 64 == 0);
  for (Chunk* chunk : by_used_)
    while (chunk != nullptr) {
      Chunk* const next = chunk->next;
      ChunkArena::Get().Free(chunk);
      chunk = next;
    }
}

SegmentPool::Chunk* SegmentPool::ChunkOf(uint8_t* segment) {
  return reinterpret_cast<Chunk*>(reinterpret_cast<uintptr_t>(segment) & ~(kChunkBytes - 1));
}

uint8_t* SegmentPool::Allocate() {
  Chunk* chunk = nullptr;
  for (uint32_t count = kPlaces; count-- > 0 && chunk == nullptr;) chunk = by_used_[count];
  if (chunk == nullptr) {
    chunk = static_cast<Chunk*>(ChunkArena::Get().Allocate(ChunkArena::Use::kWhole));
    *chunk = Chunk{};
    ++chunks_;
  } else {
    Unlink(chunk);
  }
  const auto place = static_cast<uint32_t>(std::countr_one(chunk->used));
  chunk->used |= uint32_t{1} << place;
  ++live_;
  Link(chunk);
  return chunk->At(place);
}

void SegmentPool::Free(uint8_t* segment) {
  Chunk* const chunk = ChunkOf(segment);
  const auto place = static_cast<uint32_t>((segment - chunk->At(0)) / kSegmentBytes);
  CHECK((chunk->used >> place & 1) != 0);
  Unlink(chunk);
  chunk->used &= ~(uint32_t{1} << place);
  --live_;
  if (chunk->used != 0) return Link(chunk);
  --chunks_;
  ChunkArena::Get().Free(chunk);
}

uint8_t* SegmentPool::NextToMove() const {
  for (Chunk* const chunk : by_used_)
    if (chunk != nullptr) return chunk->At(static_cast<uint32_t>(std::countr_zero(chunk->used)));
  CheckFailed("a sparse pool holds segments", __FILE__, __LINE__);
}

size_t SegmentPool::bytes() const { return chunks_ * kChunkBytes; }

void SegmentPool::Link(Chunk* chunk) {
  Chunk*& first = by_used_[chunk->count()];
  chunk->previous = nullptr;
  chunk->next = first;
  if (first != nullptr) first->previous = chunk;
  first = chunk;
}

void SegmentPool::Unlink(Chunk* chunk) {
  (chunk->previous != nullptr ? chunk->previous->next : by_used_[chunk->count()]) = chunk->next;
  if (chunk->next != nullptr) chunk->next->previous = chunk->previous;
}

}  // namespace cloakroom
