// SESSION.CREATE, ANON, PUT and ROTATE: what makes sessions, and what gives them new tokens.

#include "redis_compat/modules/session_args.h"
#include "redis_compat/modules/session_map.h"
#include "redis_compat/modules/session_modules.h"
#include "store/types/session.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

constexpr size_t kTokenBytesMax = 1024;

SessionRequest RequestOf(std::string_view ns, std::string_view user,
                         const SessionOptions& options) {
  SessionRequest request;
  request.ns = ns;
  request.user = user;
  request.idle_ms = options.get(kOptIdle, options.idle_ms);
  request.abs_ms = options.get(kOptAbs, options.abs_ms);
  request.auth_at = options.get(kOptAuthAt, options.auth_at);
  request.cap = options.get(kOptMax, options.cap);
  request.meta = options.get(kOptMeta, options.meta);
  request.fields = options.get(kOptFields, options.fields);
  return request;
}

Result<void> WriteMinted(const MintedSession& minted, Reply& reply) {
  reply.Map(6);
  reply.Pair("token", minted.token);
  WriteHandle(minted.handle, reply);
  reply.NamedInteger("version", minted.version);
  reply.NamedInteger("deadline", minted.deadline);
  reply.NamedInteger("abs", minted.abs);
  reply.Bulk("evicted");
  reply.Array(minted.evicted.size());
  for (const SessionHandle& handle : minted.evicted) reply.Bulk(HandleText(handle));
  return {};
}

}  // namespace

/// SESSION.CREATE ns user [options] -> token, handle, version, deadline, abs, evicted.
Result<void> SessionCreate(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  TRY_VOID(CheckUser(args[2]));
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 3,
                          kOptIdle | kOptAbs | kOptAuthAt | kOptMax | kOptMeta | kOptFields));
  TRY(const MintedSession minted,
      CreateSession(ctx.keys.sessions(), RequestOf(args[1], args[2], options), ctx.now, ctx.random,
                    ctx.batch));
  WaitAsPolicySays(ctx, args[1]);
  return WriteMinted(minted, reply);
}

/// SESSION.ANON ns [options] -> as CREATE.
Result<void> SessionAnon(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 2, kOptIdle | kOptAbs | kOptMeta | kOptFields));
  TRY(const MintedSession minted,
      CreateSession(ctx.keys.sessions(), RequestOf(args[1], {}, options), ctx.now, ctx.random,
                    ctx.batch));
  WaitAsPolicySays(ctx, args[1]);
  return WriteMinted(minted, reply);
}

/// SESSION.PUT ns token user|"" [options] -> version, deadline; nil when NX or XX kept it.
Result<void> SessionPut(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  if (args[2].size() < kForeignTokenCharsMin || args[2].size() > kTokenBytesMax)
    return Fail(Code::kOutOfRange, "token has {} characters, must be {} to {}", args[2].size(),
                kForeignTokenCharsMin, kTokenBytesMax);
  if (!args[3].empty()) TRY_VOID(CheckUser(args[3]));
  TRY(const SessionOptions options,
      ParseSessionOptions(
          args, 4,
          kOptNx | kOptXx | kOptIdle | kOptAbs | kOptAuthAt | kOptIfVer | kOptMeta | kOptFields));
  PutCondition condition;
  condition.only_new = options.has(kOptNx);
  condition.only_existing = options.has(kOptXx);
  condition.version = options.get(kOptIfVer, options.if_version);
  const auto put =
      PutSession(ctx.keys.sessions(), TokenAt(ctx, args, 2), RequestOf(args[1], args[3], options),
                 condition, ctx.now, ctx.random, ctx.batch);
  if (!put) return Refuse(ctx, put.error(), reply);
  if (!put->done) return reply.Null();
  WaitAsPolicySays(ctx, args[1]);
  reply.Map(2);
  reply.NamedInteger("version", put->version);
  reply.Bulk("deadline");
  return reply.Integer(put->deadline);
}

/// SESSION.ROTATE token [options] -> as CREATE.
Result<void> SessionRotate(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 2, kOptUser | kOptReauth | kOptAuthAt | kOptGrace | kOptMax));
  RotateRequest request;
  request.user = options.get(kOptUser, options.user);
  request.reauth = options.has(kOptReauth);
  request.auth_at = options.get(kOptAuthAt, options.auth_at);
  request.grace_ms = options.get(kOptGrace, options.grace_ms);
  request.cap = options.get(kOptMax, options.cap);
  const auto rotated = RotateSession(ctx.keys.sessions(), TokenAt(ctx, args, 1), request, ctx.now,
                                     ctx.random, ctx.batch);
  if (!rotated) return Refuse(ctx, rotated.error(), reply);
  WaitAsPolicySays(ctx, TokenAt(ctx, args, 1));
  return WriteMinted(*rotated, reply);
}

}  // namespace cloakroom
