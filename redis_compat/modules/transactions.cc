// MULTI and its kin. What is queued runs in Dispatcher::ExecuteQueue, as one record.

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/all_modules.h"

namespace cloakroom {
namespace {

/// MULTI -> OK.
Result<void> Multi(CommandContext& ctx, Args /*args*/, Reply& reply) {
  if (ctx.client.in_multi) return Fail(Code::kInvalid, "MULTI calls can not be nested");
  ctx.client.in_multi = true;
  return reply.Ok();
}

/// EXEC -> the replies of what was queued; nil when a watched key changed.
Result<void> Exec(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ClientState& client = ctx.client;
  if (!client.in_multi) return Fail(Code::kInvalid, "EXEC without MULTI");
  if (client.multi_broken) {
    ctx.dispatcher.Forget(client);
    return Fail(Code::kExecAbort, "");
  }
  // What is evicted for the queue may be watched.
  if (!ctx.dispatcher.WatchBroken(client)) TRY_VOID(ctx.dispatcher.MakeRoomForQueue(client));
  if (ctx.dispatcher.WatchBroken(client)) {
    ctx.dispatcher.Forget(client);
    return reply.NullArray();
  }
  return ctx.dispatcher.ExecuteQueue(client, reply);
}

/// DISCARD -> OK. Ends the watches too.
Result<void> Discard(CommandContext& ctx, Args /*args*/, Reply& reply) {
  if (!ctx.client.in_multi) return Fail(Code::kInvalid, "DISCARD without MULTI");
  ctx.dispatcher.Forget(ctx.client);
  return reply.Ok();
}

/// WATCH key [key ...] -> OK.
Result<void> Watch(CommandContext& ctx, Args args, Reply& reply) {
  if (ctx.client.in_multi) return Fail(Code::kInvalid, "WATCH inside MULTI is not allowed");
  // A client that lost already need not watch more.
  if (!ctx.client.watch_dirty)
    for (const std::string_view key : args.From(1)) ctx.dispatcher.Watch(ctx.client, key);
  return reply.Ok();
}

/// UNWATCH -> OK.
Result<void> Unwatch(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ctx.dispatcher.Unwatch(ctx.client);
  return reply.Ok();
}

constexpr uint32_t kAnytime = kNoScript | kLoading | kStale;

constexpr CommandSpec kTransactions[] = {
    {.name = "multi",
     .arity = 1,
     .flags = kAnytime | kFast | kAllowBusy,
     .keys = {},
     .categories = "transaction",
     .group = "transactions",
     .since = "1.2.0",
     .summary = "Starts a transaction: what follows is queued",
     .syntax = "",
     .handler = Multi},
    {.name = "exec",
     .arity = 1,
     .flags = kAnytime | kSkipSlowlog,
     .keys = {},
     .categories = "transaction",
     .group = "transactions",
     .since = "1.2.0",
     .summary = "Runs the queued commands, unless a watched key changed",
     .syntax = "",
     .handler = Exec},
    {.name = "discard",
     .arity = 1,
     .flags = kAnytime | kFast | kAllowBusy,
     .keys = {},
     .categories = "transaction",
     .group = "transactions",
     .since = "2.0.0",
     .summary = "Drops the queued commands and the watches",
     .syntax = "",
     .handler = Discard},
    {.name = "watch",
     .arity = -2,
     .flags = kAnytime | kFast | kAllowBusy,
     .keys = {1, -1, 1},
     .categories = "transaction",
     .group = "transactions",
     .since = "2.2.0",
     .summary = "Makes the next EXEC depend on keys staying as they are",
     .syntax = "key [key ...]",
     .handler = Watch},
    {.name = "unwatch",
     .arity = 1,
     .flags = kAnytime | kFast | kAllowBusy,
     .keys = {},
     .categories = "transaction",
     .group = "transactions",
     .since = "2.2.0",
     .summary = "Forgets all watched keys",
     .syntax = "",
     .handler = Unwatch},
};

}  // namespace

void RegisterTransactions(Registry& registry) { registry.Add(kTransactions); }

}  // namespace cloakroom
