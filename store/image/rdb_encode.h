#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/table/entry.h"

namespace cloakroom {

/// The shortest of the forms that RdbCursor::Length reads.
void AppendRdbLength(std::string& out, uint64_t length);

/// A string: as an integer where it is one of up to 32 bits in strict form, as an LZF stream where
/// that is shorter, else as it is. About 5 ns a byte for what may be compressed.
void AppendRdbString(std::string& out, std::string_view text);

/// The number of the type in which AppendRdbValue writes the value of `entry`: one that Redis 7.0
/// knows. Small hashes are listpacks, sets of integers intsets.
/// Precondition: a string, hash or set.
[[nodiscard]] uint8_t RdbTypeOf(const Entry& entry);

/// Appends the value. `spill` is called after each element of a large collection, and may take away
/// what is in `out`. O(size).
void AppendRdbValue(std::string& out, const Entry& entry, FunctionRef<void()> spill);

}  // namespace cloakroom
