#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "redis_compat/command/args.h"
#include "store/base/result.h"

namespace cloakroom {

/// What follows the cursor of SCAN, HSCAN and SSCAN.
struct ScanOptions {
  int64_t count = 10;                    // at least 1
  std::optional<std::string_view> type;  // SCAN only
  std::optional<std::string_view> pattern;

  [[nodiscard]] bool Matches(std::string_view text) const {
    return !pattern || *pattern == "*" || GlobMatch(*pattern, text, false);
  }
};

/// Cursors are below 2^53, since many clients read them as doubles. A larger one was never given
/// out: a scan from there is at its end.
inline constexpr uint64_t kScanCursorEnd = uint64_t{1} << 53;

/// Reads a cursor as Redis does, with strtoul: an empty word is 0, and signs are taken.
///   errors  kInvalid  "invalid cursor"
[[nodiscard]] Result<uint64_t> ParseScanCursor(std::string_view text);

/// Reads [MATCH pattern] [COUNT count] and, if `takes_type`, [TYPE type] from args[from] on; the
/// last of a kind holds. Fails with Redis's errors.
[[nodiscard]] Result<ScanOptions> ParseScanOptions(Args args, size_t from, bool takes_type);

}  // namespace cloakroom
