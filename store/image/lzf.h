#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cloakroom {

/// LZF, with which Redis shrinks strings in dump files. A stream of
///   000nnnnn                       n + 1 bytes follow as they are
///   lllooooo oooooooo              copy l + 2 bytes from o + 1 bytes back, l in 1 .. 6
///   111ooooo nnnnnnnn oooooooo     copy n + 9 bytes from o + 1 bytes back
/// where a copy may run into what it makes.

/// No stream gives more than this many times its own bytes.
inline constexpr size_t kLzfGrowthMax = 264 / 3;

/// Appends the bytes that `packed` stands for. Returns false, with `out` in some state, when it is
/// no LZF stream, or does not give exactly `size` bytes. Allocates no more than kLzfGrowthMax times
/// packed.size().
[[nodiscard]] bool AppendUnpackedLzf(std::string_view packed, size_t size, std::string& out);

/// Appends a stream that stands for `bytes`. Returns false, with `out` as it was, when that would
/// take more than `packed_max` bytes. About 5 ns a byte.
[[nodiscard]] bool AppendPackedLzf(std::string_view bytes, size_t packed_max, std::string& out);

}  // namespace cloakroom
