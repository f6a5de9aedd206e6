#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/database_index.h"

namespace cloakroom {
namespace {

/// DBSIZE -> the keys of this database.
Result<void> DbSize(CommandContext& ctx, Args, Reply& reply) {
  return reply.Integer(static_cast<int64_t>(ctx.keys.Size(ctx.db())));
}

/// SWAPDB index1 index2 -> OK: at once, for every client.
Result<void> SwapDb(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t db, ParseInt32(args, 1, "invalid first DB index"));
  TRY(const int64_t db2, ParseInt32(args, 2, "invalid second DB index"));
  TRY_VOID(CheckDatabase(ctx, db));
  TRY_VOID(CheckDatabase(ctx, db2));
  if (db != db2) ctx.batch.SwapDb(static_cast<uint32_t>(db), static_cast<uint32_t>(db2));
  return reply.Ok();
}

/// Reads [ASYNC | SYNC]. The keys go at once either way; who says SYNC also waits for their memory,
/// and makes everybody else wait.
Result<void> ParseFlushMode(CommandContext& ctx, Args args) {
  if (args.size() == 1) return {};
  const bool sync = args.Is(1, "SYNC");
  if (args.size() > 2 || (!sync && !args.Is(1, "ASYNC")))
    return Fail(Code::kInvalid, "syntax error");
  ctx.free_at_once = sync;
  return {};
}

/// FLUSHDB [ASYNC | SYNC] -> OK.
Result<void> FlushDb(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(ParseFlushMode(ctx, args));
  ctx.batch.FlushDb(ctx.db());
  return reply.Ok();
}

/// FLUSHALL [ASYNC | SYNC] -> OK. It ends the sessions too.
Result<void> FlushAll(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(ParseFlushMode(ctx, args));
  ctx.batch.FlushAll();
  return reply.Ok();
}

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kDatabases[] = {
    {"dbsize",
     1,
     kReadonly | kFast,
     {},
     "keyspace",
     "server",
     "1.0.0",
     "Counts the keys of the database.",
     "",
     DbSize},
    {"flushall",
     -1,
     kWrite,
     {},
     "keyspace dangerous",
     "server",
     "1.0.0",
     "Deletes every key of every database, and ends every session.",
     "[ASYNC | SYNC]",
     FlushAll},
    {"flushdb",
     -1,
     kWrite,
     {},
     "keyspace dangerous",
     "server",
     "1.0.0",
     "Deletes every key of the database.",
     "[ASYNC | SYNC]",
     FlushDb},
    {"swapdb",
     3,
     kWrite | kFast,
     {},
     "keyspace dangerous",
     "server",
     "4.0.0",
     "Exchanges two databases.",
     "index1 index2",
     SwapDb},
};

}  // namespace

void RegisterDatabases(Registry& registry) { registry.Add(kDatabases); }

}  // namespace cloakroom
