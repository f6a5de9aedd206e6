#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace cloakroom {

static_assert(std::endian::native == std::endian::little, "stored integers are little-endian");

/// The longest varint: 64 bits in groups of seven.
inline constexpr size_t kVarintBytesMax = 10;

/// Writes `value` as an LEB128 varint at `out`, which has room for it; returns the byte after it.
inline char* PutVarint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

/// How many bytes PutVarint writes.
[[nodiscard]] inline size_t VarintBytes(uint64_t value) {
  return 1 + static_cast<size_t>(std::bit_width(value | 1) - 1) / 7;
}

/// Reads a varint from [at, end). Returns the byte after it, or nullptr when it is cut off, does
/// not fit 64 bits, or is longer than it need be (each number has one form).
[[nodiscard]] inline const char* GetVarint(const char* at, const char* end, uint64_t* value) {
  if (at < end && static_cast<unsigned char>(*at) < 0x80) [[likely]] {
    *value = static_cast<unsigned char>(*at);
    return at + 1;
  }
  uint64_t sum = 0;
  for (unsigned shift = 0; shift < 64 && at < end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    if (shift == 63 && byte > 1) return nullptr;
    sum |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) return nullptr;
      *value = sum;
      return at;
    }
  }
  return nullptr;
}

/// Writes a fixed-size integer, little-endian.
template <typename T>
inline void StoreInt(char* out, T value) {
  static_assert(std::is_integral_v<T>);
  std::memcpy(out, &value, sizeof value);
}

/// Reads a fixed-size integer, little-endian.
template <typename T>
[[nodiscard]] inline T LoadInt(const char* at) {
  static_assert(std::is_integral_v<T>);
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline void AppendVarint(std::string& out, uint64_t value) {
  if (value < 0x80) [[likely]]
    return out.push_back(static_cast<char>(value));
  char buffer[kVarintBytesMax];
  out.append(buffer, PutVarint(buffer, value));
}

/// Appends `bytes` after their size as a varint.
inline void AppendSized(std::string& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

/// Reads encoded bytes front to back. The first thing that is malformed or missing sets it to
/// failed for good, and each read then gives zero or empty: check ok() once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] uint64_t Varint() {
    uint64_t value = 0;
    const char* next = GetVarint(at_, end_, &value);
    if (next == nullptr) [[unlikely]] {
      Fail();
      return 0;
    }
    at_ = next;
    return value;
  }
  template <typename T>
  [[nodiscard]] T Int() {
    const std::string_view bytes = Bytes(sizeof(T));
    return bytes.size() == sizeof(T) ? LoadInt<T>(bytes.data()) : T{};
  }
  [[nodiscard]] std::string_view Bytes(uint64_t size) {
    if (size > left()) [[unlikely]] {
      Fail();
      return {};
    }
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  /// A varint size and that many bytes.
  [[nodiscard]] std::string_view Sized() { return Bytes(Varint()); }

  /// From outside: what was read makes no sense.
  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t left() const { return static_cast<size_t>(end_ - at_); }
  [[nodiscard]] const char* at() const { return at_; }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace cloakroom
