#include "store/image/image_loader.h"

#include <string_view>
#include <utility>

namespace cloakroom {
namespace {

/// Reads the next block. False: there was none, and all is as the end says.
Result<bool> ReadBlock(ImageReader& reader, ImageDecoder& decoder) {
  TRY(const std::optional<std::string_view> items, reader.Next());
  const Result<void> read = items ? decoder.Decode(*items) : decoder.Finish();
  if (!read) return reader.Damaged(read.error().message, read.error().code);
  if (!items && reader.end().entries != decoder.entries())
    return reader.Damaged("the end speaks of another number of entries");
  return items.has_value();
}

}  // namespace

Result<ImageLoader> ImageLoader::Open(Disk& disk, const std::string& path, TimeMs now) {
  TRY(ImageReader reader, ImageReader::Open(disk, path));
  return ImageLoader(std::move(reader), now);
}

Result<bool> ImageLoader::Step(Keyspace& keys, size_t bytes) {
  if (done_) return false;
  if (!decoder_) {
    loader_ = std::make_unique<KeyspaceLoader>(keys, header().time_ms);
    decoder_.emplace(header().time_ms, loader_.get(), now_);
  }
  const uint64_t until = read_bytes() + bytes;
  do {
    TRY(const bool more, ReadBlock(reader_, *decoder_));
    if (more) continue;
    done_ = true;
    loader_.reset();
    return false;
  } while (read_bytes() < until);
  return true;
}

Result<ImageInfo> CheckImage(Disk& disk, const std::string& path) {
  TRY(ImageReader reader, ImageReader::Open(disk, path));
  const ImageHeader& header = reader.header();
  ImageDecoder decoder(header.time_ms, nullptr);
  while (true) {
    TRY(const bool more, ReadBlock(reader, decoder));
    if (!more) break;
  }
  return ImageInfo{header.sequence, header.time_ms, reader.size_bytes(), decoder.entries()};
}

}  // namespace cloakroom
