#include "store/image/rdb_cursor.h"

#include <fmt/format.h>

#include <bit>
#include <limits>

#include "store/image/lzf.h"
#include "store/image/rdb_format.h"

namespace cloakroom {
namespace {

// The most that one of our entries holds.
constexpr uint64_t kStringBytesMax = std::numeric_limits<uint32_t>::max();

}  // namespace

std::string_view RdbCursor::Bytes(uint64_t size) {
  if (state_ != State::kOk) return {};
  if (size > bytes_.size() - at_) {
    state_ = State::kShort;
    needed_ = at_ + size;
    if (needed_ < size) needed_ = std::numeric_limits<uint64_t>::max();
    return {};
  }
  const std::string_view bytes = bytes_.substr(at_, size);
  at_ += size;
  return bytes;
}

RdbCursor::Head RdbCursor::ReadHead() {
  const uint64_t start = offset();
  const uint8_t first = Byte();
  if (!ok()) return {};
  switch (first >> 6) {
    case 0:
      return {.value = first};
    case 1:
      return {.value = uint64_t{first & 0x3FU} << 8 | Byte()};
    case 3:
      return {.special = true, .value = first & 0x3FU};
    default:
      break;
  }
  if (first == 0x80) return {.value = __builtin_bswap32(Int<uint32_t>())};
  if (first == 0x81) return {.value = __builtin_bswap64(Int<uint64_t>())};
  Fail(start, fmt::format("a length, not byte 0x{:02x}", first));
  return {};
}

uint64_t RdbCursor::Length() {
  const uint64_t start = offset();
  const Head head = ReadHead();
  if (ok() && head.special) Fail(start, "a length, not an encoded string");
  return ok() ? head.value : 0;
}

std::string_view RdbCursor::String(std::string& decoded) {
  const uint64_t start = offset();
  const Head head = ReadHead();
  if (!ok()) return {};
  if (head.special) return Special(head.value, start, &decoded);
  if (head.value > kStringBytesMax)
    Fail(start, fmt::format("a string of at most {} bytes, not {}", kStringBytesMax, head.value));
  return Bytes(head.value);
}

void RdbCursor::SkipString() {
  const uint64_t start = offset();
  const Head head = ReadHead();
  if (!ok()) return;
  if (head.special)
    static_cast<void>(Special(head.value, start, nullptr));
  else
    Skip(head.value);
}

std::string_view RdbCursor::Special(uint64_t encoding, uint64_t start, std::string* decoded) {
  int64_t number = 0;
  switch (encoding) {
    case kRdbInt8:
      number = int64_t{Int<int8_t>()};
      break;
    case kRdbInt16:
      number = Int<int16_t>();
      break;
    case kRdbInt32:
      number = Int<int32_t>();
      break;
    case kRdbLzf:
      return Lzf(start, decoded);
    default:
      Fail(start, fmt::format("an encoding of strings, not {}", encoding));
      return {};
  }
  if (!ok() || decoded == nullptr) return {};
  const fmt::format_int digits(number);
  decoded->assign(digits.data(), digits.size());
  return *decoded;
}

std::string_view RdbCursor::Lzf(uint64_t start, std::string* decoded) {
  const uint64_t packed_bytes = Length();
  const uint64_t size = Length();
  // Checked before the bytes are there: nobody should wait for what cannot be right.
  if (ok() && (packed_bytes > kStringBytesMax || size > kStringBytesMax ||
               size > packed_bytes * kLzfGrowthMax))
    Fail(start,
         fmt::format("a compressed string, not {} bytes that become {}", packed_bytes, size));
  const std::string_view packed = Bytes(packed_bytes);
  if (!ok() || decoded == nullptr) return {};
  decoded->clear();
  if (!AppendUnpackedLzf(packed, size, *decoded)) {
    Fail(start, fmt::format("{} bytes of LZF that become {}", packed_bytes, size));
    return {};
  }
  return *decoded;
}

void RdbCursor::Fail(uint64_t offset, std::string_view expected) {
  if (state_ != State::kOk) return;
  state_ = State::kBad;
  error_.message = fmt::format("offset {}: expected {}", offset, expected);
}

}  // namespace cloakroom
