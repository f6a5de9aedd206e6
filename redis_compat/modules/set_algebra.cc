#include "redis_compat/modules/set_algebra.h"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "store/base/check.h"
#include "store/types/set.h"
#include "store/types/set_algebra.h"

namespace cloakroom {
namespace {

/// The sets at `names`, nullptr where there is none. Every key's type is checked, whether or not
/// the result is already known to be empty.
Result<std::vector<const Entry*>> ReadSets(CommandContext& ctx,
                                           std::span<const std::string_view> names) {
  std::vector<KeyRef> keys;
  keys.reserve(names.size());
  for (const std::string_view name : names) {
    keys.push_back(ctx.Ref(name));
    ctx.keys.PrefetchBucket(ctx.db(), keys.back().position);
  }
  std::vector<const Entry*> sets;
  sets.reserve(names.size());
  for (const KeyRef& key : keys) {
    TRY(const Entry* set, ctx.Read(key, ValueType::kSet));
    sets.push_back(set);
  }
  return sets;
}

enum class Operation { kIntersect, kUnite, kSubtract };

/// The result of an operation on the sets named from args[from] on.
Result<MemberList> Compute(Operation operation, CommandContext& ctx, Args args, size_t from) {
  TRY(const std::vector<const Entry*> sets, ReadSets(ctx, args.From(from)));
  // Keys the temporary hashing: outsiders cannot know it.
  const uint64_t seed = ctx.Ref(args[1]).position.hash;
  switch (operation) {
    case Operation::kIntersect:
      return Intersect(sets);
    case Operation::kUnite:
      return Unite(sets, seed);
    case Operation::kSubtract:
      return Subtract(sets, seed);
  }
  CHECK(false);
}

Result<void> Answer(Operation operation, CommandContext& ctx, Args args, Reply& reply) {
  TRY(const MemberList result, Compute(operation, ctx, args, 1));
  reply.Set(result.size());
  for (const std::string_view member : result.views()) reply.Bulk(member);
  return {};
}

bool LacksAny(const CommandContext& ctx, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return ctx.Peek(ctx.Ref(name)) == nullptr; });
}

Result<void> Store(Operation operation, CommandContext& ctx, Args args, Reply& reply) {
  TRY(const MemberList result, Compute(operation, ctx, args, 2));
  const KeyRef target = ctx.Ref(args[1]);
  const Entry* const before = ctx.Find(target);
  StoreMembers({ctx.db(), target, before}, result.views(), ctx.batch);
  if (!result.empty()) {
    ctx.NotifyNew(target, before);
    TRY_VOID(reply.Integer(static_cast<int64_t>(result.size())));
    ctx.Notify(EventClass::kSet, ctx.command.spec->name, target.bytes);
    return {};
  }
  if (before == nullptr || ctx.events == nullptr) return reply.Integer(0);
  // With a set missing there is nothing to intersect: Redis then deletes before it answers.
  const bool at_once = operation == Operation::kIntersect && LacksAny(ctx, args.From(2));
  if (at_once) ctx.Notify(EventClass::kGeneric, "del", target.bytes);
  TRY_VOID(reply.Integer(0));
  if (!at_once) ctx.Notify(EventClass::kGeneric, "del", target.bytes);
  return {};
}

/// SINTERCARD's first argument: how many keys follow.
Result<size_t> KeyCount(Args args) {
  constexpr std::string_view kNotPositive = "numkeys should be greater than 0";
  TRY(const int64_t count, args.Integer(1, kNotPositive));
  if (count < 1) return Fail(Code::kOutOfRange, kNotPositive);
  if (count > static_cast<int64_t>(args.size()) - 2)
    return Fail(Code::kOutOfRange, "Number of keys can't be greater than number of args");
  return static_cast<size_t>(count);
}

}  // namespace

Result<void> SInter(CommandContext& ctx, Args args, Reply& reply) {
  return Answer(Operation::kIntersect, ctx, args, reply);
}
Result<void> SUnion(CommandContext& ctx, Args args, Reply& reply) {
  return Answer(Operation::kUnite, ctx, args, reply);
}
Result<void> SDiff(CommandContext& ctx, Args args, Reply& reply) {
  return Answer(Operation::kSubtract, ctx, args, reply);
}
Result<void> SInterStore(CommandContext& ctx, Args args, Reply& reply) {
  return Store(Operation::kIntersect, ctx, args, reply);
}
Result<void> SUnionStore(CommandContext& ctx, Args args, Reply& reply) {
  return Store(Operation::kUnite, ctx, args, reply);
}
Result<void> SDiffStore(CommandContext& ctx, Args args, Reply& reply) {
  return Store(Operation::kSubtract, ctx, args, reply);
}

/// SINTERCARD numkeys key [key ...] [LIMIT limit] -> how many members all of them hold.
Result<void> SInterCard(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const size_t count, KeyCount(args));
  int64_t limit = 0;
  for (size_t i = 2 + count; i < args.size(); i += 2) {
    if (!args.Is(i, "LIMIT") || i + 1 == args.size()) return Fail(Code::kInvalid, "syntax error");
    constexpr std::string_view kNegative = "LIMIT can't be negative";
    TRY(limit, args.Integer(i + 1, kNegative));
    if (limit < 0) return Fail(Code::kOutOfRange, kNegative);
  }
  TRY(const std::vector<const Entry*> sets, ReadSets(ctx, args.words().subspan(2, count)));
  return reply.Integer(static_cast<int64_t>(CountIntersection(sets, static_cast<size_t>(limit))));
}

bool FindSInterCardKeys(Args args, std::vector<size_t>& keys) {
  if (args.size() < 3) return false;
  // COMMAND GETKEYS reads the number as atoi does: "1e3" is 1, and so is 2^32 + 1. The command
  // itself is stricter.
  const int count = static_cast<int>(std::strtol(std::string(args[1]).c_str(), nullptr, 10));
  if (count < 1 || static_cast<size_t>(count) > args.size() - 2) return false;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) keys.push_back(2 + i);
  return true;
}

}  // namespace cloakroom
