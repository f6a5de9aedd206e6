#include "store/base/crc32c.h"

#include <array>

#include "store/base/coding.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace cloakroom {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // bits reversed: the lowest stands for x^31
constexpr size_t kWordBytes = 8;

using Tables = std::array<std::array<uint32_t, 256>, kWordBytes>;

/// tables[k][b]: what byte b does to the sum when k more bytes come after it in the word.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte)
    for (size_t k = 1; k < kWordBytes; ++k)
      tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xff];
  return tables;
}
constexpr Tables kTables = MakeTables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t ByInstruction(std::string_view bytes, uint32_t crc) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  uint64_t sum = ~crc;
  for (; end - at >= 8; at += 8) sum = _mm_crc32_u64(sum, LoadInt<uint64_t>(at));
  auto narrow = static_cast<uint32_t>(sum);
  if (end - at >= 4) {
    narrow = _mm_crc32_u32(narrow, LoadInt<uint32_t>(at));
    at += 4;
  }
  for (; at != end; ++at) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  return ~narrow;
}

const bool kHasInstruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

uint32_t Crc32cByTable(std::string_view bytes, uint32_t crc) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  uint32_t sum = ~crc;
  // Eight bytes at a time ("slicing", Kounavis and Berry, 2005).
  for (; end - at >= static_cast<ptrdiff_t>(kWordBytes); at += kWordBytes) {
    const uint64_t word = LoadInt<uint64_t>(at) ^ sum;
    sum = 0;
    for (size_t i = 0; i < kWordBytes; ++i)
      sum ^= kTables[kWordBytes - 1 - i][(word >> (8 * i)) & 0xff];
  }
  for (; at != end; ++at)
    sum = (sum >> 8) ^ kTables[0][(sum ^ static_cast<unsigned char>(*at)) & 0xff];
  return ~sum;
}

uint32_t Crc32c(std::string_view bytes, uint32_t crc) {
#if defined(__x86_64__)
  if (kHasInstruction) return ByInstruction(bytes, crc);
#endif
  return Crc32cByTable(bytes, crc);
}

}  // namespace cloakroom
