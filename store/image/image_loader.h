#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/image/image_decoder.h"
#include "store/image/image_reader.h"
#include "store/table/keyspace.h"
#include "store/table/keyspace_load.h"

namespace cloakroom {

/// What an image is, once it is written or read.
struct ImageInfo {
  uint64_t sequence = 0;
  TimeMs time_ms = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

/// Reads an image's file into a keyspace, in slices; blocks. For starts and tools.
class ImageLoader {
 public:
  /// `now`: for expired(). Errors as ImageReader::Open.
  [[nodiscard]] static Result<ImageLoader> Open(Disk& disk, const std::string& path,
                                                TimeMs now = 0);

  [[nodiscard]] const ImageHeader& header() const { return reader_.header(); }

  /// Loads about `bytes` more of the file into `keys`: the same in each call, and empty before the
  /// first, which sets its time to the header's. True: there is more. After an error the keyspace
  /// is of no more use.
  ///   errors  kDamaged      with the file, the offset, and what was expected
  ///           kUnavailable  the image has more databases than the keyspace
  ///           kIo
  [[nodiscard]] Result<bool> Step(Keyspace& keys, size_t bytes);

  [[nodiscard]] uint64_t read_bytes() const { return reader_.read_bytes(); }
  [[nodiscard]] uint64_t size_bytes() const { return reader_.size_bytes(); }
  [[nodiscard]] uint64_t entries() const { return decoder_ ? decoder_->entries() : 0; }
  /// How many of the entries had ended by `now`; the log behind the image frees them.
  [[nodiscard]] uint64_t expired() const { return decoder_ ? decoder_->expired() : 0; }

 private:
  ImageLoader(ImageReader reader, TimeMs now) : reader_(std::move(reader)), now_(now) {}

  ImageReader reader_;
  TimeMs now_;
  std::unique_ptr<KeyspaceLoader> loader_;  // from the first Step on
  std::optional<ImageDecoder> decoder_;
  bool done_ = false;
};

/// Reads all of an image and checks sums and form, without a keyspace. Errors as ImageLoader's.
[[nodiscard]] Result<ImageInfo> CheckImage(Disk& disk, const std::string& path);

}  // namespace cloakroom
