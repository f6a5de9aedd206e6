#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "store/base/check.h"
#include "store/base/time.h"

namespace cloakroom {

/// What an entry holds. Numbers are stored in images: never reuse one.
enum class ValueType : uint8_t {
  kString = 0,
  kHash = 1,
  kSet = 2,
  kSession = 3,
  kTombstone = 4,
  kUserIndex = 5,
};

/// How the value bytes are to be read. kPlain: they are the value. kRaw: the same, but made by
/// APPEND or SETRANGE (OBJECT ENCODING says raw). kIntset: a sorted set of integers.
/// kTable: they are one pointer to a heap Table. kText: the value, made by INCRBYFLOAT (OBJECT
/// ENCODING never says int).
enum class Encoding : uint8_t { kPlain = 0, kRaw = 1, kIntset = 2, kTable = 3, kText = 4 };

/// One block: header, key, value. Lives where a Table puts it; never constructed otherwise.
///
///   0      6              7       10        11          13
///   +------+--------------+-------+---------+-----------+---------------------+-----+-------+
///   | dead | type|enc|arm | clock | keysize | valuesize | (u32 key, u32 value)| key | value |
///   +------+--------------+-------+---------+-----------+---------------------+-----+-------+
///     u48    u4   u3  u1    u24      u8        u16        only when keysize = 255
///
/// The long form, in which the sizes have four bytes each, is for keys from 255 bytes and values
/// from 64 KiB on. It is kept when such a value shrinks. Byte 6 is never 0xFF: see SlabHeap.
class Entry {
 public:
  static constexpr uint32_t kHeaderBytes = 13;
  static constexpr uint32_t kLongHeaderBytes = kHeaderBytes + 8;
  static constexpr size_t kShortValueMax = UINT16_MAX;

  /// Bytes of a new block with such a key and value.
  [[nodiscard]] static size_t BlockBytes(size_t key_bytes, size_t value_bytes) {
    return HeaderBytes(NeedsLong(key_bytes, value_bytes)) + key_bytes + value_bytes;
  }
  /// Whether only the long form can hold such a key and value.
  [[nodiscard]] static bool NeedsLong(size_t key_bytes, size_t value_bytes) {
    return key_bytes >= kLong || value_bytes > kShortValueMax;
  }

  /// Writes header and key into fresh memory; the value bytes are left as they are.
  void Init(std::string_view key, ValueType type, Encoding encoding, uint32_t value_bytes) {
    std::memset(bytes_, 0, kHeaderBytes);
    set_type(type, encoding);
    const bool is_long = NeedsLong(key.size(), value_bytes);
    bytes_[kKeySizeAt] = static_cast<uint8_t>(is_long ? kLong : key.size());
    if (is_long) {
      const auto size = static_cast<uint32_t>(key.size());
      std::memcpy(bytes_ + kHeaderBytes, &size, 4);
    }
    set_value_size(value_bytes);
    // Beyond the header the block goes on: no index into bytes_.
    auto* const text = reinterpret_cast<char*>(bytes_);
    std::memcpy(text + HeaderBytes(is_long), key.data(), key.size());
  }

  [[nodiscard]] TimeMs deadline() const {
    uint64_t low = 0;
    std::memcpy(&low, bytes_, 8);
    return static_cast<TimeMs>(low & 0xFFFF'FFFF'FFFFULL);
  }
  /// Only a Table sets deadlines (it keeps the wheel in step).
  void set_deadline(TimeMs deadline) { std::memcpy(bytes_, &deadline, 6); }

  /// Deadlines are exclusive: at exactly its deadline an entry is gone.
  [[nodiscard]] bool LiveAt(TimeMs now) const {
    const TimeMs at = deadline();
    return at == kNoDeadline || now < at;
  }

  [[nodiscard]] ValueType type() const { return static_cast<ValueType>(bytes_[6] & 15); }
  [[nodiscard]] Encoding encoding() const { return static_cast<Encoding>((bytes_[6] >> 4) & 7); }
  void set_type(ValueType type, Encoding encoding) {
    DCHECK(static_cast<uint8_t>(type) < 15 && static_cast<uint8_t>(encoding) < 8);
    bytes_[6] = static_cast<uint8_t>((bytes_[6] & kArmed) | static_cast<uint8_t>(type) |
                                     static_cast<uint8_t>(encoding) << 4);
  }

  /// Whether the wheel holds an arm for this entry. The table's business alone.
  [[nodiscard]] bool armed() const { return (bytes_[6] & kArmed) != 0; }
  void set_armed(bool armed) {
    bytes_[6] = static_cast<uint8_t>(armed ? bytes_[6] | kArmed : bytes_[6] & ~kArmed);
  }

  /// The access clock: what it means is the eviction policy's business. Not state.
  [[nodiscard]] uint32_t clock() const {
    return bytes_[7] | uint32_t{bytes_[8]} << 8 | uint32_t{bytes_[9]} << 16;
  }
  void set_clock(uint32_t clock) const { std::memcpy(const_cast<uint8_t*>(bytes_) + 7, &clock, 3); }

  [[nodiscard]] bool is_long() const { return bytes_[kKeySizeAt] == kLong; }
  [[nodiscard]] std::string_view key() const {
    const auto* text = reinterpret_cast<const char*>(bytes_);
    if (!is_long()) [[likely]]
      return {text + kHeaderBytes, bytes_[kKeySizeAt]};
    uint32_t size = 0;
    std::memcpy(&size, bytes_ + kHeaderBytes, 4);
    return {text + kLongHeaderBytes, size};
  }
  [[nodiscard]] uint32_t value_size() const {
    if (!is_long()) [[likely]] {
      uint16_t size = 0;
      std::memcpy(&size, bytes_ + kValueSizeAt, 2);
      return size;
    }
    uint32_t size = 0;
    std::memcpy(&size, bytes_ + kHeaderBytes + 4, 4);
    return size;
  }
  /// Precondition: the entry is_long, or size <= kShortValueMax.
  void set_value_size(uint32_t size) {
    DCHECK(is_long() || size <= kShortValueMax);
    if (!is_long()) [[likely]]
      std::memcpy(bytes_ + kValueSizeAt, &size, 2);
    else
      std::memcpy(bytes_ + kHeaderBytes + 4, &size, 4);
  }

  [[nodiscard]] std::string_view value() const { return {key().end(), value_size()}; }
  [[nodiscard]] char* value_data() { return const_cast<char*>(key().end()); }

  /// Bytes before the value.
  [[nodiscard]] size_t FixedBytes() const { return HeaderBytes(is_long()) + key().size(); }
  [[nodiscard]] size_t BlockBytes() const { return FixedBytes() + value_size(); }

 private:
  static constexpr uint8_t kArmed = 128;  // in byte 6
  static constexpr uint32_t kKeySizeAt = 10;
  static constexpr uint32_t kValueSizeAt = 11;
  static constexpr uint32_t kLong = 255;

  [[nodiscard]] static size_t HeaderBytes(bool is_long) {
    return is_long ? kLongHeaderBytes : kHeaderBytes;
  }

  Entry() = delete;
  uint8_t bytes_[kHeaderBytes];
};

static_assert(sizeof(Entry) == Entry::kHeaderBytes);

}  // namespace cloakroom
