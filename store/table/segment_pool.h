#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "store/table/segment.h"

namespace cloakroom {

/// Memory for the full-sized segments of one index: thirteen to a chunk of 64 KiB, so that they lie
/// where huge pages are. The first few, and all smaller segments, are malloc's.
///
///   chunk   | head (24) | ... | segment 0 | segment 1 | ... | segment 12 |
///
/// A chunk is known by its address; which of its places are in use, its head says.
class SegmentPool {
 public:
  static constexpr size_t kSegmentBytes = Segment::Bytes(Segment::kBucketsMax);

  SegmentPool() = default;
  /// Frees all chunks.
  ~SegmentPool();
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  /// Memory of kSegmentBytes, aligned to 64, from the fullest chunk with room. O(1).
  [[nodiscard]] uint8_t* Allocate();
  void Free(uint8_t* segment);

  /// Whether enough places are free to empty a chunk, and more than a tenth of all.
  [[nodiscard]] bool Sparse() const {
    const size_t free = chunks_ * kPlaces - live_;
    return free > 2 * kPlaces && free * 10 > chunks_ * kPlaces;
  }
  /// A segment of the emptiest chunk: allocate anew, copy, free this one. Precondition: Sparse().
  [[nodiscard]] uint8_t* NextToMove() const;

  [[nodiscard]] size_t bytes() const;

 private:
  static constexpr uint32_t kPlaces = 13;

  struct Chunk;
  static Chunk* ChunkOf(uint8_t* segment);
  void Link(Chunk* chunk);
  void Unlink(Chunk* chunk);

  std::array<Chunk*, kPlaces + 1> by_used_{};
  size_t chunks_ = 0;
  size_t live_ = 0;
};

}  // namespace cloakroom
