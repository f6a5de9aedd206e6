#pragma once

#include <cstddef>
#include <cstdint>

namespace cloakroom {

/// The longest line (an inline request, a count) before its end: beyond it a client is cut off.
inline constexpr size_t kLineBytesMax = 64 * 1024;

/// The most words one request may announce.
inline constexpr int64_t kWordsMax = 2147483647;

/// What a client that has not yet authenticated may send: enough for AUTH and HELLO.
inline constexpr int64_t kUnauthenticatedWordsMax = 10;
inline constexpr int64_t kUnauthenticatedWordBytesMax = 16384;

/// What the parser lets through at this moment.
struct RequestLimits {
  int64_t word_bytes_max = int64_t{512} << 20;  // proto-max-bulk-len
  bool unauthenticated = false;
};

}  // namespace cloakroom
