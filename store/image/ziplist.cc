#include <optional>

#include "store/base/coding.h"
#include "store/image/packed_form.h"
#include "store/image/packed_integer.h"

namespace cloakroom {
namespace {

constexpr size_t kHeadBytes = 10;
constexpr uint8_t kEnd = 0xFF;
constexpr uint8_t kLongSize = 0xFE;
constexpr uint16_t kManyElements = 0xFFFF;

/// Where an entry's data stand behind the size of the entry before.
struct EntryShape {
  size_t encoding_bytes = 0;
  uint64_t data_bytes = 0;
  bool is_integer = false;
};

/// `left` begins with an entry's encoding. nullopt: there is no such encoding, or it is cut off.
///
///   00nnnnnn                n bytes             11000000, 11010000, 11100000   a number of 2, 4, 8
///   01nnnnnn nnnnnnnn       n, high bits first  11110000, 11111110             of 3, 1 bytes
///   10...... u32 big-endian that many bytes     1111nnnn, n in 1 .. 13         the number n - 1
std::optional<EntryShape> ReadShape(std::string_view left) {
  if (left.empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(left[0]);
  switch (first >> 6) {
    case 0:
      return EntryShape{.encoding_bytes = 1, .data_bytes = first};
    case 1:
      if (left.size() < 2) return std::nullopt;
      return EntryShape{.encoding_bytes = 2,
                        .data_bytes = (first & 0x3FU) << 8 | static_cast<uint8_t>(left[1])};
    case 2:
      if (left.size() < 5) return std::nullopt;
      return EntryShape{.encoding_bytes = 5,
                        .data_bytes = __builtin_bswap32(LoadInt<uint32_t>(left.data() + 1))};
    default:
      break;
  }
  switch (first) {
    case 0xC0:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 2, .is_integer = true};
    case 0xD0:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 4, .is_integer = true};
    case 0xE0:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 8, .is_integer = true};
    case 0xF0:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 3, .is_integer = true};
    case 0xFE:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 1, .is_integer = true};
    default:
      if (first < 0xF1 || first > 0xFD) return std::nullopt;
      return EntryShape{.encoding_bytes = 1, .is_integer = true};
  }
}

int64_t ReadInteger(std::string_view entry) {
  if (entry.size() == 1) return (static_cast<uint8_t>(entry[0]) & 0x0F) - 1;
  return LoadSigned(entry.substr(1));
}

/// One entry: how many bytes before its encoding say how large the entry before it is.
Result<size_t> ReadSizeBefore(std::string_view left, size_t at, size_t size_before) {
  const bool is_long = static_cast<uint8_t>(left[0]) == kLongSize;
  const size_t bytes = is_long ? 5 : 1;
  const bool whole = left.size() > bytes;
  if (whole &&
      size_before == (is_long ? LoadInt<uint32_t>(left.data() + 1) : static_cast<uint8_t>(left[0])))
    return bytes;
  return Fail(Code::kInvalid, "byte {} of the ziplist: expected the size of the entry before, {}",
              at, size_before);
}

}  // namespace

Result<void> ForEachInZiplist(std::string_view packed, PackedVisit visit) {
  if (packed.size() <= kHeadBytes || LoadInt<uint32_t>(packed.data()) != packed.size())
    return Fail(Code::kInvalid, "byte 0 of the ziplist: expected its size, {} bytes",
                packed.size());
  const auto last = LoadInt<uint32_t>(packed.data() + 4);
  const auto count = LoadInt<uint16_t>(packed.data() + 8);
  size_t at = kHeadBytes;
  size_t last_at = kHeadBytes;
  size_t size_before = 0;
  uint64_t visited = 0;
  while (static_cast<uint8_t>(packed[at]) != kEnd) {
    const std::string_view left = packed.substr(at);
    TRY(const size_t prefix_bytes, ReadSizeBefore(left, at, size_before));
    const auto shape = ReadShape(left.substr(prefix_bytes));
    if (!shape)
      return Fail(Code::kInvalid, "byte {} of the ziplist: expected an encoding",
                  at + prefix_bytes);
    const uint64_t bytes = prefix_bytes + shape->encoding_bytes + shape->data_bytes;
    if (bytes >= left.size())  // at least the end stands behind it
      return Fail(Code::kInvalid, "byte {} of the ziplist: expected {} bytes, {} are left", at,
                  bytes, left.size());
    const std::string_view entry = left.substr(prefix_bytes, bytes - prefix_bytes);
    const bool go_on = shape->is_integer ? VisitInteger(visit, ReadInteger(entry))
                                         : visit(entry.substr(shape->encoding_bytes));
    if (!go_on) return {};
    last_at = at;
    at += bytes;
    size_before = bytes;
    ++visited;
  }
  if (at + 1 != packed.size())
    return Fail(Code::kInvalid, "byte {} of the ziplist: expected no end before byte {}", at,
                packed.size() - 1);
  if (last != last_at)
    return Fail(Code::kInvalid,
                "byte 4 of the ziplist: expected the last entry's offset {}, not {}", last_at,
                last);
  if (count != kManyElements && count != visited)
    return Fail(Code::kInvalid, "byte 8 of the ziplist: expected the count {}, not {}", visited,
                count);
  return {};
}

}  // namespace cloakroom
