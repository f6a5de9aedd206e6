#pragma once

#include <cstdint>
#include <string_view>

namespace cloakroom {

/// Where an entry stands in a table: its slot, then a keyed hash.
///
///   prefix (64 bits)   slot (14) | hash bits 63..14 (50)   order of the index, splits, SCAN
///   bucket             hash bits 5..0                      which of a segment's 64 buckets
///   tag                hash bits 13..6                     the one byte kept in the bucket
struct Position {
  uint16_t slot = 0;
  uint64_t hash = 0;

  [[nodiscard]] uint64_t Prefix() const { return (uint64_t{slot} << 50) | (hash >> 14); }
  [[nodiscard]] uint32_t Bucket() const { return static_cast<uint32_t>(hash & 63); }
  /// Never 0: 0 marks an empty place.
  [[nodiscard]] uint8_t Tag() const {
    const auto tag = static_cast<uint8_t>(hash >> 6);
    return tag == 0 ? uint8_t{1} : tag;
  }
  friend bool operator==(const Position&, const Position&) = default;
};

/// A position for keys that belong to no cluster slot (fields of a large hash, members of a set).
[[nodiscard]] inline Position PositionOfHash(uint64_t hash) {
  return Position{static_cast<uint16_t>(hash >> 50), (hash << 14) | (hash >> 50)};
}

/// A borrowed key together with its position, so that it is hashed once a command.
struct KeyRef {
  std::string_view bytes;
  Position position;
};

}  // namespace cloakroom
