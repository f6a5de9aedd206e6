// What is asked of the process: TIME, ROLE, MONITOR, SHUTDOWN, and the rows of CONFIG, SLOWLOG and
// INFO.

#include "redis_compat/modules/server.h"

#include <string>

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/await_job.h"

namespace cloakroom {
namespace {

/// TIME -> unix seconds, and the microseconds of the present second.
Result<void> Time(CommandContext& ctx, Args /*args*/, Reply& reply) {
  static_cast<void>(reply.Array(2));
  static_cast<void>(reply.BulkInteger(ctx.now / 1000));
  return reply.BulkInteger(ctx.now % 1000 * 1000);
}

/// MONITOR -> OK, then a line for each command that any client runs.
Result<void> Monitor(CommandContext& ctx, Args /*args*/, Reply& reply) {
  if (ctx.client.in_exec)
    return Fail(Code::kInvalid, "MONITOR isn't allowed for DENY BLOCKING client");
  if (ctx.client.monitor) return {};  // told once is enough
  ctx.server.StartMonitor(ctx.client);
  return reply.Ok();
}

/// An image before the end where there is a log: that must reach the disk first, and then go on, so
/// others are served until the image is safe. Returns whether the server may stop now.
Result<bool> SaveBehindLog(CommandContext& ctx, bool force) {
  const PersistenceStatus status = ctx.server.Persisted();
  if (ctx.client.awaited_job == 0 && (status.saving || status.saving_backup)) {
    ctx.waits = true;  // that image is not of this moment
    return false;
  }
  Result<bool> saved = AwaitJob(ctx, [&ctx] { return ctx.server.BeginSave(); });
  if (saved) return saved;
  if (force) return true;
  return Fail(Code::kUnavailable, "Errors trying to SHUTDOWN. Check logs.");
}

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT] -> nothing: the connection ends. ABORT -> OK.
Result<void> Shutdown(CommandContext& ctx, Args args, Reply& reply) {
  bool save = false;
  bool no_save = false;
  bool now = false;
  bool force = false;
  bool abort = false;
  for (size_t i = 1; i < args.size(); ++i) {
    if (args.Is(i, "NOSAVE"))
      no_save = true;
    else if (args.Is(i, "SAVE"))
      save = true;
    else if (args.Is(i, "NOW"))
      now = true;
    else if (args.Is(i, "FORCE"))
      force = true;
    else if (args.Is(i, "ABORT"))
      abort = true;
    else
      return Fail(Code::kInvalid, "syntax error");
  }
  if ((abort && (save || no_save || now || force)) || (save && no_save))
    return Fail(Code::kInvalid, "syntax error");
  if (abort) {
    TRY_VOID(ctx.server.AbortShutdown());
    return reply.Ok();
  }
  if (save && ctx.server.Persisted().log) {
    TRY(const bool stops, SaveBehindLog(ctx, force));
    if (!stops) return {};
    return ctx.server.Shutdown(ShutdownSave::kNo, force);
  }
  return ctx.server.Shutdown(save      ? ShutdownSave::kYes
                             : no_save ? ShutdownSave::kNo
                                       : ShutdownSave::kAsConfigured,
                             force);
}

constexpr uint32_t kAnytime = kLoading | kStale;

}  // namespace

void RegisterServer(Registry& registry) {
  // Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
  static const CommandSpec kServer[] = {
      {"time",
       1,
       kAnytime | kFast,
       {},
       "",
       "server",
       "2.6.0",
       "Answers the server's time.",
       "",
       Time},
      {"monitor",
       1,
       kAnytime | kNoScript | kAdmin,
       {},
       "",
       "server",
       "1.0.0",
       "Streams every command that any client runs.",
       "",
       Monitor},
      {"shutdown",
       -1,
       kAnytime | kNoScript | kAdmin | kNoMulti | kAllowBusy,
       {},
       "",
       "server",
       "1.0.0",
       "Stops the server in order.",
       "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
       Shutdown},
      {"info",
       -1,
       kAnytime,
       {},
       "dangerous",
       "server",
       "1.0.0",
       "Describes the server and what it counts.",
       "[section [section ...]]",
       Info},
      {"config",
       -2,
       0,
       {},
       "",
       "server",
       "2.0.0",
       "Reads and sets options.",
       "",
       nullptr,
       ConfigSubcommands()},
      {"slowlog",
       -2,
       0,
       {},
       "",
       "server",
       "2.2.12",
       "Looks at the commands that took long.",
       "",
       nullptr,
       SlowLogSubcommands()},
  };
  registry.Add(kServer);
}

}  // namespace cloakroom
