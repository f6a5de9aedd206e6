#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string_view>

#include "store/image/packed_form.h"

namespace cloakroom {

/// The signed little-endian integer in `bytes`, 1 to 8 of them.
[[nodiscard]] inline int64_t LoadSigned(std::string_view bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  const unsigned unused_bits = 64 - 8 * static_cast<unsigned>(bytes.size());
  return static_cast<int64_t>(value << unused_bits) >> unused_bits;
}

/// Visits a number as the text that clients know it by.
[[nodiscard]] inline bool VisitInteger(PackedVisit visit, int64_t number) {
  const fmt::format_int digits(number);
  return visit(std::string_view(digits.data(), digits.size()));
}

}  // namespace cloakroom
