#pragma once

#include <cstddef>
#include <vector>

namespace cloakroom {

/// Frees huge blocks of malloc a few pages at a time. To give 300 MB back to the kernel at once
/// takes some 40 ms, and for so long nobody would be served; so its pages go in slices, and only
/// then the block.
class SlowFree {
 public:
  /// Blocks below this are freed faster than they are put off.
  static constexpr size_t kBlockBytesMin = 256 << 10;

  SlowFree() = default;
  /// Frees all that is left, at once.
  ~SlowFree();
  SlowFree(const SlowFree&) = delete;
  SlowFree& operator=(const SlowFree&) = delete;

  /// Takes over a block of malloc's. O(1).
  void Add(void* block, size_t bytes);
  /// Gives back up to `budget` pages of 4 KiB; returns what is left of `budget`.
  size_t Step(size_t budget);

  [[nodiscard]] bool empty() const { return blocks_.empty(); }
  /// Bytes not yet given back.
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  struct Block {
    char* at;
    size_t bytes;  // of these the first `given_back` went
    size_t given_back;
  };

  std::vector<Block> blocks_;
  size_t bytes_ = 0;
};

}  // namespace cloakroom
