// SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE and BACKUP: images of the state, on disk.

#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/await_job.h"

namespace cloakroom {
namespace {

/// SAVE -> OK, once an image of this moment is safe on disk. Others are served meanwhile.
Result<void> Save(CommandContext& ctx, Args /*args*/, Reply& reply) {
  TRY(const bool saved, AwaitJob(ctx, [&ctx] { return ctx.server.BeginSave(); }));
  return saved ? reply.Ok() : Result<void>();
}

/// BACKUP name -> OK, once the image is safe in that file of backup-dir.
Result<void> Backup(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const bool saved, AwaitJob(ctx, [&] { return ctx.server.BeginBackup(args[1]); }));
  return saved ? reply.Ok() : Result<void>();
}

/// BGSAVE [SCHEDULE] -> a line, at once.
Result<void> BgSave(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 2 || (args.size() == 2 && !args.Is(1, "SCHEDULE")))
    return Fail(Code::kInvalid, "syntax error");
  if (args.size() == 1) {
    TRY_VOID(ctx.server.BeginSave());
    return reply.Simple("Background saving started");
  }
  TRY(const bool now, ctx.server.ScheduleSave());
  return reply.Simple(now ? "Background saving started" : "Background saving scheduled");
}

/// BGREWRITEAOF -> a line, at once. An image is what lets the log be cut: one that begins now, for
/// of one that is under way nobody knows how much of the log it has.
Result<void> BgRewriteAof(CommandContext& ctx, Args /*args*/, Reply& reply) {
  TRY(const bool now, ctx.server.ScheduleSave());
  return reply.Simple(now ? "Background append only file rewriting started"
                          : "Background append only file rewriting scheduled");
}

/// LASTSAVE -> unix seconds of the state that the newest image has.
Result<void> LastSave(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return reply.Integer(ctx.server.Persisted().last_save_ms / 1000);
}

constexpr uint32_t kAdminOnly = kAdmin | kNoScript | kNoAsyncLoading;

}  // namespace

void RegisterPersistence(Registry& registry) {
  // Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
  static const CommandSpec kPersistence[] = {
      {"save",
       1,
       kAdminOnly | kNoMulti,
       {},
       "",
       "server",
       "1.0.0",
       "Saves an image of the state, and answers when it is safe on disk.",
       "",
       Save},
      {"bgsave",
       -1,
       kAdminOnly,
       {},
       "",
       "server",
       "1.0.0",
       "Begins to save an image of the state.",
       "[SCHEDULE]",
       BgSave},
      {"bgrewriteaof",
       1,
       kAdminOnly,
       {},
       "",
       "server",
       "1.0.0",
       "Begins to save an image of the state, behind which the log is cut.",
       "",
       BgRewriteAof},
      {"lastsave",
       1,
       kLoading | kStale | kFast,
       {},
       "admin dangerous",
       "server",
       "1.0.0",
       "Answers when the newest image was begun.",
       "",
       LastSave},
      {"backup",
       2,
       kAdminOnly | kNoMulti,
       {},
       "",
       "server",
       "7.0.0",
       "Saves an image of the state into a file of backup-dir, and answers when it is safe.",
       "path",
       Backup},
  };
  registry.Add(kPersistence);
}

}  // namespace cloakroom
