#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "store/base/coding.h"

namespace cloakroom {

/// Small collections as one run of bytes: items one after another in the order they came, each
///
///   varint size | bytes
///
/// A packed set has an item a member; a packed hash has two a field, name then value. So a lookup
/// steps over at most a few cache lines. Bytes from outside are checked once,
/// by PackedHolds; everything else trusts them.
struct PackedItem {
  std::string_view bytes;
  const char* start = nullptr;  // of its size; the item ends where its bytes end
};

/// Steps through the items: for (PackedItem item; walk.Next(item);) ...
class PackedWalk {
 public:
  explicit PackedWalk(std::string_view packed)
      : at_(packed.data()), end_(packed.data() + packed.size()) {}

  [[nodiscard]] bool Next(PackedItem& item) {
    if (at_ == end_) return false;
    item.start = at_;
    uint64_t size = static_cast<unsigned char>(*at_);
    if (size < 0x80) [[likely]]
      ++at_;
    else
      at_ = GetVarint(at_, end_, &size);
    item.bytes = std::string_view(at_, size);
    at_ += size;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

/// How many items there are. O(items).
[[nodiscard]] size_t PackedCount(std::string_view packed);

/// For bytes from outside: whether they are items, a multiple of `stride` and at least one.
/// O(items).
[[nodiscard]] bool PackedHolds(std::string_view packed, size_t stride);

/// The first item equal to `wanted` among every `stride`-th (2: the field names of a hash), with
/// the item after it in `next` when that is not nullptr. False when there is none. O(items).
[[nodiscard]] bool PackedFind(std::string_view packed, std::string_view wanted, size_t stride,
                              PackedItem& found, PackedItem* next = nullptr);

/// The item at `index`. Precondition: there is one.
[[nodiscard]] PackedItem PackedAt(std::string_view packed, size_t index,
                                  PackedItem* next = nullptr);

}  // namespace cloakroom
