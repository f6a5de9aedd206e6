#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloakroom {

/// Numbers as Redis writes and reads them: what a counter may hold, and what INCR may be given.

/// Reads a signed 64-bit integer in the one form that formatting it gives back: no blanks, no `+`,
/// no leading zero, no `-0`. Returns false, and leaves `out` as it was, for anything else.
[[nodiscard]] bool ParseInteger(std::string_view text, int64_t& out);

/// Reads a floating-point number as strtold does in the C locale ("1e3", "0x1p3" and "inf" too);
/// false for blanks around it, NaN, and values too large or too small to represent.
[[nodiscard]] bool ParseLongDouble(std::string_view text, long double& out);

/// What INCRBYFLOAT and HINCRBYFLOAT store: %.17Lf without trailing zeros, never "-0".
[[nodiscard]] std::string FormatLongDouble(long double value);

}  // namespace cloakroom
