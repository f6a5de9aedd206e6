#pragma once

#include "redis_compat/command/args.h"
#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "store/base/result.h"

namespace cloakroom {

/// The handlers of SESSION.*; session.cc has their table.

// session_make.cc: commands that make sessions or tokens
Result<void> SessionCreate(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionAnon(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionPut(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionRotate(CommandContext& ctx, Args args, Reply& reply);

// session_use.cc: commands on one session
Result<void> SessionGet(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionSet(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionIncr(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionTouch(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionDestroy(CommandContext& ctx, Args args, Reply& reply);

// session_list.cc: commands on a user's or an application's sessions
Result<void> SessionList(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionScan(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionRevoke(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionRevokeAll(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionPolicyCommand(CommandContext& ctx, Args args, Reply& reply);
Result<void> SessionStats(CommandContext& ctx, Args args, Reply& reply);

}  // namespace cloakroom
