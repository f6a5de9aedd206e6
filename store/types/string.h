#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/op/write_batch.h"
#include "store/table/entry.h"
#include "store/types/key.h"

namespace cloakroom {

/// The most bytes that one entry can hold as a string, whatever the configured limit.
inline constexpr uint64_t kStringBytesMax = std::numeric_limits<uint32_t>::max();

/// In every verb below `place.entry` is nullptr or of type kString: the caller has checked.

/// Sets the key to `value` with `deadline` (kNoDeadline: none), replacing anything of any type.
/// A deadline that is not after `now` leaves no key at all; only then `place.entry` is looked at,
/// so that a plain SET need not look the key up. O(1) plus the copy.
void SetString(const Place& place, std::string_view value, TimeMs deadline, TimeMs now,
               WriteBatch& batch);

/// Adds `by` to the integer at the key (0 when absent), keeping its deadline.
///   returns the sum
///   errors  kInvalid     the value is not an integer in strict form
///           kOutOfRange  the sum leaves 64 bits
[[nodiscard]] Result<int64_t> IncrementString(const Place& place, int64_t by, WriteBatch& batch);

/// The same for a floating-point number.
///   returns the sum as it is stored
///   errors  kInvalid     the value is not a number
///           kOutOfRange  the sum is NaN or infinite
[[nodiscard]] Result<std::string> IncrementStringFloat(const Place& place, long double by,
                                                       WriteBatch& batch);

/// Appends `bytes`; makes the key when absent. Returns the new length.
///   errors  kOutOfRange  an existing string would grow beyond `bytes_max`
[[nodiscard]] Result<uint64_t> AppendString(const Place& place, std::string_view bytes,
                                            uint64_t bytes_max, WriteBatch& batch);

/// Overwrites from `offset` on, zero-filling a gap; makes the key when absent. Writing nothing
/// changes nothing. Returns the new length.
///   errors  kOutOfRange  the string would end beyond `bytes_max`
[[nodiscard]] Result<uint64_t> WriteString(const Place& place, uint64_t offset,
                                           std::string_view bytes, uint64_t bytes_max,
                                           WriteBatch& batch);

/// The bytes from `first` to `last`, both included; negative places count from the end, -1 being
/// the last byte. What lies outside of the string is left out.
[[nodiscard]] std::string_view StringRange(std::string_view value, int64_t first, int64_t last);

/// OBJECT ENCODING's word for the string in `entry`: "int", "embstr" or "raw".
[[nodiscard]] std::string_view StringEncoding(const Entry& entry);

}  // namespace cloakroom
