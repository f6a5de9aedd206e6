#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/base/position.h"

namespace cloakroom {

/// A set of positions that only grows, without a pause: it is cut into parts, and each grows alone.
/// About 16 to 32 bytes a position; nothing while it is empty.
class PositionSet {
 public:
  /// False: it was there. O(1), but when a part grows: with ten million positions about 50 us.
  bool Insert(const Position& position);
  [[nodiscard]] bool Contains(const Position& position) const;
  [[nodiscard]] size_t size() const { return size_; }
  /// About what it takes.
  [[nodiscard]] size_t memory_bytes() const { return size_ * kBytesEach; }

 private:
  struct Part {
    std::vector<Position> places;  // open addressing; a power of two, at most three quarters full
    size_t used = 0;
  };
  static constexpr size_t kBytesEach = 24;
  static constexpr uint16_t kFree = 0xFFFF;  // no slot

  [[nodiscard]] static uint64_t Mix(const Position& position);
  [[nodiscard]] static size_t Seek(const Part& part, const Position& position);
  static void Grow(Part& part);

  std::vector<Part> parts_;
  size_t size_ = 0;
};

}  // namespace cloakroom
