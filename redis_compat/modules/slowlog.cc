// SLOWLOG: the newest commands that took longer than slowlog-log-slower-than.

#include <algorithm>
#include <limits>

#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/help_reply.h"
#include "redis_compat/modules/server.h"

namespace cloakroom {
namespace {

constexpr int64_t kDefaultCount = 10;

/// SLOWLOG GET [count] -> entries, newest first; -1 is all.
Result<void> SlowLogGet(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 3) return SubcommandSyntaxError("SLOWLOG", args[1]);
  int64_t count = kDefaultCount;
  if (args.size() == 3) {
    constexpr std::string_view kMessage = "count should be greater than or equal to -1";
    TRY(count, args.Integer(2, kMessage));
    if (count < -1) return Fail(Code::kInvalid, kMessage);
    if (count == -1) count = std::numeric_limits<int64_t>::max();
  }
  const auto size = static_cast<int64_t>(ctx.server.SlowLogSize());
  int64_t left = std::min(count, size);
  static_cast<void>(reply.Array(static_cast<size_t>(left)));
  if (left == 0) return {};
  ctx.server.SlowLogForEach([&](const SlowLogEntry& entry) {
    static_cast<void>(reply.Array(6));
    static_cast<void>(reply.Integer(entry.id));
    static_cast<void>(reply.Integer(entry.unix_seconds));
    static_cast<void>(reply.Integer(entry.duration_us));
    static_cast<void>(reply.Array(entry.words.size()));
    for (const std::string& word : entry.words) static_cast<void>(reply.Bulk(word));
    static_cast<void>(reply.Bulk(entry.client_address));
    static_cast<void>(reply.Bulk(entry.client_name));
    return --left > 0;
  });
  return {};
}

/// SLOWLOG LEN -> how many entries there are.
Result<void> SlowLogLen(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return reply.Integer(static_cast<int64_t>(ctx.server.SlowLogSize()));
}

/// SLOWLOG RESET -> OK.
Result<void> SlowLogReset(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ctx.server.SlowLogReset();
  return reply.Ok();
}

Result<void> SlowLogHelp(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return ReplyHelp(reply, "SLOWLOG",
                   {{"GET [<count>]", "The newest entries, 10 unless told; -1 is all of them."},
                    {"LEN", "How many entries there are."},
                    {"RESET", "Drops all entries."}});
}

constexpr uint32_t kAnytime = kLoading | kStale;

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kSubcommands[] = {
    {"get",
     -2,
     kAnytime | kAdmin,
     {},
     "",
     "server",
     "2.2.12",
     "Answers the newest slow commands.",
     "[count]",
     SlowLogGet},
    {"len",
     2,
     kAnytime | kAdmin,
     {},
     "",
     "server",
     "2.2.12",
     "Counts the entries.",
     "",
     SlowLogLen},
    {"reset",
     2,
     kAnytime | kAdmin,
     {},
     "",
     "server",
     "2.2.12",
     "Drops all entries.",
     "",
     SlowLogReset},
    {"help", 2, kAnytime, {}, "", "server", "6.2.0", "Lists the subcommands.", "", SlowLogHelp},
};

}  // namespace

std::span<const CommandSpec> SlowLogSubcommands() { return kSubcommands; }

}  // namespace cloakroom
