#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/image/image_blocks.h"
#include "store/image/image_format.h"

namespace cloakroom {

/// Reads the blocks of an image's file in order, through a window of 1 MiB or one block, whichever
/// is larger; blocks. Memory that is asked for on behalf of the file is never more than that, or
/// than the file has bytes.
class ImageReader {
 public:
  /// Opens the file and checks its header.
  ///   errors  kNotFound, kIo  the file cannot be read
  ///           kUnavailable    a newer build wrote it
  ///           kDamaged        it is no image
  [[nodiscard]] static Result<ImageReader> Open(Disk& disk, const std::string& path);

  [[nodiscard]] const ImageHeader& header() const { return header_; }

  /// The items of the next block, good until the next call; nothing when all were read: the end was
  /// there, it is what the blocks say, and nothing follows.
  ///   errors  kDamaged  with the file, the offset, and what was expected
  ///           kIo
  [[nodiscard]] Result<std::optional<std::string_view>> Next();
  /// Once Next has given nothing.
  [[nodiscard]] const ImageEnd& end() const { return checker_.end(); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] uint64_t read_bytes() const { return offset_; }
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  /// Where the block of the newest Next begins.
  [[nodiscard]] uint64_t block_at() const { return block_at_; }

  /// What is wrong with the newest block, as an error that says where it is.
  [[nodiscard]] tl::unexpected<Error> Damaged(std::string_view reason,
                                              Code code = Code::kDamaged) const;

 private:
  ImageReader(std::string path, DiskFilePtr file, uint64_t size_bytes)
      : path_(std::move(path)), file_(std::move(file)), size_bytes_(size_bytes) {}

  [[nodiscard]] Result<std::string_view> Bytes(uint64_t offset, uint64_t size);

  std::string path_;
  DiskFilePtr file_;
  uint64_t size_bytes_;
  ImageHeader header_;
  ImageBlocks checker_{0};
  uint64_t offset_ = 0;
  uint64_t block_at_ = 0;
  uint32_t blocks_ = 0;
  bool ended_ = false;
  std::string window_;
  uint64_t window_at_ = 0;
};

}  // namespace cloakroom
