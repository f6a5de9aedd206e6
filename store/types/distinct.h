#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cloakroom {

/// A growing set of borrowed strings, in order of insertion: an open-addressed index over a vector.
///
/// `seed` keys its hash, so that no client can aim for collisions. Verbs pass the keyed hash of the
/// command's own key, which outsiders do not know either.
class Distinct {
 public:
  explicit Distinct(uint64_t seed) : seed_(seed) {}

  /// Room for `count` strings without growing.
  void Reserve(size_t count);

  /// Adds `text`, whose bytes must outlive this, unless it is in. Returns whether it was added.
  /// O(1), amortized.
  bool Insert(std::string_view text);
  [[nodiscard]] bool Contains(std::string_view text) const;

  [[nodiscard]] size_t size() const { return items_.size(); }
  [[nodiscard]] const std::vector<std::string_view>& items() const { return items_; }

 private:
  /// A place in the index: 0 empty, else 1 + the item's number below, hash bits above.
  using Cell = uint64_t;

  [[nodiscard]] size_t Probe(std::string_view text, uint64_t hash) const;
  void Rehash(size_t cells);

  uint64_t seed_;
  std::vector<std::string_view> items_;
  std::vector<Cell> cells_;  // a power of two, at most half full
};

/// Tells first sights from repeats among the words of one command, which must be counted once: a
/// verb does not see its own batch. Words stand at places 0, stride, 2 * stride, ...
class FirstSights {
 public:
  FirstSights(std::span<const std::string_view> words, size_t stride, uint64_t seed)
      : words_(words), stride_(stride), seen_(seed) {}

  /// Whether words[place] stands at no earlier place. Ask once a place, in ascending order.
  [[nodiscard]] bool IsFirst(size_t place);

 private:
  // Up to so many words, comparing them is cheaper than hashing, and allocates nothing.
  static constexpr size_t kCompareMax = 16;

  std::span<const std::string_view> words_;
  size_t stride_;
  Distinct seen_;
};

}  // namespace cloakroom
