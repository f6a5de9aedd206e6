#pragma once

#include <string>

#include "store/base/result.h"

namespace cloakroom {

/// Sends log lines to the end of the file at `path`, or to standard output if it is empty, in the
/// form   4711:M 24 Dec 2025 18:00:00.000 * text
/// where . - * # stand for debug, verbose, notice, warning.
[[nodiscard]] Result<void> OpenLog(const std::string& path);

}  // namespace cloakroom
