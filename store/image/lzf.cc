#include "store/image/lzf.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace cloakroom {
namespace {

constexpr size_t kLiteralsMax = 32;
constexpr size_t kCopyMin = 3;
constexpr size_t kCopyMax = 264;
constexpr size_t kBackMax = 8192;
constexpr size_t kLongCopy = 9;  // from this length on it takes a byte of its own

uint32_t Byte(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

/// Appends one copy to `out`, which may overlap what it makes: then that is the last `back` bytes
/// again and again, of which each turn of the loop doubles what there is.
void Repeat(std::string& out, size_t back, size_t length) {
  const size_t from = out.size() - back;
  if (back >= length) {
    out.append(out, from, length);
    return;
  }
  out.resize(from + back + length);
  char* const pattern = out.data() + from;
  for (size_t there = back; there < back + length;) {
    const size_t count = std::min(there, back + length - there);
    std::memcpy(pattern + there, pattern, count);
    there += count;
  }
}

/// Writes streams: literals are gathered until a copy, or the end, comes after them.
class LzfWriter {
 public:
  LzfWriter(std::string_view bytes, std::string& out) : bytes_(bytes), out_(out) {}

  /// Everything before `end` that has not been written, as it is.
  void Literals(size_t end) {
    while (written_ < end) {
      const size_t count = std::min(end - written_, kLiteralsMax);
      out_.push_back(static_cast<char>(count - 1));
      out_.append(bytes_.substr(written_, count));
      written_ += count;
    }
  }
  void Copy(size_t at, size_t back, size_t length) {
    Literals(at);
    const size_t distance = back - 1;
    if (length < kLongCopy) {
      out_.push_back(static_cast<char>((length - 2) << 5 | distance >> 8));
    } else {
      out_.push_back(static_cast<char>(7 << 5 | distance >> 8));
      out_.push_back(static_cast<char>(length - kLongCopy));
    }
    out_.push_back(static_cast<char>(distance & 0xFF));
    written_ = at + length;
  }

 private:
  std::string_view bytes_;
  std::string& out_;
  size_t written_ = 0;
};

}  // namespace

bool AppendUnpackedLzf(std::string_view packed, size_t size, std::string& out) {
  if (size > packed.size() * kLzfGrowthMax) return false;
  const size_t start = out.size();
  const size_t end = start + size;
  out.reserve(end);
  for (size_t at = 0; at < packed.size();) {
    const uint32_t control = Byte(packed, at++);
    if (control < kLiteralsMax) {
      const size_t count = control + 1;
      if (count > packed.size() - at || count > end - out.size()) return false;
      out.append(packed.substr(at, count));
      at += count;
      continue;
    }
    size_t length = control >> 5;
    if (length == 7) {
      if (at == packed.size()) return false;
      length += Byte(packed, at++);
    }
    length += 2;
    if (at == packed.size()) return false;
    const size_t back = ((control & 31) << 8 | Byte(packed, at++)) + 1;
    if (back > out.size() - start || length > end - out.size()) return false;
    Repeat(out, back, length);
  }
  return out.size() == end;
}

bool AppendPackedLzf(std::string_view bytes, size_t packed_max, std::string& out) {
  if (bytes.size() < kCopyMin || bytes.size() > UINT32_MAX) return false;
  const size_t start = out.size();
  // Where each sequence of three bytes was seen last, plus one; a small input needs few places.
  const int bits = std::clamp(static_cast<int>(std::bit_width(bytes.size())) + 2, 8, 14);
  std::vector<uint32_t> seen(size_t{1} << bits);
  LzfWriter writer(bytes, out);
  const auto place = [&](size_t at) -> uint32_t& {
    const uint32_t three = Byte(bytes, at) << 16 | Byte(bytes, at + 1) << 8 | Byte(bytes, at + 2);
    return seen[(three * 2654435761U) >> (32 - bits)];
  };

  size_t at = 0;
  while (at + kCopyMin <= bytes.size()) {
    uint32_t& last = place(at);
    const size_t candidate = last;
    last = static_cast<uint32_t>(at + 1);
    const size_t back = at + 1 - candidate;
    if (candidate == 0 || back > kBackMax ||
        std::memcmp(bytes.data() + at - back, bytes.data() + at, kCopyMin) != 0) {
      ++at;
      continue;
    }
    const size_t length_max = std::min(bytes.size() - at, kCopyMax);
    size_t length = kCopyMin;
    while (length < length_max && bytes[at + length - back] == bytes[at + length]) ++length;
    writer.Copy(at, back, length);
    if (out.size() - start > packed_max) break;
    for (size_t i = at + 1; i < at + length && i + kCopyMin <= bytes.size(); ++i)
      place(i) = static_cast<uint32_t>(i + 1);
    at += length;
  }
  if (out.size() - start <= packed_max) writer.Literals(bytes.size());
  if (out.size() - start <= packed_max) return true;
  out.resize(start);
  return false;
}

}  // namespace cloakroom
