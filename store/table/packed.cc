#include "store/table/packed.h"

#include "store/base/check.h"

namespace cloakroom {

size_t PackedCount(std::string_view packed) {
  size_t count = 0;
  PackedWalk walk(packed);
  for (PackedItem item; walk.Next(item);) ++count;
  return count;
}

bool PackedFind(std::string_view packed, std::string_view wanted, size_t stride, PackedItem& found,
                PackedItem* next) {
  PackedWalk walk(packed);
  while (walk.Next(found)) {
    if (found.bytes == wanted) return next == nullptr || walk.Next(*next);
    PackedItem skipped;
    for (size_t i = 1; i < stride; ++i) CHECK(walk.Next(skipped));
  }
  return false;
}

PackedItem PackedAt(std::string_view packed, size_t index, PackedItem* next) {
  PackedWalk walk(packed);
  PackedItem item;
  do CHECK(walk.Next(item));
  while (index-- > 0);
  if (next != nullptr) CHECK(walk.Next(*next));
  return item;
}

bool PackedHolds(std::string_view packed, size_t stride) {
  ByteReader bytes(packed);
  size_t items = 0;
  for (; bytes.left() > 0; ++items) (void)bytes.Sized();
  return bytes.ok() && items > 0 && items % stride == 0;
}

}  // namespace cloakroom
