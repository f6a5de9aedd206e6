#include "redis_compat/modules/scan_options.h"

#include <charconv>

namespace cloakroom {

Result<uint64_t> ParseScanCursor(std::string_view text) {
  if (text.empty()) return uint64_t{0};
  const bool negative = text[0] == '-';
  const std::string_view digits = text.substr(negative || text[0] == '+' ? 1 : 0);
  uint64_t cursor = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), cursor);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return Fail(Code::kInvalid, "invalid cursor");
  return negative ? 0 - cursor : cursor;
}

Result<ScanOptions> ParseScanOptions(Args args, size_t from, bool takes_type) {
  ScanOptions options;
  for (size_t i = from; i < args.size(); i += 2) {
    const bool has_value = i + 1 < args.size();
    if (has_value && args.Is(i, "COUNT")) {
      TRY(options.count, args.Integer(i + 1));
      if (options.count < 1) return Fail(Code::kInvalid, "syntax error");
    } else if (has_value && args.Is(i, "MATCH")) {
      options.pattern = args[i + 1];
    } else if (has_value && takes_type && args.Is(i, "TYPE")) {
      options.type = args[i + 1];
    } else {
      return Fail(Code::kInvalid, "syntax error");
    }
  }
  if (options.pattern == "*") options.pattern.reset();
  return options;
}

}  // namespace cloakroom
