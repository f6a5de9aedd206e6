// SESSION.LIST, SCAN, REVOKE, REVOKEALL, POLICY and STATS: many sessions at once.

#include <algorithm>
#include <string>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/session_args.h"
#include "redis_compat/modules/session_map.h"
#include "redis_compat/modules/session_modules.h"
#include "store/types/policy.h"
#include "store/types/token.h"
#include "store/types/user.h"

namespace cloakroom {
namespace {

/// One session of a list: never its token.
void WriteListed(const SessionView& session, const SessionHandle& handle, TimeMs deadline,
                 const FieldNames& names, bool with_user, bool current, Reply& reply) {
  reply.Map(with_user ? 9 : 8);
  if (with_user) reply.Pair("user", session.user);
  WriteHandle(handle, reply);
  reply.NamedInteger("created", session.created);
  reply.NamedInteger("seen", session.seen);
  reply.NamedInteger("auth_at", session.auth_at);
  reply.NamedInteger("deadline", deadline);
  reply.NamedInteger("abs", session.abs());
  reply.Bulk("meta");
  WriteMeta(session, names, reply);
  reply.NamedInteger("current", current ? 1 : 0);
}

}  // namespace

/// SESSION.LIST ns user [CURSOR c] [COUNT n] [CURRENT token] -> cursor, sessions.
Result<void> SessionList(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  TRY_VOID(CheckUser(args[2]));
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 3, kOptCursor | kOptCount | kOptCurrent));
  const SessionSpace& space = ctx.keys.sessions();
  NamedSession current;
  if (options.has(kOptCurrent))
    current =
        NameSession(space, args[1], args[2], options.token, MayWrite(ctx), ctx.now, ctx.batch);
  TRY(SessionPage page,
      ListSessions(space, args[1], args[2], options.cursor, options.count, ctx.now));
  if (current.ended)
    std::erase_if(page.sessions, [&](const auto& each) { return each.key == *current.ended; });
  reply.Array(2);
  reply.Bulk(page.cursor);
  reply.Array(page.sessions.size());
  for (const UserSession& each : page.sessions) {
    const SessionSpace::Found found = space.Find(each.key, ctx.now);
    WriteListed(found.view, each.handle, found.entry->deadline(),
                *space.NamespaceOf(found.view).names, false,
                current.live && *current.live == each.key, reply);
  }
  return {};
}

/// SESSION.SCAN ns [CURSOR c] [COUNT n] -> cursor, sessions.
Result<void> SessionScan(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  TRY(const SessionOptions options, ParseSessionOptions(args, 2, kOptCursor | kOptCount));
  int64_t cursor = 0;
  if (!ParseInteger(options.cursor, cursor) || cursor < 0)
    return Fail(Code::kInvalid, "invalid cursor");
  const SessionSpace& space = ctx.keys.sessions();
  const Namespace* const ns = space.FindNamespace(args[1]);
  struct Listed {
    const Entry* entry;
    SessionView view;
  };
  std::vector<Listed> found;
  auto next = static_cast<uint64_t>(cursor);
  if (ns == nullptr) {
    next = 0;
  } else {
    // A namespace may be a small part of all: a call looks at so many places and no more.
    constexpr size_t kPlacesPerResult = 10;
    constexpr size_t kPlacesMax = 10'000;
    size_t places = std::min(options.count * kPlacesPerResult, kPlacesMax);
    do {
      next = space.Scan(next, ctx.now, [&](const Entry& entry, const SessionView& view) {
        if (view.ns == ns->id) found.push_back({&entry, view});
      });
    } while (next != 0 && --places > 0 && found.size() < options.count);
  }
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(next));
  reply.Array(found.size());
  for (const Listed& each : found)
    WriteListed(each.view, each.view.handle(), each.entry->deadline(), *ns->names, true, false,
                reply);
  return {};
}

/// SESSION.REVOKE ns user ALL | HANDLE n handle ... [EXCEPT token] -> how many ended.
Result<void> SessionRevoke(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  TRY_VOID(CheckUser(args[2]));
  TRY(const SessionOptions options,
      ParseSessionOptions(args, 3, kOptAll | kOptHandle | kOptExcept));
  if (!options.has(kOptAll) && !options.has(kOptHandle))
    return Fail(Code::kInvalid, "ALL or HANDLE is needed");
  const SessionSpace& space = ctx.keys.sessions();
  // To end sessions frees memory, so the row cannot say that this needs some. But the mark of a
  // user without any is a mere gain in memory, and there is no end of names.
  if (options.has(kOptAll) && ctx.dispatcher.shard().evictor().IsStuck() &&
      !IsKnownUser(space, args[1], args[2], ctx.now))
    return Fail(Code::kNoMemory, "");
  NamedSession except;
  if (options.has(kOptExcept))
    except = NameSession(space, args[1], args[2], options.token, true, ctx.now, ctx.batch);
  WaitAsPolicySays(ctx, args[1]);
  const size_t ended =
      options.has(kOptAll)
          ? RevokeUser(space, args[1], args[2], except, ctx.now, ctx.batch)
          : RevokeHandles(space, args[1], args[2], options.handles, except, ctx.now, ctx.batch);
  return reply.Integer(static_cast<int64_t>(ended));
}

/// SESSION.REVOKEALL ns -> how many ended.
Result<void> SessionRevokeAll(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  WaitAsPolicySays(ctx, args[1]);
  const uint64_t ended = RevokeNamespace(ctx.keys.sessions(), args[1], ctx.now, ctx.batch);
  return reply.Integer(static_cast<int64_t>(ended));
}

/// SESSION.POLICY ns [SET name value ...] -> the policy.
Result<void> SessionPolicyCommand(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(CheckNamespace(args[1]));
  const SessionSpace& space = ctx.keys.sessions();
  SessionPolicy policy = space.PolicyOf(space.FindNamespace(args[1]));
  if (args.size() > 2) {
    if (!args.Is(2, "SET")) return Fail(Code::kInvalid, "unknown option '{}'", args[2]);
    if (args.size() == 3) return Fail(Code::kInvalid, "SET needs a name and a value");
    // To look at a policy needs no memory, so the row cannot say so for both.
    if (ctx.dispatcher.shard().evictor().IsStuck()) return Fail(Code::kNoMemory, "");
    for (size_t i = 3; i < args.size(); i += 2) {
      if (i + 1 == args.size()) return Fail(Code::kInvalid, "{} needs a value", args[i]);
      for (size_t before = 3; before < i; before += 2)
        if (EqualsIgnoreCase(args[before], args[i]))
          return Fail(Code::kInvalid, "{} is given twice", args[i]);
      TRY_VOID(SetPolicyItem(policy, args[i], args[i + 1]));
    }
    if (policy.ack != PolicyAck::kServer && !ctx.dispatcher.shard().has_journal())
      return Fail(Code::kUnavailable,
                  "ack can only be 'server' while appendonly is no: there is nothing to wait for");
    Add(ctx.batch, SessionPolicyOp{args[1], policy});
  }
  const std::vector<PolicyItem> items = ListPolicy(policy);
  reply.Map(items.size());
  for (const PolicyItem& item : items) {
    reply.Bulk(item.name);
    if (const auto* number = std::get_if<int64_t>(&item.value))
      reply.Integer(*number);
    else
      reply.Bulk(std::get<std::string_view>(item.value));
  }
  return {};
}

/// SESSION.STATS [ns] -> live, anonymous, bytes; created, destroyed, expired, evicted, revoked and
/// reuse since this process started.
Result<void> SessionStats(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 2) return Fail(Code::kInvalid, "unknown option '{}'", args[2]);
  const SessionSpace& space = ctx.keys.sessions();
  const Namespace* ns = nullptr;
  SessionSpace::Counts counts;
  SessionCounters counters;
  if (args.size() == 2) {
    TRY_VOID(CheckNamespace(args[1]));
    ns = space.FindNamespace(args[1]);
  }
  if (args.size() == 1 || ns != nullptr) {
    counts = space.CountsOf(ns, ctx.now);
    counters = space.CountersOf(ns);
  }
  const std::pair<std::string_view, uint64_t> rows[] = {{"live", counts.live},
                                                        {"anonymous", counts.anonymous},
                                                        {"bytes", counts.bytes},
                                                        {"created", counters.created},
                                                        {"destroyed", counters.destroyed},
                                                        {"expired", counters.expired},
                                                        {"evicted", counters.evicted},
                                                        {"revoked", counters.revoked},
                                                        {"reuse", counters.reuse}};
  reply.Map(std::size(rows));
  for (const auto& [name, value] : rows) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  }
  return {};
}

}  // namespace cloakroom
