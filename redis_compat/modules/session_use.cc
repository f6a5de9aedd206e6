// SESSION.GET, SET, INCR, TOUCH and DESTROY: what is done with one session by its token.

#include <algorithm>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/session_args.h"
#include "redis_compat/modules/session_map.h"
#include "redis_compat/modules/session_modules.h"
#include "store/types/session.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

void WriteFields(const SessionView& session, const FieldNames& names, Reply& reply) {
  size_t live = session.field_count;
  if (session.may_have_deleted())
    ForEachStoredField(session, names,
                       [&](const SessionItem& item) { live -= item.deleted ? 1 : 0; });
  reply.Map(live);
  ForEachField(session, names, [&](const SessionItem& item) {
    if (item.deleted) return;
    reply.Pair(item.name, item.value);
  });
}

/// Those of the wanted fields that are there, in the session's order.
void WriteWantedFields(const SessionView& session, const FieldNames& names, WordSpan wanted,
                       Reply& reply) {
  std::vector<std::string_view> sorted(wanted.begin(), wanted.end());
  std::sort(sorted.begin(), sorted.end());
  const auto is_wanted = [&](const SessionItem& item) {
    return !item.deleted && std::binary_search(sorted.begin(), sorted.end(), item.name);
  };
  size_t found = 0;
  ForEachStoredField(session, names,
                     [&](const SessionItem& item) { found += is_wanted(item) ? 1 : 0; });
  reply.Map(found);
  ForEachField(session, names, [&](const SessionItem& item) {
    if (is_wanted(item)) reply.Pair(item.name, item.value);
  });
}

}  // namespace

/// SESSION.GET token [options] -> nil, or ns, user, handle, version, created, seen, auth_at,
/// deadline, abs, reauth and, unless they were not wanted, meta and fields.
Result<void> SessionGet(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 2,
                          kOptNames | kOptNoData | kOptNoTouch | kOptIfNewer | kOptMaxAuthAge));
  const SessionSpace& space = ctx.keys.sessions();
  const auto opened = OpenSession(space, TokenAt(ctx, args, 1), !options.has(kOptNoTouch),
                                  MayWrite(ctx), ctx.now, ctx.batch, !ctx.client.no_touch);
  if (!opened) return reply.Null();
  const SessionView& session = opened->found.view;
  const Namespace& ns = space.NamespaceOf(session);
  const bool data =
      !options.has(kOptNoData) && (!options.has(kOptIfNewer) || session.version > options.if_newer);
  const bool reauth =
      options.has(kOptMaxAuthAge) && ctx.now - session.auth_at > options.max_auth_age_ms;
  reply.Map(data ? 12 : 10);
  reply.Pair("ns", ns.name);
  reply.Pair("user", session.user);
  WriteHandle(session.handle(), reply);
  reply.NamedInteger("version", session.version);
  reply.NamedInteger("created", session.created);
  reply.NamedInteger("seen", opened->seen);
  reply.NamedInteger("auth_at", session.auth_at);
  reply.NamedInteger("deadline", opened->deadline);
  reply.NamedInteger("abs", session.abs());
  reply.NamedInteger("reauth", reauth ? 1 : 0);
  if (!data) return {};
  reply.Bulk("meta");
  WriteMeta(session, *ns.names, reply);
  reply.Bulk("fields");
  if (options.has(kOptNames))
    WriteWantedFields(session, *ns.names, options.fields, reply);
  else
    WriteFields(session, *ns.names, reply);
  return {};
}

/// SESSION.SET token [options] -> the version.
Result<void> SessionSet(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 2,
                          kOptIfVer | kOptSince | kOptUnchanged | kOptDel | kOptMeta | kOptFields));
  SetSessionRequest request;
  request.if_version = options.get(kOptIfVer, options.if_version);
  request.since = options.get(kOptSince, options.since);
  request.unchanged = options.unchanged;
  request.deleted = options.deleted;
  request.meta = options.meta;
  request.fields = options.fields;
  const auto version =
      SetSession(ctx.keys.sessions(), TokenAt(ctx, args, 1), request, ctx.now, ctx.batch);
  if (!version) return Refuse(ctx, version.error(), reply);
  return reply.Integer(*version);
}

/// SESSION.INCR token field increment -> the value.
Result<void> SessionIncr(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t increment, args.Integer(3, "increment is not an integer or out of range"));
  const auto value = IncrementSession(ctx.keys.sessions(), TokenAt(ctx, args, 1), args[2],
                                      increment, ctx.now, ctx.batch);
  if (!value) return Refuse(ctx, value.error(), reply);
  return reply.Integer(*value);
}

/// SESSION.TOUCH token [IDLE seconds] -> milliseconds left.
Result<void> SessionTouch(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SessionOptions options, ParseSessionOptions(args, 2, kOptIdle));
  const auto left = TouchSession(ctx.keys.sessions(), TokenAt(ctx, args, 1),
                                 options.get(kOptIdle, options.idle_ms), ctx.now, ctx.batch);
  if (!left) return Refuse(ctx, left.error(), reply);
  return reply.Integer(*left);
}

/// SESSION.DESTROY token [token ...] -> how many lived.
Result<void> SessionDestroy(CommandContext& ctx, Args args, Reply& reply) {
  std::vector<ShownToken> tokens;
  tokens.reserve(args.size() - 1);
  for (size_t i = 1; i < args.size(); ++i) tokens.push_back(TokenAt(ctx, args, i));
  if (ctx.dispatcher.shard().has_journal())
    for (const ShownToken& token : tokens) WaitAsPolicySays(ctx, token);
  const size_t lived = DestroySessions(ctx.keys.sessions(), tokens, ctx.now, ctx.batch);
  return reply.Integer(static_cast<int64_t>(lived));
}

}  // namespace cloakroom
