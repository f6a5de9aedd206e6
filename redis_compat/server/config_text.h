#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/server/config.h"
#include "store/base/function_ref.h"
#include "store/base/result.h"

namespace cloakroom {

/// The text of a config file to and from a Config. All of this is pure: whoever calls it reads and
/// writes the files.

/// Gives the text of the files that an `include` names (a glob may name several).
using ReadInclude = FunctionRef<Result<std::string>(const std::string& path)>;

/// Applies each line of `text` to `config`. The error names the line:
///   Reading the configuration file, at line 3
///   >>> 'prot 6379'
///   Bad directive or wrong number of arguments
[[nodiscard]] Result<void> ApplyConfigText(std::string_view text, ReadInclude read_include,
                                           Config& config);

/// The lines that `--option value ...` stand for: ["--port", "7000", "--bind", "a", "b"] becomes
/// "port \"7000\"\nbind \"a\" \"b\"\n". A word before the first option makes an error.
[[nodiscard]] Result<std::string> ArgumentsToConfigText(std::span<const std::string> arguments);

/// What CONFIG REWRITE writes over `old_text`: comments, order and includes stay, the lines of
/// options get the present values, and those that differ from the default are added at the end.
[[nodiscard]] std::string RewriteConfigText(std::string_view old_text, const Config& config);

/// Splits a line into words: blanks separate, "..." takes the escapes \n \r \t \a \b \xHH, '...'
/// only \'. nullopt when a quote is not closed or is followed by something else than a blank.
[[nodiscard]] std::optional<std::vector<std::string>> SplitWords(std::string_view line);

}  // namespace cloakroom
