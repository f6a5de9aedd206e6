#include <cstdint>

#include "store/base/coding.h"
#include "store/image/packed_form.h"
#include "store/image/packed_integer.h"

namespace cloakroom {
namespace {

constexpr size_t kHeadBytes = 8;

}  // namespace

Result<void> ForEachInIntset(std::string_view packed, PackedVisit visit) {
  if (packed.size() < kHeadBytes)
    return Fail(Code::kInvalid, "byte 0 of the intset: expected {} bytes, not {}", kHeadBytes,
                packed.size());
  const uint64_t width = LoadInt<uint32_t>(packed.data());
  const uint64_t count = LoadInt<uint32_t>(packed.data() + 4);
  if (width != 2 && width != 4 && width != 8)
    return Fail(Code::kInvalid, "byte 0 of the intset: expected a width of 2, 4 or 8, not {}",
                width);
  if (count == 0 || count * width != packed.size() - kHeadBytes)
    return Fail(Code::kInvalid, "byte 4 of the intset: expected a count of {}, not {}",
                (packed.size() - kHeadBytes) / width, count);
  int64_t before = 0;
  for (size_t at = kHeadBytes; at < packed.size(); at += width) {
    const int64_t number = LoadSigned(packed.substr(at, width));
    if (at > kHeadBytes && number <= before)
      return Fail(Code::kInvalid, "byte {} of the intset: expected more than {}, not {}", at,
                  before, number);
    if (!VisitInteger(visit, number)) return {};
    before = number;
  }
  return {};
}

}  // namespace cloakroom
