#pragma once

#include <string>
#include <string_view>

#include "redis_compat/resp/request_parser.h"

namespace cloakroom {

/// Splits the line of an inline request at blanks and appends its words, which may be none.
/// "..." knows \n \r \t \b \a \xHH and takes any other escaped byte as it is; '...' knows \' only.
/// A closing quote must be followed by a blank or the end. `line` has no NUL and no line feed.
/// Returns false, with nothing appended, when the quotes do not balance.
[[nodiscard]] bool SplitInline(std::string_view line, RequestWords& words);

/// Appends `bytes` in double quotes, with everything that is not printable ASCII escaped, so that
/// SplitInline reads them back.
void AppendQuoted(std::string& out, std::string_view bytes);

}  // namespace cloakroom
