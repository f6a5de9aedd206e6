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
/// The whole hash is the prefix. Bucket and tag are its lowest bits, those that tell segments apart
/// last: bits that all keys of a segment share would all lead to one bucket.
[[nodiscard]] inline Position PositionOfHash(uint64_t hash) {
  constexpr uint64_t kBucketAndTag = (uint64_t{1} << 14) - 1;
  return Position{static_cast<uint16_t>(hash >> 50), (hash << 14) | (hash & kBucketAndTag)};
}

/// A position in six bytes: enough to find an entry's bucket, and to know the entry nearly always.
/// A slot would need more than 100 million entries for one prefix to lead to several segments.
struct BriefPosition {
  static constexpr uint32_t kPrefixBits = 32;

  uint16_t slot = 0;
  uint32_t bits = 0;  // prefix bits 49..32 (18) | bucket (6) | tag (8)

  [[nodiscard]] static BriefPosition Of(const Position& position) {
    const auto head = static_cast<uint32_t>(position.hash >> 46);
    return {position.slot, head << 14 | position.Bucket() << 8 | position.Tag()};
  }
  /// The first prefix of those that it may stand for.
  [[nodiscard]] uint64_t Prefix() const {
    return (uint64_t{slot} << 50) | (uint64_t{bits >> 14} << 32);
  }
  [[nodiscard]] uint32_t Bucket() const { return (bits >> 8) & 63; }
  [[nodiscard]] uint8_t Tag() const { return static_cast<uint8_t>(bits); }
  friend bool operator==(const BriefPosition&, const BriefPosition&) = default;
  friend bool operator<(const BriefPosition& a, const BriefPosition& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.bits < b.bits;
  }
};

/// A borrowed key together with its position, so that it is hashed once a command.
struct KeyRef {
  std::string_view bytes;
  Position position;
};

}  // namespace cloakroom
