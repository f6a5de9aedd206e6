#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "redis_compat/command/args.h"
#include "redis_compat/command/reply.h"
#include "store/base/result.h"

namespace cloakroom {

/// What HRANDFIELD and SRANDMEMBER share: a count whose sign says whether elements may repeat.

/// Word `i` as a count from -(2^63 - 1) to 2^63 - 1, or Redis's error.
[[nodiscard]] inline Result<int64_t> SignedCount(Args args, size_t i) {
  TRY(const int64_t count, args.Integer(i));
  if (count == std::numeric_limits<int64_t>::min())
    return Fail(Code::kOutOfRange, "value is out of range, value must between {} and {}",
                -std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max());
  return count;
}

/// Repeated draws may ask for any number of elements of a small collection. A reply that outgrows
/// this is refused, so that one word cannot take all of the memory.
inline constexpr size_t kRepeatedReplyBytesMax = size_t{512} << 20;

/// Calls `write_one` `count` times, watching the size of the reply.
///   errors  kOutOfRange  the reply would outgrow kRepeatedReplyBytesMax
template <typename WriteOne>
[[nodiscard]] Result<void> WriteRepeated(uint64_t count, Reply& reply, WriteOne&& write_one) {
  const size_t start = reply.out().size();
  for (uint64_t i = 0; i < count; ++i) {
    write_one();
    if (reply.out().size() - start > kRepeatedReplyBytesMax) [[unlikely]]
      return Fail(Code::kOutOfRange, "value is out of range, the reply is larger than {} bytes",
                  kRepeatedReplyBytesMax);
  }
  return {};
}

}  // namespace cloakroom
