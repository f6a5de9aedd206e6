#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "store/base/coding.h"
#include "store/base/result.h"
#include "store/image/image_format.h"
#include "store/table/keyspace_load.h"

namespace cloakroom {

/// Reads the items of an image's blocks. Nothing about the bytes is believed.
class ImageDecoder {
 public:
  /// `loader`: where they go; nullptr: their form alone is checked. `now`: for expired().
  ImageDecoder(TimeMs time, KeyspaceLoader* loader, TimeMs now = 0)
      : time_(time), now_(now), loader_(loader) {}

  /// Reads the items of the next block.
  ///   errors  kDamaged      they are not what an image has, with the reason
  ///           kUnavailable  the keyspace has too few databases
  [[nodiscard]] Result<void> Decode(std::string_view items);
  /// The last block was read.
  [[nodiscard]] Result<void> Finish() const;
  /// Sessions, tombstones, marks and keys so far.
  [[nodiscard]] uint64_t entries() const { return entries_; }
  /// How many of the sessions and keys have a deadline at or before `now`.
  [[nodiscard]] uint64_t expired() const { return expired_; }

 private:
  [[nodiscard]] Result<void> Item(ItemKind kind);
  [[nodiscard]] Result<void> Namespace();
  [[nodiscard]] Result<void> Shape();
  [[nodiscard]] Result<void> Session(bool lone);
  [[nodiscard]] Result<void> Tombstone();
  [[nodiscard]] Result<void> UserMark();
  [[nodiscard]] Result<void> Entry(bool large);
  [[nodiscard]] Result<void> Part(ItemKind kind);
  [[nodiscard]] std::span<const SpentToken> SpentTokens();
  [[nodiscard]] TimeMs Deadline();
  [[nodiscard]] TimeMs Time();
  [[nodiscard]] uint32_t U32();

  const TimeMs time_;
  const TimeMs now_;
  KeyspaceLoader* loader_;
  ByteReader in_{{}};
  uint64_t entries_ = 0;
  uint64_t expired_ = 0;
  uint64_t shapes_ = 0;
  std::vector<std::string_view> names_;
  std::array<SpentToken, SpentToken::kMax> spent_;
};

}  // namespace cloakroom
