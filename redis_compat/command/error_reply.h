#pragma once

#include <string>
#include <string_view>

#include "store/base/result.h"

namespace cloakroom {

/// Appends `error` as it stands on the wire: "-WORD message\r\n". A line break inside the message
/// (it may quote what a client sent) becomes a blank, so that nobody can forge a reply.
void AppendError(std::string& out, const Error& error);

/// The same line without the dash and CRLF: "WORD message".
[[nodiscard]] std::string ErrorLine(const Error& error);

/// The first word of an error reply that begins at `reply` ("-WRONGTYPE Operation ..." ->
/// "WRONGTYPE"), under which INFO errorstats counts it.
[[nodiscard]] std::string_view ErrorWord(std::string_view reply);

}  // namespace cloakroom
