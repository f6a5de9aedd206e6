#include "store/image/image_reader.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{1} << 20;

}  // namespace

Result<ImageReader> ImageReader::Open(Disk& disk, const std::string& path) {
  TRY(DiskFilePtr file, disk.OpenNow(path, Disk::Mode::kRead));
  TRY(const uint64_t size_bytes, file->SizeNow());
  ImageReader reader(path, std::move(file), size_bytes);
  // A newer build's header may be longer than ours.
  TRY(const std::string_view bytes, reader.Bytes(0, std::min(kWindowBytes, size_bytes)));
  const Result<ImageHeader> header = DecodeImageHeader(bytes);
  if (!header)
    return Fail(header.error().code, "cannot read the image {}: {}", path, header.error().message);
  reader.header_ = *header;
  reader.checker_ = ImageBlocks(ImageSalt(bytes));
  reader.offset_ = kImageHeaderBytes;
  return reader;
}

tl::unexpected<Error> ImageReader::Damaged(std::string_view reason, Code code) const {
  return Fail(code, "{} the image {}: block {} at offset {}: {}",
              code == Code::kDamaged ? "damage in" : "cannot load", path_, blocks_ - 1, block_at_,
              reason);
}

Result<std::string_view> ImageReader::Bytes(uint64_t offset, uint64_t size) {
  CHECK(offset <= size_bytes_ && size <= size_bytes_ - offset);
  if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
    window_.resize(std::min(std::max(size, kWindowBytes), size_bytes_ - offset));
    TRY(const size_t got, file_->ReadNow(offset, window_));
    window_.resize(got);
    window_at_ = offset;
    if (got < size) return Fail(Code::kIo, "the image {} became shorter while it was read", path_);
  }
  return std::string_view(window_).substr(offset - window_at_, size);
}

Result<std::optional<std::string_view>> ImageReader::Next() {
  if (ended_) return std::nullopt;
  block_at_ = offset_;
  ++blocks_;
  if (size_bytes_ - offset_ < kImageBlockBytes)
    return Damaged("it is cut off: a block was expected, or the end");
  TRY(const std::string_view head, Bytes(offset_, kImageBlockBytes));
  const ImageBlock block = DecodeBlock(head);
  if (block.size_bytes > size_bytes_ - offset_ - kImageBlockBytes)
    return Damaged("it is cut off, or its size is not what was written");
  TRY(const std::string_view whole, Bytes(offset_, kImageBlockBytes + uint64_t{block.size_bytes}));
  const Result<std::optional<std::string_view>> items = checker_.Read(whole);
  if (!items) return Damaged(items.error().message);
  offset_ += whole.size();
  if (*items) return *items;
  if (offset_ != size_bytes_) return Damaged("bytes follow the end");
  ended_ = true;
  return std::nullopt;
}

}  // namespace cloakroom
