#pragma once

#include <cstddef>
#include <cstdint>

#include "store/base/check.h"

namespace cloakroom {

inline constexpr char kBase64Url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes base64url without padding. Precondition: whole groups of three bytes, and room for four
/// characters of each.
inline void PutBase64Url(char* out, const unsigned char* bytes, size_t size) {
  DCHECK(size % 3 == 0);
  for (size_t i = 0; i < size; i += 3, out += 4) {
    const uint32_t group = uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
    out[0] = kBase64Url[group >> 18];
    out[1] = kBase64Url[group >> 12 & 63];
    out[2] = kBase64Url[group >> 6 & 63];
    out[3] = kBase64Url[group & 63];
  }
}

}  // namespace cloakroom
