#include "store/image/image_blocks.h"

namespace cloakroom {

Result<std::optional<std::string_view>> ImageBlocks::Read(std::string_view whole) {
  const ImageBlock block = DecodeBlock(whole);
  if (!BlockHolds(whole, salt_))
    return Fail(Code::kDamaged, "its checksum is not that of its bytes");
  if (block.number != blocks_) return Fail(Code::kDamaged, "another one was written here");
  ++blocks_;
  const std::string_view contents = whole.substr(kImageBlockBytes);
  if (block.form == BlockForm::kEnd) {
    if (contents.size() != ImageEnd::kBytes)
      return Fail(Code::kDamaged, "the end is not of its form");
    end_ = DecodeEnd(contents);
    if (end_.raw_bytes != raw_bytes_) return Fail(Code::kDamaged, "the end speaks of other blocks");
    return std::nullopt;
  }
  raw_bytes_ += block.raw_bytes;
  if (block.form == BlockForm::kStored) {
    if (block.raw_bytes != contents.size()) return Fail(Code::kDamaged, "it has two sizes");
    return contents;
  }
  if (block.form != BlockForm::kZstd) return Fail(Code::kDamaged, "its form is not known");
  if (block.raw_bytes > kZstdRawMax || !unpacker_.Unpack(contents, block.raw_bytes, items_))
    return Fail(Code::kDamaged, "it cannot be unpacked");
  return items_;
}

}  // namespace cloakroom
