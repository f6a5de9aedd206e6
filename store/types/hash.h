#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/op/write_batch.h"
#include "store/table/entry.h"
#include "store/table/hash_value.h"
#include "store/types/key.h"

namespace cloakroom {

/// In every verb below `place.entry` is nullptr or of type kHash: the caller has checked.

/// Sets fields, making the hash when absent; of a field given twice the last value holds.
///   fields_values  field, value, field, value, ...; at least one pair
///   returns        how many fields are new
///   cost           a lookup a pair
size_t SetFields(const Place& place, std::span<const std::string_view> fields_values,
                 WriteBatch& batch);

/// Sets `field` unless it exists. Returns whether it was set.
bool SetFieldIfAbsent(const Place& place, std::string_view field, std::string_view value,
                      WriteBatch& batch);

/// Deletes fields; a hash left empty is deleted as a whole. Returns how many there were.
size_t DeleteFields(const Place& place, std::span<const std::string_view> fields,
                    WriteBatch& batch);

/// Adds `by` to the integer in `field` (0 when absent).
///   returns the sum
///   errors  kInvalid     the value is not an integer in strict form
///           kOutOfRange  the sum leaves 64 bits
[[nodiscard]] Result<int64_t> IncrementField(const Place& place, std::string_view field, int64_t by,
                                             WriteBatch& batch);

/// The same for a floating-point number. Precondition: `by` is finite.
///   returns the sum as it is stored
///   errors  kInvalid     the value is not a number
///           kOutOfRange  the sum is NaN or infinite
[[nodiscard]] Result<std::string> IncrementFieldFloat(const Place& place, std::string_view field,
                                                      long double by, WriteBatch& batch);

/// `count` different random pairs, or all of them when there are no more. A packed hash gives them
/// in its own order. The views hold until the next Apply.
///   cost  O(count) for a small part of a large hash, else O(size)
[[nodiscard]] std::vector<FieldValue> SampleFields(const Place& place, size_t count, DrawBits draw);

}  // namespace cloakroom
