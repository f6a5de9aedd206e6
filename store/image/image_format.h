#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/wal/wal_format.h"

namespace cloakroom {

// An image's form on disk and on the wire; FORMAT.md has it in pictures.

/// What stands at the beginning of an image.
struct ImageHeader {
  HistoryId history{};
  uint64_t sequence = 0;  // of the newest record that it holds; 0: none
  uint64_t epoch = 0;     // of that record
  TimeMs time_ms = 0;     // what was dead by then is not in it
};

inline constexpr uint32_t kImageVersion = 1;
inline constexpr size_t kImageHeaderBytes = 96;

[[nodiscard]] std::string EncodeImageHeader(const ImageHeader& header);

/// Reads the header at the beginning of `bytes`.
///   errors  kUnavailable  a newer build wrote it
///           kDamaged      it is no header, or cut off, or not what was written
[[nodiscard]] Result<ImageHeader> DecodeImageHeader(std::string_view bytes);

/// From what the sums of an image's blocks go on, so that those of another are told apart.
[[nodiscard]] uint32_t ImageSalt(std::string_view header);

enum class BlockForm : uint8_t {
  kStored = 0,  // items, as they are
  kZstd = 1,    // items, as one frame of zstd
  kEnd = 2,     // what there was: the last block
};

/// What stands at the beginning of a block.
struct ImageBlock {
  uint32_t sum = 0;
  uint32_t size_bytes = 0;  // of what follows
  uint32_t raw_bytes = 0;   // of the items
  uint32_t number = 0;      // counted from 0
  BlockForm form = BlockForm::kStored;
};

inline constexpr size_t kImageBlockBytes = 20;
/// The usual level of zstd: more takes much longer for what sessions are full of, and saves little.
inline constexpr int kZstdLevel = -1;
/// Nobody is asked to unpack more than so much at once; larger blocks are stored.
inline constexpr size_t kZstdRawMax = 1 << 20;

/// Appends a block with its contents.
void AppendBlock(std::string& out, uint32_t salt, const ImageBlock& block,
                 std::string_view contents);
/// What the first kImageBlockBytes of `bytes` say, unchecked; they must be there.
[[nodiscard]] ImageBlock DecodeBlock(std::string_view bytes);
/// Whether `bytes`, a whole block, are what was written.
[[nodiscard]] bool BlockHolds(std::string_view bytes, uint32_t salt);

/// The contents of the block kEnd.
struct ImageEnd {
  static constexpr size_t kBytes = 16;

  uint64_t entries = 0;    // ImageScan::entries
  uint64_t raw_bytes = 0;  // of all items
};
[[nodiscard]] std::string EncodeEnd(const ImageEnd& end);
/// Precondition: `bytes` has kBytes.
[[nodiscard]] ImageEnd DecodeEnd(std::string_view bytes);

/// How an item begins. Numbers are stored: never reuse one.
enum class ItemKind : uint8_t {
  kSerial = 1,
  kNamespace = 2,
  kShape = 3,
  kSession = 4,
  kLoneSession = 5,
  kTombstone = 6,
  kUserMark = 7,
  kEntry = 8,
  kLarge = 9,
  kBytes = 10,
  kField = 11,
  kMember = 12,
};

}  // namespace cloakroom
