#include "store/base/hash.h"

#include <xxhash.h>

#include <array>

namespace cloakroom {
namespace {

using Crc16Tables = std::array<std::array<uint16_t, 256>, 8>;

// Slicing by 8 (Kounavis and Berry, 2005) for a 16-bit, most-significant-bit-first CRC: row k holds
// what a byte contributes when k more bytes follow it.
constexpr Crc16Tables MakeTables() {
  Crc16Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    auto crc = static_cast<uint16_t>(i << 8);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<uint16_t>((crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t i = 0; i < 256; ++i) {
      const uint16_t before = tables[k - 1][i];
      tables[k][i] = static_cast<uint16_t>((before << 8) ^ tables[0][before >> 8]);
    }
  return tables;
}

constexpr Crc16Tables kTables = MakeTables();

}  // namespace

uint16_t Crc16(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  uint16_t crc = 0;
  while (left >= 8) {
    crc = static_cast<uint16_t>(kTables[7][p[0] ^ (crc >> 8)] ^ kTables[6][p[1] ^ (crc & 255)] ^
                                kTables[5][p[2]] ^ kTables[4][p[3]] ^ kTables[3][p[4]] ^
                                kTables[2][p[5]] ^ kTables[1][p[6]] ^ kTables[0][p[7]]);
    p += 8;
    left -= 8;
  }
  while (left-- > 0)
    crc = static_cast<uint16_t>((crc << 8) ^ kTables[0][((crc >> 8) ^ *p++) & 255]);
  return crc;
}

uint16_t SlotOf(std::string_view key) {
  const size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  }
  return Crc16(key) & (kSlotCount - 1);
}

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace cloakroom
