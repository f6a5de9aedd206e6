#include "store/image/image_format.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/base/version.h"

namespace cloakroom {
namespace {

constexpr std::string_view kMagic = "CLOAKIMG";
constexpr size_t kVersionAt = 8;
constexpr size_t kHeaderSizeAt = 12;
constexpr size_t kHistoryAt = 16;
constexpr size_t kSequenceAt = 32;
constexpr size_t kEpochAt = 40;
constexpr size_t kTimeAt = 48;
constexpr size_t kMadeByAt = 56;
constexpr size_t kMadeByBytes = 32;
constexpr size_t kHeaderSumAt = kImageHeaderBytes - 4;
// A later version may have a longer header, but this is common to all of them.
constexpr uint32_t kHeaderBytesMax = 4096;

constexpr size_t kSizeAt = 4;
constexpr size_t kRawAt = 8;
constexpr size_t kNumberAt = 12;
constexpr size_t kFormAt = 16;

}  // namespace

std::string EncodeImageHeader(const ImageHeader& header) {
  std::string out(kImageHeaderBytes, '\0');
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  StoreInt(out.data() + kVersionAt, kImageVersion);
  StoreInt(out.data() + kHeaderSizeAt, static_cast<uint32_t>(kImageHeaderBytes));
  std::memcpy(out.data() + kHistoryAt, header.history.data(), header.history.size());
  StoreInt(out.data() + kSequenceAt, header.sequence);
  StoreInt(out.data() + kEpochAt, header.epoch);
  StoreInt(out.data() + kTimeAt, header.time_ms);
  const std::string made_by = fmt::format("cloakroom {}", kCloakroomVersion);
  std::memcpy(out.data() + kMadeByAt, made_by.data(), std::min(made_by.size(), kMadeByBytes));
  StoreInt(out.data() + kHeaderSumAt, Crc32c(std::string_view(out).substr(0, kHeaderSumAt)));
  return out;
}

Result<ImageHeader> DecodeImageHeader(std::string_view bytes) {
  if (bytes.size() < kImageHeaderBytes || !bytes.starts_with(kMagic))
    return Fail(Code::kDamaged, "it does not begin as an image does");
  const auto version = LoadInt<uint32_t>(bytes.data() + kVersionAt);
  const auto size = LoadInt<uint32_t>(bytes.data() + kHeaderSizeAt);
  if (size < kImageHeaderBytes || size > kHeaderBytesMax || size > bytes.size())
    return Fail(Code::kDamaged, "its header is damaged");
  if (Crc32c(bytes.substr(0, size - 4)) != LoadInt<uint32_t>(bytes.data() + size - 4))
    return Fail(Code::kDamaged, "its header does not match its checksum");
  // After the sum: a flipped bit is no newer build.
  if (version > kImageVersion)
    return Fail(Code::kUnavailable,
                "a newer build wrote it, in format {}; this build reads formats up to {}", version,
                kImageVersion);
  if (version == 0 || size != kImageHeaderBytes)
    return Fail(Code::kDamaged, "its header is of no known form");
  ImageHeader header;
  std::memcpy(header.history.data(), bytes.data() + kHistoryAt, header.history.size());
  header.sequence = LoadInt<uint64_t>(bytes.data() + kSequenceAt);
  header.epoch = LoadInt<uint64_t>(bytes.data() + kEpochAt);
  header.time_ms = LoadInt<TimeMs>(bytes.data() + kTimeAt);
  if (header.time_ms < 0 || header.time_ms > kDeadlineMax)
    return Fail(Code::kDamaged, "its header has a time that is none");
  return header;
}

// Without its sum: with it, it would be the same number for all headers.
uint32_t ImageSalt(std::string_view header) { return Crc32c(header.substr(0, kHeaderSumAt)); }

void AppendBlock(std::string& out, uint32_t salt, const ImageBlock& block,
                 std::string_view contents) {
  std::array<char, kImageBlockBytes> head{};
  StoreInt(head.data() + kSizeAt, static_cast<uint32_t>(contents.size()));
  StoreInt(head.data() + kRawAt, block.raw_bytes);
  StoreInt(head.data() + kNumberAt, block.number);
  StoreInt(head.data() + kFormAt, static_cast<uint8_t>(block.form));
  const uint32_t sum = Crc32c(std::string_view(head.data(), head.size()).substr(kSizeAt), salt);
  StoreInt(head.data(), Crc32c(contents, sum));
  out.append(head.data(), head.size());
  out.append(contents);
}

ImageBlock DecodeBlock(std::string_view bytes) {
  ImageBlock block;
  block.sum = LoadInt<uint32_t>(bytes.data());
  block.size_bytes = LoadInt<uint32_t>(bytes.data() + kSizeAt);
  block.raw_bytes = LoadInt<uint32_t>(bytes.data() + kRawAt);
  block.number = LoadInt<uint32_t>(bytes.data() + kNumberAt);
  block.form = static_cast<BlockForm>(bytes[kFormAt]);
  return block;
}

bool BlockHolds(std::string_view bytes, uint32_t salt) {
  return LoadInt<uint32_t>(bytes.data()) == Crc32c(bytes.substr(kSizeAt), salt);
}

std::string EncodeEnd(const ImageEnd& end) {
  std::string out(ImageEnd::kBytes, '\0');
  StoreInt(out.data(), end.entries);
  StoreInt(out.data() + 8, end.raw_bytes);
  return out;
}

ImageEnd DecodeEnd(std::string_view bytes) {
  return {LoadInt<uint64_t>(bytes.data()), LoadInt<uint64_t>(bytes.data() + 8)};
}

}  // namespace cloakroom
