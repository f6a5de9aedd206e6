#pragma once

#include <cstdint>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/base/result.h"

namespace cloakroom {

/// The packed forms in which Redis keeps small collections; in dump files each stands in a string.
/// All have a size or count in front and are read front to back.

/// Takes the next element, which is there during the call only; false ends the walk early.
using PackedVisit = FunctionRef<bool(std::string_view element)>;

/// Each of these calls `visit` with the elements in order. Bytes come from outside: no read leaves
/// `packed`, nothing is allocated, and every size and count in it must agree with what is there.
///   errors  kInvalid  malformed: where in `packed`, and what was expected. Some elements may have
///                     been visited.

/// Since Redis 7.0 (and in streams before):
///   bytes u32 | count u16, 65535: many | entry ... | 0xFF
/// an entry is its encoding, its data, and the size of both, readable from behind.
[[nodiscard]] Result<void> ForEachInListpack(std::string_view packed, PackedVisit visit);

/// Before Redis 7.0:
///   bytes u32 | offset of the last entry u32 | count u16, 65535: many | entry ... | 0xFF
/// an entry is the size of the one before, its encoding, and its data.
[[nodiscard]] Result<void> ForEachInZiplist(std::string_view packed, PackedVisit visit);

/// Before Redis 2.6, of hashes:
///   count u8, 254: many | field size, field, value size, spare u8, value, spare bytes ... | 0xFF
/// sizes from 254 on take five bytes.
[[nodiscard]] Result<void> ForEachInZipmap(std::string_view packed, PackedVisit visit);

/// Sets of integers:  width u32: 2, 4 or 8 | count u32 | integers in ascending order, at least one
[[nodiscard]] Result<void> ForEachInIntset(std::string_view packed, PackedVisit visit);

}  // namespace cloakroom
