#include <optional>

#include "store/base/coding.h"
#include "store/base/number.h"
#include "store/image/listpack_writer.h"
#include "store/image/packed_form.h"
#include "store/image/packed_integer.h"

namespace cloakroom {
namespace {

constexpr size_t kHeadBytes = 6;
constexpr uint8_t kEnd = 0xFF;
constexpr uint16_t kManyElements = 0xFFFF;
constexpr size_t kIntegerCharsMax = 20;  // -9223372036854775808

/// Where an entry's data stand, and whether they are a number.
struct EntryShape {
  size_t encoding_bytes = 0;
  size_t data_bytes = 0;
  bool is_integer = false;
};

/// `left` begins with an entry's encoding. nullopt: there is no such encoding, or it is cut off.
///
///   0nnnnnnn            the number n                10nnnnnn            n bytes
///   110nnnnn nnnnnnnn   a number, high bits first   1110nnnn nnnnnnnn   n bytes
///   11110000 u32        that many bytes             11110001 .. 100     a number of 2, 3, 4, 8
///   bytes
std::optional<EntryShape> ReadShape(std::string_view left) {
  const auto first = static_cast<uint8_t>(left[0]);
  if (first < 0x80) return EntryShape{.encoding_bytes = 1, .is_integer = true};
  if (first < 0xC0) return EntryShape{.encoding_bytes = 1, .data_bytes = first & 0x3FU};
  if (first < 0xE0) return EntryShape{.encoding_bytes = 2, .is_integer = true};
  if (first < 0xF0) {
    if (left.size() < 2) return std::nullopt;
    const size_t size = (first & 0x0FU) << 8 | static_cast<uint8_t>(left[1]);
    return EntryShape{.encoding_bytes = 2, .data_bytes = size};
  }
  switch (first) {
    case 0xF0:
      if (left.size() < 5) return std::nullopt;
      return EntryShape{.encoding_bytes = 5, .data_bytes = LoadInt<uint32_t>(left.data() + 1)};
    case 0xF1:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 2, .is_integer = true};
    case 0xF2:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 3, .is_integer = true};
    case 0xF3:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 4, .is_integer = true};
    case 0xF4:
      return EntryShape{.encoding_bytes = 1, .data_bytes = 8, .is_integer = true};
    default:
      return std::nullopt;
  }
}

int64_t ReadInteger(std::string_view entry) {
  const auto first = static_cast<uint8_t>(entry[0]);
  if (first < 0x80) return first;
  if (first >= 0xE0) return LoadSigned(entry.substr(1));
  const int64_t bits = (first & 0x1F) << 8 | static_cast<uint8_t>(entry[1]);
  return bits < 4096 ? bits : bits - 8192;
}

/// How many bytes the size of an entry takes behind it; Redis's own bounds, each one too low.
size_t SizeBytes(size_t entry_bytes) {
  if (entry_bytes <= 127) return 1;
  if (entry_bytes < 16383) return 2;
  if (entry_bytes < 2097151) return 3;
  return entry_bytes < 268435455 ? 4 : 5;
}

/// Groups of seven bits, high ones first; all but the first byte have the top bit.
void AppendSize(std::string& out, size_t entry_bytes) {
  const size_t count = SizeBytes(entry_bytes);
  for (size_t i = count; i-- > 0;) {
    const size_t group = (entry_bytes >> (7 * i)) & 127;
    out.push_back(static_cast<char>(i + 1 == count ? group : group | 128));
  }
}

bool SizeStandsBehind(std::string_view left, size_t entry_bytes) {
  if (entry_bytes <= 127) return static_cast<uint8_t>(left[entry_bytes]) == entry_bytes;
  std::string expected;  // at most five bytes: no allocation
  AppendSize(expected, entry_bytes);
  return left.substr(entry_bytes).starts_with(expected);
}

/// The low `count` bytes of a number, little-endian.
void AppendBytes(std::string& out, int64_t number, size_t count) {
  char bytes[sizeof number];
  StoreInt(bytes, number);
  out.append(bytes, count);
}

void AppendInteger(std::string& out, int64_t number) {
  const auto fits = [&](int bits) {
    return number >= -(int64_t{1} << (bits - 1)) && number < int64_t{1} << (bits - 1);
  };
  if (number >= 0 && number < 128) return out.push_back(static_cast<char>(number));
  if (fits(13)) {
    out.push_back(static_cast<char>(0xC0 | (number >> 8 & 0x1F)));
    return out.push_back(static_cast<char>(number & 0xFF));
  }
  const size_t width = fits(16) ? 2 : fits(24) ? 3 : fits(32) ? 4 : 8;
  out.push_back(static_cast<char>(width == 8 ? 0xF4 : 0xF1 + (width - 2)));
  AppendBytes(out, number, width);
}

}  // namespace

Result<void> ForEachInListpack(std::string_view packed, PackedVisit visit) {
  if (packed.size() <= kHeadBytes || LoadInt<uint32_t>(packed.data()) != packed.size())
    return Fail(Code::kInvalid, "byte 0 of the listpack: expected its size, {} bytes",
                packed.size());
  const auto count = LoadInt<uint16_t>(packed.data() + 4);
  size_t at = kHeadBytes;
  uint64_t visited = 0;
  while (static_cast<uint8_t>(packed[at]) != kEnd) {
    const std::string_view left = packed.substr(at);
    const auto shape = ReadShape(left);
    if (!shape) return Fail(Code::kInvalid, "byte {} of the listpack: expected an encoding", at);
    const uint64_t entry_bytes = uint64_t{shape->encoding_bytes} + shape->data_bytes;
    // One byte more: at least the end stands behind the entry and its size.
    if (entry_bytes + SizeBytes(entry_bytes) >= left.size())
      return Fail(Code::kInvalid, "byte {} of the listpack: expected {} bytes, {} are left", at,
                  entry_bytes, left.size());
    if (!SizeStandsBehind(left, entry_bytes))
      return Fail(Code::kInvalid, "byte {} of the listpack: expected the size {} behind the entry",
                  at + entry_bytes, entry_bytes);
    const std::string_view entry = left.substr(0, entry_bytes);
    const bool go_on = shape->is_integer ? VisitInteger(visit, ReadInteger(entry))
                                         : visit(entry.substr(shape->encoding_bytes));
    if (!go_on) return {};
    at += entry_bytes + SizeBytes(entry_bytes);
    ++visited;
  }
  if (at + 1 != packed.size())
    return Fail(Code::kInvalid, "byte {} of the listpack: expected no end before byte {}", at,
                packed.size() - 1);
  if (count != kManyElements && count != visited)
    return Fail(Code::kInvalid, "byte 4 of the listpack: expected the count {}, not {}", visited,
                count);
  return {};
}

ListpackWriter::ListpackWriter(std::string& out) : out_(out), start_(out.size()) {
  out_.append(kHeadBytes, '\0');
}

void ListpackWriter::Add(std::string_view element) {
  const size_t entry_at = out_.size();
  int64_t number = 0;
  if (element.size() <= kIntegerCharsMax && ParseInteger(element, number)) {
    AppendInteger(out_, number);
  } else if (element.size() < 64) {
    out_.push_back(static_cast<char>(0x80 | element.size()));
    out_.append(element);
  } else if (element.size() < 4096) {
    out_.push_back(static_cast<char>(0xE0 | element.size() >> 8));
    out_.push_back(static_cast<char>(element.size() & 0xFF));
    out_.append(element);
  } else {
    out_.push_back(static_cast<char>(0xF0));
    AppendBytes(out_, static_cast<int64_t>(element.size()), 4);
    out_.append(element);
  }
  AppendSize(out_, out_.size() - entry_at);
  ++count_;
}

void ListpackWriter::Finish() {
  out_.push_back(static_cast<char>(kEnd));
  StoreInt(out_.data() + start_, static_cast<uint32_t>(out_.size() - start_));
  StoreInt(out_.data() + start_ + 4,
           count_ < kManyElements ? static_cast<uint16_t>(count_) : kManyElements);
}

}  // namespace cloakroom
