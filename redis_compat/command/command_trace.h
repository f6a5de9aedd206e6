#pragma once

#include <string>
#include <string_view>

#include "redis_compat/command/args.h"
#include "redis_compat/command/client_state.h"
#include "redis_compat/command/registry.h"
#include "redis_compat/command/server_control.h"
#include "store/base/time.h"

namespace cloakroom {

/// What SLOWLOG and MONITOR keep of a command: its words without what the row calls secret.

/// A MONITOR line: +1700000000.123000 [0 127.0.0.1:50412] "set" "k" "v" and CRLF.
[[nodiscard]] std::string MonitorLine(const ClientState& client, uint32_t db,
                                      const Command& command, Args args, TimeMs now);

/// A SLOWLOG entry (its id is the log's to give): at most 32 words of at most 128 bytes; what was
/// cut is said in their place.
[[nodiscard]] SlowLogEntry MakeSlowLogEntry(const ClientState& client, const Command& command,
                                            Args args, TimeMs now, int64_t duration_us);

}  // namespace cloakroom
