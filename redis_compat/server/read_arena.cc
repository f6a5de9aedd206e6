#include "redis_compat/server/read_arena.h"

#include <algorithm>

namespace cloakroom {

std::span<char> ReadArena::Space(size_t bytes_min) {
  if (block_ < blocks_.size() && kBlockBytes - used_ < bytes_min) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    if ((block_ + 1) * kBlockBytes > kBytesMax) return {};
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
  }
  return {blocks_[block_].get() + used_, std::min(kBlockBytes - used_, kSpaceMax)};
}

void ReadArena::Reset() {
  block_ = 0;
  used_ = 0;
  if (blocks_.size() > kBlocksKept) blocks_.resize(kBlocksKept);
}

}  // namespace cloakroom
