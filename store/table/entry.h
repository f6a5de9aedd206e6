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
///   0      6         7      8       11        12          16 [20]
///   +------+---------+------+-------+---------+-----------+---------+-----+-------+
///   | dead | type|enc| flag | clock | keysize | valuesize | (u32)   | key | value |
///   +------+---------+------+-------+---------+-----------+---------+-----+-------+
///     u48    u4  u4    u8     u24      u8        u32      only when keysize = 255
class Entry {
 public:
  static constexpr uint32_t kHeaderBytes = 16;
  static constexpr uint32_t kLongKey = 255;
  static constexpr uint8_t kArmed = 1;  // flag: the wheel holds an arm for this entry

  /// Bytes of a block with such a key and value.
  [[nodiscard]] static size_t BlockBytes(size_t key_bytes, size_t value_bytes) {
    return kHeaderBytes + (key_bytes >= kLongKey ? 4 : 0) + key_bytes + value_bytes;
  }

  /// Writes header and key into fresh memory; the value bytes are left as they are.
  void Init(std::string_view key, ValueType type, Encoding encoding, uint32_t value_bytes) {
    std::memset(bytes_, 0, kHeaderBytes);
    bytes_[6] =
        static_cast<uint8_t>(static_cast<uint8_t>(type) | static_cast<uint8_t>(encoding) << 4);
    std::memcpy(bytes_ + 12, &value_bytes, 4);
    if (key.size() >= kLongKey) {
      bytes_[11] = kLongKey;
      const auto size = static_cast<uint32_t>(key.size());
      std::memcpy(bytes_ + kHeaderBytes, &size, 4);
      std::memcpy(bytes_ + kHeaderBytes + 4, key.data(), key.size());
    } else {
      bytes_[11] = static_cast<uint8_t>(key.size());
      std::memcpy(bytes_ + kHeaderBytes, key.data(), key.size());
    }
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
  [[nodiscard]] Encoding encoding() const { return static_cast<Encoding>(bytes_[6] >> 4); }
  void set_type(ValueType type, Encoding encoding) {
    bytes_[6] =
        static_cast<uint8_t>(static_cast<uint8_t>(type) | static_cast<uint8_t>(encoding) << 4);
  }

  [[nodiscard]] uint8_t flags() const { return bytes_[7]; }
  void set_flags(uint8_t flags) { bytes_[7] = flags; }

  /// The access clock: what it means is the eviction policy's business. Not state.
  [[nodiscard]] uint32_t clock() const {
    return bytes_[8] | uint32_t{bytes_[9]} << 8 | uint32_t{bytes_[10]} << 16;
  }
  void set_clock(uint32_t clock) const { std::memcpy(const_cast<uint8_t*>(bytes_) + 8, &clock, 3); }

  [[nodiscard]] std::string_view key() const {
    if (bytes_[11] != kLongKey) [[likely]]
      return {reinterpret_cast<const char*>(bytes_) + kHeaderBytes, bytes_[11]};
    uint32_t size = 0;
    std::memcpy(&size, bytes_ + kHeaderBytes, 4);
    return {reinterpret_cast<const char*>(bytes_) + kHeaderBytes + 4, size};
  }
  [[nodiscard]] uint32_t value_size() const {
    uint32_t size = 0;
    std::memcpy(&size, bytes_ + 12, 4);
    return size;
  }
  void set_value_size(uint32_t size) { std::memcpy(bytes_ + 12, &size, 4); }

  [[nodiscard]] std::string_view value() const { return {key().end(), value_size()}; }
  [[nodiscard]] char* value_data() { return const_cast<char*>(key().end()); }

  [[nodiscard]] size_t BlockBytes() const { return BlockBytes(key().size(), value_size()); }

 private:
  Entry() = delete;
  uint8_t bytes_[kHeaderBytes];
};

static_assert(sizeof(Entry) == Entry::kHeaderBytes);

}  // namespace cloakroom
