#include "store/table/slow_free.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace cloakroom {
namespace {

constexpr size_t kPageBytes = 4096;

/// Lets the kernel take the whole pages of [at, at + bytes) while malloc still holds the block.
void GiveBackPages(char* at, size_t bytes) {
  const auto start = reinterpret_cast<uintptr_t>(at);
  const uintptr_t first = (start + kPageBytes - 1) / kPageBytes * kPageBytes;
  const uintptr_t last = (start + bytes) / kPageBytes * kPageBytes;
  // When the kernel refuses, free() gives the pages back later.
  if (first < last) (void)madvise(at + (first - start), last - first, MADV_DONTNEED);
}

}  // namespace

SlowFree::~SlowFree() {
  for (const Block& block : blocks_) std::free(block.at);
}

void SlowFree::Add(void* block, size_t bytes) {
  blocks_.push_back({static_cast<char*>(block), bytes, 0});
  bytes_ += bytes;
}

size_t SlowFree::Step(size_t budget) {
  while (budget > 0 && !blocks_.empty()) {
    Block& block = blocks_.back();
    const size_t left = block.bytes - block.given_back;
    const size_t pages = std::min(budget, (left + kPageBytes - 1) / kPageBytes);
    const size_t bytes = std::min(left, pages * kPageBytes);
    GiveBackPages(block.at + block.given_back, bytes);
    block.given_back += bytes;
    bytes_ -= bytes;
    budget -= pages;
    if (block.given_back == block.bytes) {
      std::free(block.at);
      blocks_.pop_back();
    }
  }
  return budget;
}

}  // namespace cloakroom
