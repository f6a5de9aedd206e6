#include <limits>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/set_options.h"
#include "store/types/key.h"

namespace cloakroom {
namespace {

/// Reads [NX | XX | GT | LT ...] from args[3] on.
Result<DeadlineRule> ParseDeadlineRule(Args args) {
  DeadlineRule rule;
  for (size_t i = 3; i < args.size(); ++i) {
    if (args.Is(i, "NX")) {
      rule.only_without = true;
    } else if (args.Is(i, "XX")) {
      rule.only_with = true;
    } else if (args.Is(i, "GT")) {
      rule.only_later = true;
    } else if (args.Is(i, "LT")) {
      rule.only_earlier = true;
    } else {
      return Fail(Code::kInvalid, "Unsupported option {}", args[i]);
    }
  }
  if (rule.only_without && (rule.only_with || rule.only_later || rule.only_earlier)) {
    return Fail(Code::kInvalid, "NX and XX, GT or LT options at the same time are not compatible");
  }
  if (rule.only_later && rule.only_earlier)
    return Fail(Code::kInvalid, "GT and LT options at the same time are not compatible");
  return rule;
}

/// What the four commands share: `base` is the instant that the number counts from, in
/// milliseconds, and `unit_ms` what it counts. A time in the past is legal, and deletes.
Result<void> SetExpiry(CommandContext& ctx, Args args, TimeMs base, int64_t unit_ms, Reply& reply) {
  TRY(const DeadlineRule rule, ParseDeadlineRule(args));
  TRY(int64_t when, args.Integer(2));
  if (__builtin_mul_overflow(when, unit_ms, &when)) return InvalidExpireTime(ctx);
  if (__builtin_add_overflow(when, base, &when)) return InvalidExpireTime(ctx);
  const KeyRef key = ctx.Ref(args[1]);
  const Place place{ctx.db(), key, ctx.Find(key)};
  if (!ExpireKey(place, when, rule, ctx.now, ctx.batch)) return reply.Integer(0);
  const bool past = when <= ctx.now;
  if (past) ctx.Notify(EventClass::kGeneric, "del", key.bytes);
  TRY_VOID(reply.Integer(1));
  if (!past) ctx.Notify(EventClass::kGeneric, "expire", key.bytes);
  return {};
}

/// EXPIRE key seconds [NX | XX | GT | LT] -> 1 if it was set, else 0.
Result<void> Expire(CommandContext& ctx, Args args, Reply& reply) {
  return SetExpiry(ctx, args, ctx.now, 1000, reply);
}

/// PEXPIRE key milliseconds [NX | XX | GT | LT] -> 1 if it was set, else 0.
Result<void> PExpire(CommandContext& ctx, Args args, Reply& reply) {
  return SetExpiry(ctx, args, ctx.now, 1, reply);
}

/// EXPIREAT key unix-seconds [NX | XX | GT | LT] -> 1 if it was set, else 0.
Result<void> ExpireAt(CommandContext& ctx, Args args, Reply& reply) {
  return SetExpiry(ctx, args, 0, 1000, reply);
}

/// PEXPIREAT key unix-milliseconds [NX | XX | GT | LT] -> 1 if it was set, else 0.
Result<void> PExpireAt(CommandContext& ctx, Args args, Reply& reply) {
  return SetExpiry(ctx, args, 0, 1, reply);
}

/// What the four readers share: the deadline counted from `base`, -1 when there is none, -2 when
/// there is no key. Seconds are rounded to the nearest.
Result<void> ReplyExpiry(CommandContext& ctx, Args args, TimeMs base, bool seconds, Reply& reply) {
  const Entry* entry = ctx.Inspect(ctx.Ref(args[1]));
  if (entry == nullptr) return reply.Integer(-2);
  if (entry->deadline() == kNoDeadline) return reply.Integer(-1);
  const int64_t ms = entry->deadline() - base;
  return reply.Integer(seconds ? (ms + 500) / 1000 : ms);
}

/// TTL key -> seconds left, -1 or -2.
Result<void> Ttl(CommandContext& ctx, Args args, Reply& reply) {
  return ReplyExpiry(ctx, args, ctx.now, true, reply);
}

/// PTTL key -> milliseconds left, -1 or -2.
Result<void> PTtl(CommandContext& ctx, Args args, Reply& reply) {
  return ReplyExpiry(ctx, args, ctx.now, false, reply);
}

/// EXPIRETIME key -> unix seconds, -1 or -2.
Result<void> ExpireTime(CommandContext& ctx, Args args, Reply& reply) {
  return ReplyExpiry(ctx, args, 0, true, reply);
}

/// PEXPIRETIME key -> unix milliseconds, -1 or -2.
Result<void> PExpireTime(CommandContext& ctx, Args args, Reply& reply) {
  return ReplyExpiry(ctx, args, 0, false, reply);
}

/// PERSIST key -> 1 if it had an expiry, else 0.
Result<void> Persist(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  const bool changed = PersistKey({ctx.db(), key, ctx.Find(key)}, ctx.batch);
  if (changed) ctx.Notify(EventClass::kGeneric, "persist", key.bytes);
  return reply.Integer(changed ? 1 : 0);
}

constexpr KeyRange kOneKey{1, 1, 1};

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kExpiry[] = {
    {"expire", -3, kWrite | kFast, kOneKey, "keyspace", "generic", "1.0.0",
     "Sets in how many seconds a key expires.", "key seconds [NX | XX | GT | LT]", Expire},
    {"expireat", -3, kWrite | kFast, kOneKey, "keyspace", "generic", "1.2.0",
     "Sets the second at which a key expires.", "key unix-time-seconds [NX | XX | GT | LT]",
     ExpireAt},
    {"expiretime", 2, kReadonly | kFast, kOneKey, "keyspace", "generic", "7.0.0",
     "Tells the second at which a key expires.", "key", ExpireTime},
    {"persist", 2, kWrite | kFast, kOneKey, "keyspace", "generic", "2.2.0",
     "Takes the expiry of a key away.", "key", Persist},
    {"pexpire", -3, kWrite | kFast, kOneKey, "keyspace", "generic", "2.6.0",
     "Sets in how many milliseconds a key expires.", "key milliseconds [NX | XX | GT | LT]",
     PExpire},
    {"pexpireat", -3, kWrite | kFast, kOneKey, "keyspace", "generic", "2.6.0",
     "Sets the millisecond at which a key expires.",
     "key unix-time-milliseconds [NX | XX | GT | LT]", PExpireAt},
    {"pexpiretime", 2, kReadonly | kFast, kOneKey, "keyspace", "generic", "7.0.0",
     "Tells the millisecond at which a key expires.", "key", PExpireTime},
    {"pttl", 2, kReadonly | kFast, kOneKey, "keyspace", "generic", "2.6.0",
     "Tells how many milliseconds a key has left.", "key", PTtl},
    {"ttl", 2, kReadonly | kFast, kOneKey, "keyspace", "generic", "1.0.0",
     "Tells how many seconds a key has left.", "key", Ttl},
};

}  // namespace

void RegisterExpiry(Registry& registry) { registry.Add(kExpiry); }

}  // namespace cloakroom
