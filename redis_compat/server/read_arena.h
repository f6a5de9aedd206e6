#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace cloakroom {

/// Where the bytes of one poll land, those of all connections one behind the other: so most
/// connections need no buffer of their own, and a turn walks through memory in order. Everything
/// in it dies with the turn.
class ReadArena {
 public:
  /// What one turn takes in at the most. Connections beyond it are read in the next.
  static constexpr size_t kBytesMax = size_t{16} << 20;
  /// Of one read.
  static constexpr size_t kSpaceMax = size_t{64} << 10;
  static constexpr size_t kSpaceMin = size_t{16} << 10;

  /// Room for at least `bytes_min` <= kSpaceMax bytes and at most kSpaceMax. It stays where it is
  /// until Reset, and is the same again until Take. Empty when the turn has taken in enough.
  [[nodiscard]] std::span<char> Space(size_t bytes_min = kSpaceMin);

  /// The first `size_bytes` of the last Space are in use.
  void Take(size_t size_bytes) { used_ += size_bytes; }

  /// Whether the next Space begins at `end`, so that what stands before it can grow in place.
  [[nodiscard]] bool Continues(const char* end) const {
    return block_ < blocks_.size() && blocks_[block_].get() + used_ == end &&
           kBlockBytes - used_ >= kSpaceMin;
  }

  [[nodiscard]] size_t bytes() const { return blocks_.size() * kBlockBytes; }

  /// Forgets all. Memory beyond what an ordinary turn needs is given back.
  void Reset();

 private:
  static constexpr size_t kBlockBytes = size_t{1} << 20;
  static constexpr size_t kBlocksKept = 4;

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_ = 0;  // the one being filled
  size_t used_ = 0;   // of it
};

}  // namespace cloakroom
