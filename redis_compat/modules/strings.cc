#include <algorithm>
#include <limits>
#include <string>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/key_words.h"
#include "redis_compat/modules/set_options.h"
#include "store/base/number.h"
#include "store/types/distinct.h"
#include "store/types/string.h"

namespace cloakroom {
namespace {

/// GET key -> the value, or nil.
Result<void> Get(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ctx.Read(ctx.Ref(args[1]), ValueType::kString));
  return entry == nullptr ? reply.Null() : reply.Bulk(entry->value());
}

/// Notes that `key` is set, without having looked at it.
void NotifySetUnseen(const CommandContext& ctx, const KeyRef& key) {
  if (ctx.events != nullptr) [[unlikely]]
    ctx.NotifyWrite(EventClass::kString, "set", key, ctx.Peek(key));
}

/// SET with options: what is asked of the old value needs a look at it.
Result<void> SetWithOptions(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SetOptions options, ParseSetOptions(args, 3, SetOptionsOf::kSet));
  TimeMs deadline = kNoDeadline;
  if (options.unit != ExpiryUnit::kNone) {
    TRY(deadline, ParseDeadline(ctx, args, options.expiry_word, options.unit));
  }
  const KeyRef key = ctx.Ref(args[1]);
  const bool look = options.get || options.only_absent || options.only_present ||
                    options.keep_deadline || (deadline != kNoDeadline && deadline <= ctx.now);
  const Entry* entry = nullptr;
  if (options.get) {
    TRY(entry, ctx.Read(key, ValueType::kString));
    TRY_VOID(entry == nullptr ? reply.Null() : reply.Bulk(entry->value()));
  } else if (look) {
    entry = ctx.Find(key);
  } else {
    ctx.Overwrites(key);
  }
  if ((options.only_absent && entry != nullptr) || (options.only_present && entry == nullptr))
    return options.get ? Result<void>() : reply.Null();

  if (options.keep_deadline && entry != nullptr) deadline = entry->deadline();
  SetString({ctx.db(), key, entry}, args[2], deadline, ctx.now, ctx.batch);
  if (ctx.events != nullptr) [[unlikely]] {
    ctx.NotifyWrite(EventClass::kString, "set", key, look ? entry : ctx.Peek(key));
    if (options.unit != ExpiryUnit::kNone) ctx.Notify(EventClass::kGeneric, "expire", key.bytes);
    if (deadline != kNoDeadline && deadline <= ctx.now)
      ctx.Notify(EventClass::kExpired, "expired", key.bytes);
  }
  return options.get ? Result<void>() : reply.Ok();
}

/// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] -> OK, nil, or with
/// GET the old value.
Result<void> Set(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 3) return SetWithOptions(ctx, args, reply);
  const KeyRef key = ctx.Ref(args[1]);
  ctx.Overwrites(key);
  ctx.batch.PutString(ctx.db(), key, args[2], kNoDeadline);
  NotifySetUnseen(ctx, key);
  return reply.Ok();
}

Result<void> SetWithExpiry(CommandContext& ctx, Args args, ExpiryUnit unit, Reply& reply) {
  TRY(const TimeMs deadline, ParseDeadline(ctx, args, 2, unit));
  const KeyRef key = ctx.Ref(args[1]);
  ctx.Overwrites(key);
  ctx.batch.PutString(ctx.db(), key, args[3], StorableDeadline(deadline));
  NotifySetUnseen(ctx, key);
  ctx.Notify(EventClass::kGeneric, "expire", key.bytes);
  return reply.Ok();
}

/// SETEX key seconds value -> OK.
Result<void> SetEx(CommandContext& ctx, Args args, Reply& reply) {
  return SetWithExpiry(ctx, args, ExpiryUnit::kSeconds, reply);
}

/// PSETEX key milliseconds value -> OK.
Result<void> PSetEx(CommandContext& ctx, Args args, Reply& reply) {
  return SetWithExpiry(ctx, args, ExpiryUnit::kMillis, reply);
}

/// SETNX key value -> 1 if set, 0 if something stood there.
Result<void> SetNx(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  if (ctx.Find(key) != nullptr) return reply.Integer(0);
  ctx.batch.PutString(ctx.db(), key, args[2], kNoDeadline);
  ctx.NotifyWrite(EventClass::kString, "set", key, nullptr);
  return reply.Integer(1);
}

/// GETSET key value -> the old value, or nil.
Result<void> GetSet(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Read(key, ValueType::kString));
  ctx.batch.PutString(ctx.db(), key, args[2], kNoDeadline);
  TRY_VOID(entry == nullptr ? reply.Null() : reply.Bulk(entry->value()));
  ctx.NotifyWrite(EventClass::kString, "set", key, entry);
  return {};
}

/// GETDEL key -> the value that was there, or nil.
Result<void> GetDel(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Read(key, ValueType::kString));
  if (entry == nullptr) return reply.Null();
  ctx.batch.Delete(ctx.db(), key);
  TRY_VOID(reply.Bulk(entry->value()));
  ctx.Notify(EventClass::kGeneric, "del", key.bytes);
  return {};
}

/// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] -> the value, or nil.
Result<void> GetEx(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const SetOptions options, ParseSetOptions(args, 2, SetOptionsOf::kGetEx));
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Read(key, ValueType::kString));
  if (entry == nullptr) return reply.Null();
  TRY_VOID(reply.Bulk(entry->value()));
  const Place place{ctx.db(), key, entry};
  if (options.persist) {
    if (PersistKey(place, ctx.batch)) ctx.Notify(EventClass::kGeneric, "persist", key.bytes);
  } else if (options.unit != ExpiryUnit::kNone) {
    TRY(const TimeMs deadline, ParseDeadline(ctx, args, options.expiry_word, options.unit));
    ExpireKey(place, deadline, DeadlineRule{}, ctx.now, ctx.batch);
    ctx.Notify(EventClass::kGeneric, deadline <= ctx.now ? "del" : "expire", key.bytes);
  }
  return {};
}

/// MGET key [key ...] -> the values; nil for what is absent or no string.
Result<void> MGet(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(reply.Array(args.size() - 1));
  ForEachKey(ctx, args, 1, 1, [&](const KeyRef& key, size_t) {
    const Entry* entry = ctx.Read(key);
    const bool is_string = entry != nullptr && entry->type() == ValueType::kString;
    static_cast<void>(is_string ? reply.Bulk(entry->value()) : reply.Null());
  });
  return {};
}

Result<void> NeedPairs(const CommandContext& ctx, Args args) {
  if (args.size() % 2 == 1) return {};
  return Fail(Code::kInvalid, "wrong number of arguments for '{}' command", ctx.command.full_name);
}

/// Notes each pair of MSET. What is named twice is new only once.
void NotifyPairs(const CommandContext& ctx, Args args) {
  FirstSights sights(args.From(1), 2, ctx.Ref(args[1]).position.hash);
  for (size_t i = 1; i < args.size(); i += 2) {
    const KeyRef key = ctx.Ref(args[i]);
    if (sights.IsFirst(i - 1) && ctx.Peek(key) == nullptr)
      ctx.Notify(EventClass::kNew, "new", key.bytes);
    ctx.Notify(EventClass::kString, "set", key.bytes);
  }
}

void SetPairs(CommandContext& ctx, Args args) {
  ForEachKey(ctx, args, 1, 2, [&](const KeyRef& key, size_t i) {
    ctx.Overwrites(key);
    ctx.batch.PutString(ctx.db(), key, args[i + 1], kNoDeadline);
  });
  if (ctx.events != nullptr) [[unlikely]]
    NotifyPairs(ctx, args);
}

/// MSET key value [key value ...] -> OK.
Result<void> MSet(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(NeedPairs(ctx, args));
  SetPairs(ctx, args);
  return reply.Ok();
}

/// MSETNX key value [key value ...] -> 1 if all were set, 0 if any stood there.
Result<void> MSetNx(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(NeedPairs(ctx, args));
  bool any = false;
  ForEachKey(ctx, args, 1, 2,
             [&](const KeyRef& key, size_t) { any = any || ctx.Find(key) != nullptr; });
  if (any) return reply.Integer(0);
  SetPairs(ctx, args);
  return reply.Integer(1);
}

/// The longest that a string of about `size` bytes may become. The option is asked for only where
/// it could matter: it cannot be set below 1 MiB.
uint64_t LengthMax(const CommandContext& ctx, uint64_t size) {
  constexpr uint64_t kLeast = 1 << 20;
  constexpr int64_t kDefault = 512 << 20;
  if (size <= kLeast) return kLeast;
  int64_t limit = kDefault;
  const auto text = ctx.server.ConfigGet("proto-max-bulk-len");
  if (!text || !ParseInteger(*text, limit) || limit < 0) limit = kDefault;
  return std::min(static_cast<uint64_t>(limit), kStringBytesMax);
}

/// APPEND key value -> the new length.
Result<void> Append(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kString));
  const uint64_t size = entry == nullptr ? 0 : entry->value_size();
  const uint64_t length_max = LengthMax(ctx, size + args[2].size());
  TRY(const uint64_t length, AppendString({ctx.db(), key, entry}, args[2], length_max, ctx.batch));
  ctx.NotifyWrite(EventClass::kString, "append", key, entry);
  return reply.Integer(static_cast<int64_t>(length));
}

/// SETRANGE key offset value -> the new length.
Result<void> SetRange(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t offset, args.Integer(2));
  if (offset < 0) return Fail(Code::kOutOfRange, "offset is out of range");
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kString));
  const auto from = static_cast<uint64_t>(offset);
  const uint64_t length_max = LengthMax(ctx, from + args[3].size());
  TRY(const uint64_t length,
      WriteString({ctx.db(), key, entry}, from, args[3], length_max, ctx.batch));
  if (!args[3].empty()) ctx.NotifyWrite(EventClass::kString, "setrange", key, entry);
  return reply.Integer(static_cast<int64_t>(length));
}

/// GETRANGE key start end -> those bytes; SUBSTR is its old name.
Result<void> GetRange(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t first, args.Integer(2));
  TRY(const int64_t last, args.Integer(3));
  TRY(const Entry* entry, ctx.Read(ctx.Ref(args[1]), ValueType::kString));
  if (entry == nullptr) return reply.Bulk({});
  return reply.Bulk(StringRange(entry->value(), first, last));
}

/// STRLEN key -> bytes, 0 when absent.
Result<void> StrLen(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ctx.Read(ctx.Ref(args[1]), ValueType::kString));
  return reply.Integer(entry == nullptr ? 0 : entry->value_size());
}

Result<void> Add(CommandContext& ctx, std::string_view name, int64_t by, Reply& reply) {
  const KeyRef key = ctx.Ref(name);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kString));
  TRY(const int64_t sum, IncrementString({ctx.db(), key, entry}, by, ctx.batch));
  ctx.NotifyWrite(EventClass::kString, "incrby", key, entry);
  return reply.Integer(sum);
}

/// INCR key -> the sum.
Result<void> Incr(CommandContext& ctx, Args args, Reply& reply) {
  return Add(ctx, args[1], 1, reply);
}

/// DECR key -> the sum.
Result<void> Decr(CommandContext& ctx, Args args, Reply& reply) {
  return Add(ctx, args[1], -1, reply);
}

/// INCRBY key increment -> the sum.
Result<void> IncrBy(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t by, args.Integer(2));
  return Add(ctx, args[1], by, reply);
}

/// DECRBY key decrement -> the sum.
Result<void> DecrBy(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t by, args.Integer(2));
  if (by == std::numeric_limits<int64_t>::min())
    return Fail(Code::kOutOfRange, "decrement would overflow");
  return Add(ctx, args[1], -by, reply);
}

/// INCRBYFLOAT key increment -> the sum, as it is stored.
Result<void> IncrByFloat(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kString));
  long double by = 0;
  if (!ParseLongDouble(args[2], by)) return Fail(Code::kInvalid, "value is not a valid float");
  TRY(const std::string sum, IncrementStringFloat({ctx.db(), key, entry}, by, ctx.batch));
  ctx.NotifyWrite(EventClass::kString, "incrbyfloat", key, entry);
  return reply.Bulk(sum);
}

constexpr KeyRange kOneKey{1, 1, 1};
constexpr uint32_t kStore = kWrite | kDenyOom;

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kStrings[] = {
    {"append", 3, kStore | kFast, kOneKey, "string", "string", "2.0.0",
     "Adds bytes to the end of a string, making it if need be.", "key value", Append},
    {"decr", 2, kStore | kFast, kOneKey, "string", "string", "1.0.0",
     "Subtracts one from an integer.", "key", Decr},
    {"decrby", 3, kStore | kFast, kOneKey, "string", "string", "1.0.0",
     "Subtracts from an integer.", "key decrement", DecrBy},
    {"get", 2, kReadonly | kFast, kOneKey, "string", "string", "1.0.0", "Reads a string.", "key",
     Get},
    {"getdel", 2, kWrite | kFast, kOneKey, "string", "string", "6.2.0",
     "Reads a string and deletes it.", "key", GetDel},
    {"getex", -2, kWrite | kFast, kOneKey, "string", "string", "6.2.0",
     "Reads a string and sets or clears its expiry.",
     "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
     "PERSIST]",
     GetEx},
    {"getrange", 4, kReadonly, kOneKey, "string", "string", "2.4.0", "Reads a part of a string.",
     "key start end", GetRange},
    {"getset", 3, kStore | kFast, kOneKey, "string", "string", "1.0.0",
     "Sets a string and answers what it was.", "key value", GetSet},
    {"incr", 2, kStore | kFast, kOneKey, "string", "string", "1.0.0", "Adds one to an integer.",
     "key", Incr},
    {"incrby", 3, kStore | kFast, kOneKey, "string", "string", "1.0.0", "Adds to an integer.",
     "key increment", IncrBy},
    {"incrbyfloat", 3, kStore | kFast, kOneKey, "string", "string", "2.6.0",
     "Adds to a floating-point number.", "key increment", IncrByFloat},
    {"mget",
     -2,
     kReadonly | kFast,
     {1, -1, 1},
     "string",
     "string",
     "1.0.0",
     "Reads several strings.",
     "key [key ...]",
     MGet},
    {"mset",
     -3,
     kStore,
     {1, -1, 2},
     "string",
     "string",
     "1.0.1",
     "Sets several strings.",
     "key value [key value ...]",
     MSet},
    {"msetnx",
     -3,
     kStore,
     {1, -1, 2},
     "string",
     "string",
     "1.0.1",
     "Sets several strings, but only if none of the keys exists.",
     "key value [key value ...]",
     MSetNx},
    {"psetex", 4, kStore, kOneKey, "string", "string", "2.6.0",
     "Sets a string that expires after some milliseconds.", "key milliseconds value", PSetEx},
    {"set", -3, kStore, kOneKey, "string", "string", "1.0.0",
     "Sets a string, whatever stood there before.",
     "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
     "PXAT unix-time-milliseconds | KEEPTTL]",
     Set},
    {"setex", 4, kStore, kOneKey, "string", "string", "2.0.0",
     "Sets a string that expires after some seconds.", "key seconds value", SetEx},
    {"setnx", 3, kStore | kFast, kOneKey, "string", "string", "1.0.0",
     "Sets a string, but only if the key does not exist.", "key value", SetNx},
    {"setrange", 4, kStore, kOneKey, "string", "string", "2.2.0", "Overwrites a part of a string.",
     "key offset value", SetRange},
    {"strlen", 2, kReadonly | kFast, kOneKey, "string", "string", "2.2.0",
     "Counts the bytes of a string.", "key", StrLen},
    {"substr", 4, kReadonly, kOneKey, "string", "string", "1.0.0", "Reads a part of a string.",
     "key start end", GetRange},
};

}  // namespace

void RegisterStrings(Registry& registry) { registry.Add(kStrings); }

}  // namespace cloakroom
