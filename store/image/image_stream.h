#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/image_blocks.h"
#include "store/image/image_decoder.h"
#include "store/table/keyspace.h"
#include "store/table/keyspace_load.h"

namespace cloakroom {

/// Reads an image into a keyspace as its bytes arrive, in pieces of any size: ImageLoader for a
/// socket. Nothing about them is believed, and memory grows only as they come.
class ImageStream {
 public:
  /// `keys` is empty before the first block. After an error it is of no more use.
  explicit ImageStream(Keyspace& keys) : keys_(keys) {}

  /// Takes the next bytes. True: that was all of the image.
  ///   errors  as ImageLoader, without a file's name
  [[nodiscard]] Result<bool> Feed(std::string_view bytes);

  /// Once its bytes were there.
  [[nodiscard]] const std::optional<ImageHeader>& header() const { return header_; }
  [[nodiscard]] uint64_t entries() const { return decoder_ ? decoder_->entries() : 0; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] Result<bool> ReadHeader();
  [[nodiscard]] Result<bool> ReadBlock();

  Keyspace& keys_;
  std::optional<ImageHeader> header_;
  std::optional<ImageBlocks> blocks_;
  std::unique_ptr<KeyspaceLoader> loader_;
  std::optional<ImageDecoder> decoder_;
  std::string buffer_;
  size_t at_ = 0;       // of buffer_: what was read
  uint64_t bytes_ = 0;  // taken in all
  bool done_ = false;
};

}  // namespace cloakroom
