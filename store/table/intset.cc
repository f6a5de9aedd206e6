#include "store/table/intset.h"

#include <cstring>
#include <limits>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

template <typename T>
bool Fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

size_t WidthOf(int64_t value) {
  if (Fits<int16_t>(value)) return 2;
  return Fits<int32_t>(value) ? 4 : 8;
}

size_t Width(std::string_view intset) { return static_cast<size_t>(intset.front()); }

int64_t Load(const char* at, size_t width) {
  if (width == 2) return LoadInt<int16_t>(at);
  if (width == 4) return LoadInt<int32_t>(at);
  return LoadInt<int64_t>(at);
}

// The first `width` bytes of a little-endian integer that fits them are that integer.
void Store(char* at, size_t width, int64_t value) { std::memcpy(at, &value, width); }

/// The index of the first integer that is not below `value`.
size_t LowerBound(std::string_view intset, int64_t value) {
  size_t low = 0;
  size_t high = IntsetSize(intset);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (IntsetAt(intset, middle) < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool Holds(std::string_view intset, size_t index, int64_t value) {
  return index < IntsetSize(intset) && IntsetAt(intset, index) == value;
}

void Widen(std::string& intset, size_t width) {
  const std::string old = intset;
  const size_t size = IntsetSize(old);
  intset.assign(1 + size * width, static_cast<char>(width));
  for (size_t i = 0; i < size; ++i) Store(intset.data() + 1 + i * width, width, IntsetAt(old, i));
}

}  // namespace

size_t IntsetSize(std::string_view intset) {
  return intset.empty() ? 0 : (intset.size() - 1) / Width(intset);
}

int64_t IntsetAt(std::string_view intset, size_t index) {
  DCHECK(index < IntsetSize(intset));
  const size_t width = Width(intset);
  return Load(intset.data() + 1 + index * width, width);
}

bool IntsetContains(std::string_view intset, int64_t value) {
  return Holds(intset, LowerBound(intset, value), value);
}

bool IntsetAdd(std::string& intset, int64_t value) {
  if (intset.empty()) intset.push_back(static_cast<char>(WidthOf(value)));
  const size_t index = LowerBound(intset, value);
  if (Holds(intset, index, value)) return false;
  if (WidthOf(value) > Width(intset)) Widen(intset, WidthOf(value));
  const size_t width = Width(intset);
  char bytes[sizeof value];
  Store(bytes, width, value);
  intset.insert(1 + index * width, bytes, width);
  return true;
}

size_t IntsetRemove(char* intset, size_t size, int64_t value) {
  const std::string_view bytes(intset, size);
  const size_t index = LowerBound(bytes, value);
  if (!Holds(bytes, index, value)) return size;
  const size_t width = Width(bytes);
  char* const at = intset + 1 + index * width;
  std::memmove(at, at + width, static_cast<size_t>(intset + size - at) - width);
  return size - width;
}

bool IntsetHolds(std::string_view bytes) {
  if (bytes.empty()) return false;
  const char width = bytes[0];
  if (width != 2 && width != 4 && width != 8) return false;
  const size_t size = (bytes.size() - 1) / static_cast<size_t>(width);
  if (size == 0 || size * static_cast<size_t>(width) + 1 != bytes.size()) return false;
  for (size_t i = 1; i < size; ++i)
    if (IntsetAt(bytes, i - 1) >= IntsetAt(bytes, i)) return false;
  return true;
}

}  // namespace cloakroom
