#include "store/base/coding.h"
#include "store/image/packed_form.h"

namespace cloakroom {
namespace {

constexpr uint8_t kEnd = 0xFF;
constexpr uint8_t kLongSize = 0xFE;
constexpr uint8_t kManyPairs = 0xFE;

/// Reads the size and the bytes of a field, or of a value with `spare` bytes behind it.
class ZipmapReader {
 public:
  explicit ZipmapReader(std::string_view packed) : packed_(packed) {}

  [[nodiscard]] bool at_end() const {
    return at_ < packed_.size() && static_cast<uint8_t>(packed_[at_]) == kEnd;
  }
  [[nodiscard]] size_t at() const { return at_; }

  [[nodiscard]] Result<std::string_view> Next(bool has_spare) {
    const size_t start = at_;
    const auto short_of = [&](std::string_view what) {
      return Fail(Code::kInvalid, "byte {} of the zipmap: expected {}, {} bytes are left", start,
                  what, packed_.size() - start);
    };
    if (at_ >= packed_.size() || at_end()) return short_of("a size");
    uint64_t size = static_cast<uint8_t>(packed_[at_++]);
    if (size == kLongSize) {
      if (packed_.size() - at_ < 4) return short_of("a size of five bytes");
      size = LoadInt<uint32_t>(packed_.data() + at_);
      at_ += 4;
    }
    uint64_t spare = 0;
    if (has_spare) {
      if (at_ >= packed_.size()) return short_of("the number of spare bytes");
      spare = static_cast<uint8_t>(packed_[at_++]);
    }
    if (size + spare >= packed_.size() - at_)  // at least the end stands behind it
      return short_of("as many bytes as the size says");
    const std::string_view bytes = packed_.substr(at_, size);
    at_ += size + spare;
    return bytes;
  }

 private:
  std::string_view packed_;
  size_t at_ = 1;
};

}  // namespace

Result<void> ForEachInZipmap(std::string_view packed, PackedVisit visit) {
  if (packed.size() < 2 || static_cast<uint8_t>(packed.back()) != kEnd)
    return Fail(Code::kInvalid, "byte 0 of the zipmap: expected a count, and an end in byte {}",
                packed.size());
  ZipmapReader reader(packed);
  uint64_t pairs = 0;
  for (; !reader.at_end(); ++pairs) {
    TRY(const std::string_view field, reader.Next(false));
    TRY(const std::string_view value, reader.Next(true));
    if (!visit(field) || !visit(value)) return {};
  }
  if (reader.at() + 1 != packed.size())
    return Fail(Code::kInvalid, "byte {} of the zipmap: expected no end before byte {}",
                reader.at(), packed.size() - 1);
  const auto count = static_cast<uint8_t>(packed[0]);
  if (count < kManyPairs && count != pairs)
    return Fail(Code::kInvalid, "byte 0 of the zipmap: expected the count {}, not {}", pairs,
                count);
  return {};
}

}  // namespace cloakroom
