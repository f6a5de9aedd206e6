#include "store/types/distinct.h"

#include <bit>

#include "store/base/check.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr size_t kCellsMin = 16;
constexpr uint64_t kNumberMask = (uint64_t{1} << 32) - 1;

}  // namespace

void Distinct::Reserve(size_t count) {
  items_.reserve(count);
  const size_t cells = std::bit_ceil(count * 2);
  if (cells > cells_.size()) Rehash(cells);
}

bool Distinct::Insert(std::string_view text) {
  if ((items_.size() + 1) * 2 > cells_.size())
    Rehash(cells_.size() < kCellsMin ? kCellsMin : cells_.size() * 2);
  const uint64_t hash = HashBytes(text, seed_);
  const size_t at = Probe(text, hash);
  if (cells_[at] != 0) return false;
  CHECK(items_.size() < kNumberMask);
  items_.push_back(text);
  cells_[at] = (hash & ~kNumberMask) | items_.size();
  return true;
}

bool Distinct::Contains(std::string_view text) const {
  return !items_.empty() && cells_[Probe(text, HashBytes(text, seed_))] != 0;
}

/// The cell of `text`, or the empty one where it belongs. Linear probing; an item is looked at only
/// when the upper half of its hash is the same.
size_t Distinct::Probe(std::string_view text, uint64_t hash) const {
  const size_t mask = cells_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Cell cell = cells_[at];
    if (cell == 0) return at;
    if (((cell ^ hash) & ~kNumberMask) == 0 && items_[(cell & kNumberMask) - 1] == text) return at;
  }
}

void Distinct::Rehash(size_t cells) {
  cells_.assign(cells < kCellsMin ? kCellsMin : cells, 0);
  const size_t mask = cells_.size() - 1;
  for (size_t i = 0; i < items_.size(); ++i) {
    const uint64_t hash = HashBytes(items_[i], seed_);
    size_t at = hash & mask;
    while (cells_[at] != 0) at = (at + 1) & mask;
    cells_[at] = (hash & ~kNumberMask) | (i + 1);
  }
}

bool FirstSights::IsFirst(size_t place) {
  const std::string_view word = words_[place];
  if (words_.size() > kCompareMax * stride_) return seen_.Insert(word);
  for (size_t earlier = 0; earlier < place; earlier += stride_) {
    if (words_[earlier] == word) return false;
  }
  return true;
}

}  // namespace cloakroom
