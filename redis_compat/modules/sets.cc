#include <limits>

#include "redis_compat/command/context.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/collection_scan.h"
#include "redis_compat/modules/random_count.h"
#include "redis_compat/modules/scan_options.h"
#include "redis_compat/modules/set_algebra.h"
#include "store/table/set_value.h"
#include "store/types/set.h"

namespace cloakroom {
namespace {

/// The set at args[1] for a command that reads: nullptr when there is none.
Result<const Entry*> ReadSet(CommandContext& ctx, Args args) {
  return ctx.Read(ctx.Ref(args[1]), ValueType::kSet);
}

Result<void> WriteMembers(const MemberList& members, Reply& reply) {
  for (const std::string_view member : members.views()) reply.Bulk(member);
  return {};
}

/// Notes that `count` members are taken out of the set; with the last of them it goes.
void NotifyRemoved(const CommandContext& ctx, std::string_view event, const KeyRef& key,
                   const Entry& entry, size_t count) {
  ctx.Notify(EventClass::kSet, event, key.bytes);
  if (count == SetSize(entry)) ctx.Notify(EventClass::kGeneric, "del", key.bytes);
}

/// SADD key member [member ...] -> how many are new.
Result<void> SAdd(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kSet));
  const size_t added = AddMembers({ctx.db(), key, entry}, args.From(2), ctx.batch);
  if (added > 0) ctx.NotifyWrite(EventClass::kSet, "sadd", key, entry);
  return reply.Integer(static_cast<int64_t>(added));
}

/// SREM key member [member ...] -> how many there were.
Result<void> SRem(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kSet));
  const size_t removed = RemoveMembers({ctx.db(), key, entry}, args.From(2), ctx.batch);
  if (removed > 0) NotifyRemoved(ctx, "srem", key, *entry, removed);
  return reply.Integer(static_cast<int64_t>(removed));
}

/// SMEMBERS key -> all members.
Result<void> SMembers(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadSet(ctx, args));
  if (entry == nullptr) return reply.Set(0);
  reply.Set(SetSize(*entry));
  SetForEach(*entry, [&](std::string_view member) { reply.Bulk(member); });
  return {};
}

/// SISMEMBER key member -> 1 or 0.
Result<void> SIsMember(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadSet(ctx, args));
  return reply.Integer(entry != nullptr && SetContains(*entry, args[2]) ? 1 : 0);
}

/// SMISMEMBER key member [member ...] -> 1 or 0 for each.
Result<void> SMIsMember(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadSet(ctx, args));
  reply.Array(args.size() - 2);
  for (const std::string_view member : args.From(2))
    reply.Integer(entry != nullptr && SetContains(*entry, member) ? 1 : 0);
  return {};
}

/// SCARD key -> how many members there are.
Result<void> SCard(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadSet(ctx, args));
  return reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(SetSize(*entry)));
}

/// SMOVE source destination member -> 1 when it was moved, 0 when it was not in source.
Result<void> SMove(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef from = ctx.Ref(args[1]);
  const KeyRef to = ctx.Ref(args[2]);
  const Entry* source = ctx.Find(from);
  // With no source, the type of the destination is nobody's business.
  if (source == nullptr) return reply.Integer(0);
  TRY_VOID(CommandContext::Typed(source, ValueType::kSet));
  TRY(const Entry* target, ctx.Find(to, ValueType::kSet));
  const bool moved =
      MoveMember({ctx.db(), from, source}, {ctx.db(), to, target}, args[3], ctx.batch);
  if (moved && source != target) {
    NotifyRemoved(ctx, "srem", from, *source, 1);
    if (target == nullptr || !SetContains(*target, args[3]))
      ctx.NotifyWrite(EventClass::kSet, "sadd", to, target);
  }
  return reply.Integer(moved ? 1 : 0);
}

/// SPOP key [count] -> a member or nil; with a count, that many or all.
Result<void> SPop(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 3) return Fail(Code::kInvalid, "syntax error");
  int64_t count = 1;
  if (args.size() == 3) {
    constexpr std::string_view kNotPositive = "value is out of range, must be positive";
    TRY(count, args.Integer(2, kNotPositive));
    if (count < 0) return Fail(Code::kOutOfRange, kNotPositive);
  }
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kSet));
  const MemberList popped =
      PopMembers({ctx.db(), key, entry}, static_cast<size_t>(count), ctx.random, ctx.batch);
  if (popped.empty()) return args.size() == 2 ? reply.Null() : reply.Set(0);
  ctx.Notify(EventClass::kSet, "spop", key.bytes);
  if (args.size() > 2) reply.Set(popped.size());
  TRY_VOID(WriteMembers(popped, reply));
  if (popped.size() == SetSize(*entry)) ctx.Notify(EventClass::kGeneric, "del", key.bytes);
  return {};
}

/// SRANDMEMBER key [count] -> a member or nil; with a count, an array: of different members, or for
/// a negative count of members that may repeat.
Result<void> SRandMember(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 3) return Fail(Code::kInvalid, "syntax error");
  const auto write_one = [&](const Entry& entry) {
    SetPick(entry, ctx.random, [&](std::string_view member) { reply.Bulk(member); });
  };
  if (args.size() == 2) {
    TRY(const Entry* entry, ReadSet(ctx, args));
    if (entry == nullptr) return reply.Null();
    write_one(*entry);
    return {};
  }
  TRY(const int64_t count, SignedCount(args, 2));
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Read(key, ValueType::kSet));
  if (entry == nullptr || count == 0) return reply.Array(0);
  if (count < 0) {
    const auto repeats = static_cast<uint64_t>(-count);
    reply.Array(repeats);
    return WriteRepeated(repeats, reply, [&] { write_one(*entry); });
  }
  const MemberList sample =
      SampleMembers({ctx.db(), key, entry}, static_cast<size_t>(count), ctx.random);
  reply.Array(sample.size());
  return WriteMembers(sample, reply);
}

/// SSCAN key cursor [MATCH pattern] [COUNT count] -> the next cursor, and members.
Result<void> SScan(CommandContext& ctx, Args args, Reply& reply) {
  TRY(uint64_t cursor, ParseScanCursor(args[2]));
  TRY(const Entry* entry, ReadSet(ctx, args));
  MemberList found;
  if (entry == nullptr) {
    cursor = 0;
  } else {
    TRY(const ScanOptions options, ParseScanOptions(args, 3, false));
    cursor = ScanByCount(*entry, options, cursor, [&](uint64_t at, int64_t& visited) {
      return SetScan(*entry, at, [&](std::string_view member) {
        ++visited;
        if (options.Matches(member)) found.Add(*entry, member);
      });
    });
  }
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(cursor));
  reply.Array(found.size());
  return WriteMembers(found, reply);
}

constexpr KeyRange kFirst = {1, 1, 1};
constexpr KeyRange kTwo = {1, 2, 1};
constexpr KeyRange kAll = {1, -1, 1};
constexpr uint32_t kWriteFast = kWrite | kFast;
constexpr uint32_t kGrowFast = kWrite | kDenyOom | kFast;
constexpr uint32_t kGrow = kWrite | kDenyOom;
constexpr uint32_t kReadFast = kReadonly | kFast;

// name, arity, flags, keys, ACL category, group, since, summary, syntax, handler
constexpr CommandSpec kSets[] = {
    {"sadd", -3, kGrowFast, kFirst, "set", "set", "1.0.0",
     "Adds members to a set, and counts the new ones", "key member [member ...]", SAdd},
    {"srem", -3, kWriteFast, kFirst, "set", "set", "1.0.0",
     "Removes members; a set without members is deleted", "key member [member ...]", SRem},
    {"smembers", 2, kReadonly, kFirst, "set", "set", "1.0.0", "Returns all members of a set", "key",
     SMembers},
    {"sismember", 3, kReadFast, kFirst, "set", "set", "1.0.0", "Tells whether a member is in a set",
     "key member", SIsMember},
    {"smismember", -3, kReadFast, kFirst, "set", "set", "6.2.0",
     "Tells of each of some members whether it is in a set", "key member [member ...]", SMIsMember},
    {"scard", 2, kReadFast, kFirst, "set", "set", "1.0.0", "Returns how many members there are",
     "key", SCard},
    {"spop", -2, kWriteFast, kFirst, "set", "set", "1.0.0",
     "Removes members drawn at random, and returns them", "key [count]", SPop},
    {"srandmember", -2, kReadonly, kFirst, "set", "set", "1.0.0",
     "Returns members drawn at random; with a negative count they may repeat", "key [count]",
     SRandMember},
    {"smove", 4, kWriteFast, kTwo, "set", "set", "1.0.0", "Moves a member from one set to another",
     "source destination member", SMove},
    {"sinter", -2, kReadonly, kAll, "set", "set", "1.0.0", "Returns what all of the sets hold",
     "key [key ...]", SInter},
    {"sunion", -2, kReadonly, kAll, "set", "set", "1.0.0", "Returns what any of the sets holds",
     "key [key ...]", SUnion},
    {"sdiff", -2, kReadonly, kAll, "set", "set", "1.0.0",
     "Returns what the first set holds and none of the others", "key [key ...]", SDiff},
    {"sinterstore", -3, kGrow, kAll, "set", "set", "1.0.0",
     "Stores what all of the sets hold, and counts it", "destination key [key ...]", SInterStore},
    {"sunionstore", -3, kGrow, kAll, "set", "set", "1.0.0",
     "Stores what any of the sets holds, and counts it", "destination key [key ...]", SUnionStore},
    {"sdiffstore", -3, kGrow, kAll, "set", "set", "1.0.0",
     "Stores what the first set holds and none of the others, and counts it",
     "destination key [key ...]", SDiffStore},
    {.name = "sintercard",
     .arity = -3,
     .flags = kReadonly | kMovableKeys,
     .keys = {},
     .categories = "set",
     .group = "set",
     .since = "7.0.0",
     .summary = "Counts what all of the sets hold, up to a limit",
     .syntax = "numkeys key [key ...] [LIMIT limit]",
     .handler = SInterCard,
     .find_keys = FindSInterCardKeys},
    {"sscan", -3, kReadonly, kFirst, "set", "set", "2.8.0", "Walks a set, some members a call",
     "key cursor [MATCH pattern] [COUNT count]", SScan},
};

}  // namespace

void RegisterSets(Registry& registry) { registry.Add(kSets); }

}  // namespace cloakroom
