#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloakroom {

/// A small set of integers as bytes:
///
///   width u8 (2, 4 or 8) | integers of that width, signed, little-endian, ascending
///
/// The width is that of the widest integer it ever held. Bytes from outside are checked once, by
/// IntsetHolds; everything else trusts them.

/// For bytes from outside: whether they are such a set, and not an empty one. O(size).
[[nodiscard]] bool IntsetHolds(std::string_view bytes);

/// How many integers there are. O(1).
[[nodiscard]] size_t IntsetSize(std::string_view intset);
/// The integer at `index`, in ascending order. Precondition: index < size. O(1).
[[nodiscard]] int64_t IntsetAt(std::string_view intset, size_t index);
/// O(log size).
[[nodiscard]] bool IntsetContains(std::string_view intset, int64_t value);

/// Adds `value` to `intset`, which may be an empty string; false when it was there. O(size).
bool IntsetAdd(std::string& intset, int64_t value);
/// Removes `value` from the `size` bytes at `intset`, in place, and returns how many are left: the
/// same when it was not there. O(size).
[[nodiscard]] size_t IntsetRemove(char* intset, size_t size, int64_t value);

}  // namespace cloakroom
