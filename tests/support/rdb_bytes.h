#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/coding.h"
#include "store/image/crc64.h"

namespace cloakroom {

/// Makes dump files by hand, byte by byte:
///
///   RdbBytes file;
///   file.Raw("REDIS0009").Byte(254).Length(0).Byte(0).String("key").String("value").End();
///   file.bytes ...
struct RdbBytes {
  std::string bytes;

  RdbBytes& Raw(std::string_view raw) {
    bytes.append(raw);
    return *this;
  }
  RdbBytes& Byte(int byte) {
    bytes.push_back(static_cast<char>(byte));
    return *this;
  }
  template <typename T>
  RdbBytes& Int(T number) {
    char stored[sizeof number];
    StoreInt(stored, number);
    return Raw({stored, sizeof stored});
  }
  /// Each in the shortest of the four forms.
  RdbBytes& Length(uint64_t length) {
    if (length < 64) return Byte(static_cast<int>(length));
    if (length < 16384)
      return Byte(static_cast<int>(0x40 | length >> 8)).Byte(static_cast<int>(length & 0xFF));
    if (length <= UINT32_MAX)
      return Byte(0x80).Int(__builtin_bswap32(static_cast<uint32_t>(length)));
    return Byte(0x81).Int(__builtin_bswap64(length));
  }
  RdbBytes& String(std::string_view text) { return Length(text.size()).Raw(text); }
  /// The end mark and the checksum.
  RdbBytes& End() {
    Byte(255);
    return Int(Crc64(0, bytes));
  }
};

/// The bytes that `hex` names; blanks are left out.
inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    const int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | value));
      high = -1;
    }
  }
  return bytes;
}

}  // namespace cloakroom
