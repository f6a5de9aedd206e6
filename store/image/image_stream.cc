#include "store/image/image_stream.h"

namespace cloakroom {

Result<bool> ImageStream::Feed(std::string_view bytes) {
  if (done_) return Fail(Code::kDamaged, "bytes follow the end of the image");
  bytes_ += bytes.size();
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(bytes);
  if (!header_) {
    TRY(const bool read, ReadHeader());
    if (!read) return false;
  }
  while (true) {
    TRY(const bool read, ReadBlock());
    if (!read || done_) break;
  }
  if (done_ && at_ != buffer_.size())
    return Fail(Code::kDamaged, "bytes follow the end of the image");
  return done_;
}

Result<bool> ImageStream::ReadHeader() {
  if (buffer_.size() < kImageHeaderBytes) return false;
  const std::string_view bytes = std::string_view(buffer_).substr(0, kImageHeaderBytes);
  TRY(const ImageHeader header, DecodeImageHeader(bytes));
  header_ = header;
  blocks_.emplace(ImageSalt(bytes));
  loader_ = std::make_unique<KeyspaceLoader>(keys_, header.time_ms);
  decoder_.emplace(header.time_ms, loader_.get());
  at_ = kImageHeaderBytes;
  return true;
}

/// Returns false when more bytes are needed.
Result<bool> ImageStream::ReadBlock() {
  const std::string_view left = std::string_view(buffer_).substr(at_);
  if (left.size() < kImageBlockBytes) return false;
  const uint64_t size = kImageBlockBytes + uint64_t{DecodeBlock(left).size_bytes};
  if (left.size() < size) return false;
  TRY(const std::optional<std::string_view> items, blocks_->Read(left.substr(0, size)));
  at_ += size;
  if (items) {
    TRY_VOID(decoder_->Decode(*items));
    return true;
  }
  TRY_VOID(decoder_->Finish());
  if (blocks_->end().entries != decoder_->entries())
    return Fail(Code::kDamaged, "the end speaks of another number of entries");
  loader_.reset();
  done_ = true;
  return true;
}

}  // namespace cloakroom
