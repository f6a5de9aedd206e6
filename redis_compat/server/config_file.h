#pragma once

#include <string>
#include <string_view>

#include "store/base/result.h"

namespace cloakroom {

/// The whole of a file; "-" is standard input.
[[nodiscard]] Result<std::string> ReadConfigFile(const std::string& path);

/// The files that a glob names, in order, one after the other. A path without wildcards must exist.
[[nodiscard]] Result<std::string> ReadIncludedFiles(const std::string& pattern);

/// Puts `text` in place of the file at `path`, or leaves it as it was: a temporary file beside it,
/// synced, then renamed over it. Keeps the file's mode.
[[nodiscard]] Result<void> ReplaceFile(const std::string& path, std::string_view text);

}  // namespace cloakroom
