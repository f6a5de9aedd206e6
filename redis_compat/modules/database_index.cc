#include "redis_compat/modules/database_index.h"

#include <limits>

namespace cloakroom {

Result<int64_t> ParseInt32(Args args, size_t word, std::string_view message) {
  constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  Result<int64_t> parsed = message.empty() ? args.Integer(word) : args.Integer(word, message);
  if (!parsed || (*parsed >= kMin && *parsed <= kMax)) return parsed;
  if (!message.empty()) return Fail(Code::kOutOfRange, message);
  return Fail(Code::kOutOfRange, "value is out of range, value must between {} and {}", kMin, kMax);
}

Result<void> CheckDatabase(const CommandContext& ctx, int64_t index) {
  if (index >= 0 && index < int64_t{ctx.keys.databases()}) return {};
  return Fail(Code::kOutOfRange, "DB index is out of range");
}

Result<uint32_t> ParseDatabase(const CommandContext& ctx, Args args, size_t word) {
  TRY(const int64_t index, ParseInt32(args, word));
  TRY_VOID(CheckDatabase(ctx, index));
  return static_cast<uint32_t>(index);
}

}  // namespace cloakroom
