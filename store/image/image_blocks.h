#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/image_format.h"
#include "store/image/zstd_pack.h"

namespace cloakroom {

/// Checks the blocks of one image, in order, and unpacks them: be they from a file or a socket.
class ImageBlocks {
 public:
  explicit ImageBlocks(uint32_t salt) : salt_(salt) {}

  /// The items of the next block, good until the next call and as long as `whole` is, its head
  /// and contents; nothing: it was the end, which is what the blocks say.
  ///   errors  kDamaged  with the reason
  [[nodiscard]] Result<std::optional<std::string_view>> Read(std::string_view whole);
  /// Once Read has given nothing.
  [[nodiscard]] const ImageEnd& end() const { return end_; }

 private:
  uint32_t salt_;
  uint32_t blocks_ = 0;
  uint64_t raw_bytes_ = 0;
  ImageEnd end_;
  ZstdUnpacker unpacker_;
  std::string items_;
};

}  // namespace cloakroom
