#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "redis_compat/command/reply.h"

namespace cloakroom {

/// One subcommand of a family, for its HELP.
struct HelpLine {
  std::string_view usage;    // "ENCODING <key>"
  std::string_view meaning;  // one line
};

/// The reply of `<family> HELP`, as clients show it: a line that names the form, then two lines a
/// subcommand, HELP itself last. `family` is in upper case.
inline Result<void> ReplyHelp(Reply& reply, std::string_view family,
                              std::initializer_list<HelpLine> lines) {
  TRY_VOID(reply.Array(1 + 2 * (lines.size() + 1)));
  TRY_VOID(reply.Simple(std::string(family) +
                        " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
  for (const HelpLine& line : lines) {
    TRY_VOID(reply.Simple(line.usage));
    TRY_VOID(reply.Simple("    " + std::string(line.meaning)));
  }
  TRY_VOID(reply.Simple("HELP"));
  return reply.Simple("    Prints this help.");
}

/// Redis's error where a subcommand is given words it has no use for.
inline tl::unexpected<Error> SubcommandSyntaxError(std::string_view family, std::string_view word) {
  constexpr size_t kQuotedBytesMax = 128;
  return Fail(Code::kInvalid,
              "unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
              word.substr(0, kQuotedBytesMax), family);
}

}  // namespace cloakroom
