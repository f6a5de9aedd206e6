#pragma once

#include <cstdint>

namespace cloakroom {

/// An instant as unix milliseconds, or a span of milliseconds (then the name ends in _ms).
using TimeMs = int64_t;

/// The deadline of an entry that never expires.
inline constexpr TimeMs kNoDeadline = 0;

/// The largest deadline an entry can hold: 48 bits of milliseconds, the year 10889.
inline constexpr TimeMs kDeadlineMax = (int64_t{1} << 48) - 1;

}  // namespace cloakroom
