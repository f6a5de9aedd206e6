#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/collection_scan.h"
#include "redis_compat/modules/random_count.h"
#include "redis_compat/modules/scan_options.h"
#include "store/table/hash_value.h"
#include "store/types/hash.h"

namespace cloakroom {
namespace {

/// The hash at args[1] for a command that reads: nullptr when there is none.
Result<const Entry*> ReadHash(CommandContext& ctx, Args args) {
  return ctx.Read(ctx.Ref(args[1]), ValueType::kHash);
}

Result<void> BulkOrNull(const std::optional<std::string_view>& value, Reply& reply) {
  return value ? reply.Bulk(*value) : reply.Null();
}

/// HSET and HMSET: sets the pairs from args[2] on. Returns how many fields are new.
Result<size_t> SetPairs(CommandContext& ctx, Args args) {
  if (args.size() % 2 != 0)
    return Fail(Code::kInvalid, "wrong number of arguments for '{}' command",
                ctx.command.full_name);
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kHash));
  ctx.NotifyNew(key, entry);
  return SetFields({ctx.db(), key, entry}, args.From(2), ctx.batch);
}

/// HSET key field value [field value ...] -> how many fields are new.
Result<void> HSet(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const size_t created, SetPairs(ctx, args));
  TRY_VOID(reply.Integer(static_cast<int64_t>(created)));
  ctx.Notify(EventClass::kHash, "hset", args[1]);
  return {};
}

/// HMSET key field value [field value ...] -> OK.
Result<void> HMSet(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(SetPairs(ctx, args));
  TRY_VOID(reply.Ok());
  ctx.Notify(EventClass::kHash, "hset", args[1]);
  return {};
}

/// HSETNX key field value -> 1 when it was set, 0 when the field exists.
Result<void> HSetNx(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kHash));
  const bool set = SetFieldIfAbsent({ctx.db(), key, entry}, args[2], args[3], ctx.batch);
  if (!set) return reply.Integer(0);
  ctx.NotifyNew(key, entry);
  TRY_VOID(reply.Integer(1));
  ctx.Notify(EventClass::kHash, "hset", key.bytes);
  return {};
}

/// HGET key field -> the value, or nil.
Result<void> HGet(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  return entry == nullptr ? reply.Null() : BulkOrNull(HashGet(*entry, args[2]), reply);
}

/// HMGET key field [field ...] -> a value or nil for each.
Result<void> HMGet(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  reply.Array(args.size() - 2);
  for (const std::string_view field : args.From(2)) {
    TRY_VOID(entry == nullptr ? reply.Null() : BulkOrNull(HashGet(*entry, field), reply));
  }
  return {};
}

/// HGETALL key -> a map of all fields.
Result<void> HGetAll(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  if (entry == nullptr) return reply.Map(0);
  reply.Map(HashSize(*entry));
  HashForEach(*entry, [&](std::string_view field, std::string_view value) {
    reply.Bulk(field);
    reply.Bulk(value);
  });
  return {};
}

/// HKEYS key -> all fields.
Result<void> HKeys(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  if (entry == nullptr) return reply.Array(0);
  reply.Array(HashSize(*entry));
  HashForEach(*entry, [&](std::string_view field, std::string_view) { reply.Bulk(field); });
  return {};
}

/// HVALS key -> all values.
Result<void> HVals(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  if (entry == nullptr) return reply.Array(0);
  reply.Array(HashSize(*entry));
  HashForEach(*entry, [&](std::string_view, std::string_view value) { reply.Bulk(value); });
  return {};
}

/// HDEL key field [field ...] -> how many there were.
Result<void> HDel(CommandContext& ctx, Args args, Reply& reply) {
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kHash));
  const size_t deleted = DeleteFields({ctx.db(), key, entry}, args.From(2), ctx.batch);
  if (deleted > 0) {
    ctx.Notify(EventClass::kHash, "hdel", key.bytes);
    if (deleted == HashSize(*entry)) ctx.Notify(EventClass::kGeneric, "del", key.bytes);
  }
  return reply.Integer(static_cast<int64_t>(deleted));
}

/// HEXISTS key field -> 1 or 0.
Result<void> HExists(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  return reply.Integer(entry != nullptr && HashGet(*entry, args[2]) ? 1 : 0);
}

/// HLEN key -> how many fields there are.
Result<void> HLen(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  return reply.Integer(entry == nullptr ? 0 : static_cast<int64_t>(HashSize(*entry)));
}

/// HSTRLEN key field -> the length of its value, 0 when absent.
Result<void> HStrLen(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const Entry* entry, ReadHash(ctx, args));
  const auto value = entry == nullptr ? std::nullopt : HashGet(*entry, args[2]);
  return reply.Integer(value ? static_cast<int64_t>(value->size()) : 0);
}

/// HINCRBY key field increment -> the sum.
Result<void> HIncrBy(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t by, args.Integer(3));
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kHash));
  TRY(const int64_t sum, IncrementField({ctx.db(), key, entry}, args[2], by, ctx.batch));
  ctx.NotifyNew(key, entry);
  TRY_VOID(reply.Integer(sum));
  ctx.Notify(EventClass::kHash, "hincrby", key.bytes);
  return {};
}

/// HINCRBYFLOAT key field increment -> the sum, as text.
Result<void> HIncrByFloat(CommandContext& ctx, Args args, Reply& reply) {
  long double by = 0;
  if (!ParseLongDouble(args[3], by)) return Fail(Code::kInvalid, "value is not a valid float");
  if (!std::isfinite(by)) return Fail(Code::kInvalid, "value is NaN or Infinity");
  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Find(key, ValueType::kHash));
  TRY(const std::string sum, IncrementFieldFloat({ctx.db(), key, entry}, args[2], by, ctx.batch));
  ctx.NotifyNew(key, entry);
  TRY_VOID(reply.Bulk(sum));
  ctx.Notify(EventClass::kHash, "hincrbyfloat", key.bytes);
  return {};
}

/// HRANDFIELD's pairs: nested in RESP3, else one flat array.
class PairWriter {
 public:
  PairWriter(bool with_values, Reply& reply) : with_values_(with_values), reply_(reply) {}

  void Header(uint64_t pairs) {
    reply_.Array(with_values_ && reply_.protocol() == 2 ? pairs * 2 : pairs);
  }
  void Write(const FieldValue& pair) {
    if (with_values_ && reply_.protocol() > 2) reply_.Array(2);
    reply_.Bulk(pair.field);
    if (with_values_) reply_.Bulk(pair.value);
  }

 private:
  bool with_values_;
  Reply& reply_;
};

/// HRANDFIELD key count [WITHVALUES] -> fields, or fields and values.
Result<void> RandomPairs(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t count, SignedCount(args, 2));
  if (args.size() > 4 || (args.size() == 4 && !args.Is(3, "WITHVALUES")))
    return Fail(Code::kInvalid, "syntax error");
  const bool with_values = args.size() == 4;
  constexpr int64_t kPairsMax = std::numeric_limits<int64_t>::max() / 2;
  if (with_values && (count < -kPairsMax || count > kPairsMax))
    return Fail(Code::kOutOfRange, "value is out of range");

  const KeyRef key = ctx.Ref(args[1]);
  TRY(const Entry* entry, ctx.Read(key, ValueType::kHash));
  if (entry == nullptr || count == 0) return reply.Array(0);
  PairWriter writer(with_values, reply);
  if (count < 0) {
    const auto repeats = static_cast<uint64_t>(-count);
    writer.Header(repeats);
    return WriteRepeated(repeats, reply, [&] { writer.Write(HashPick(*entry, ctx.random)); });
  }
  const std::vector<FieldValue> sample =
      SampleFields({ctx.db(), key, entry}, static_cast<size_t>(count), ctx.random);
  writer.Header(sample.size());
  for (const FieldValue& pair : sample) writer.Write(pair);
  return {};
}

/// HRANDFIELD key -> a field, or nil.
Result<void> HRandField(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 2) return RandomPairs(ctx, args, reply);
  TRY(const Entry* entry, ReadHash(ctx, args));
  return entry == nullptr ? reply.Null() : reply.Bulk(HashPick(*entry, ctx.random).field);
}

/// HSCAN key cursor [MATCH pattern] [COUNT count] -> the next cursor, and fields with values.
Result<void> HScan(CommandContext& ctx, Args args, Reply& reply) {
  TRY(uint64_t cursor, ParseScanCursor(args[2]));
  TRY(const Entry* entry, ReadHash(ctx, args));
  std::vector<FieldValue> found;
  if (entry == nullptr) {
    cursor = 0;
  } else {
    TRY(const ScanOptions options, ParseScanOptions(args, 3, false));
    cursor = ScanByCount(*entry, options, cursor, [&](uint64_t at, int64_t& visited) {
      return HashScan(*entry, at, [&](std::string_view field, std::string_view value) {
        ++visited;
        if (options.Matches(field)) found.push_back({field, value});
      });
    });
  }
  reply.Array(2);
  reply.BulkInteger(static_cast<int64_t>(cursor));
  reply.Array(found.size() * 2);
  for (const FieldValue& pair : found) {
    reply.Bulk(pair.field);
    reply.Bulk(pair.value);
  }
  return {};
}

constexpr KeyRange kFirst = {1, 1, 1};
constexpr uint32_t kWriteFast = kWrite | kFast;
constexpr uint32_t kGrowFast = kWrite | kDenyOom | kFast;
constexpr uint32_t kReadFast = kReadonly | kFast;

// name, arity, flags, keys, ACL category, group, since, summary, syntax, handler
constexpr CommandSpec kHashes[] = {
    {"hset", -4, kGrowFast, kFirst, "hash", "hash", "2.0.0",
     "Sets fields of a hash, and counts the new ones", "key field value [field value ...]", HSet},
    {"hmset", -4, kGrowFast, kFirst, "hash", "hash", "2.0.0", "Sets fields of a hash",
     "key field value [field value ...]", HMSet},
    {"hsetnx", 4, kGrowFast, kFirst, "hash", "hash", "2.0.0", "Sets a field unless it exists",
     "key field value", HSetNx},
    {"hget", 3, kReadFast, kFirst, "hash", "hash", "2.0.0", "Returns the value of a field",
     "key field", HGet},
    {"hmget", -3, kReadFast, kFirst, "hash", "hash", "2.0.0", "Returns the values of some fields",
     "key field [field ...]", HMGet},
    {"hgetall", 2, kReadonly, kFirst, "hash", "hash", "2.0.0",
     "Returns all fields of a hash with their values", "key", HGetAll},
    {"hdel", -3, kWriteFast, kFirst, "hash", "hash", "2.0.0",
     "Deletes fields; a hash without fields is deleted", "key field [field ...]", HDel},
    {"hexists", 3, kReadFast, kFirst, "hash", "hash", "2.0.0", "Tells whether a field exists",
     "key field", HExists},
    {"hkeys", 2, kReadonly, kFirst, "hash", "hash", "2.0.0", "Returns the names of all fields",
     "key", HKeys},
    {"hvals", 2, kReadonly, kFirst, "hash", "hash", "2.0.0", "Returns the values of all fields",
     "key", HVals},
    {"hlen", 2, kReadFast, kFirst, "hash", "hash", "2.0.0", "Returns how many fields there are",
     "key", HLen},
    {"hstrlen", 3, kReadFast, kFirst, "hash", "hash", "3.2.0",
     "Returns the length of a field's value", "key field", HStrLen},
    {"hincrby", 4, kGrowFast, kFirst, "hash", "hash", "2.0.0", "Adds an integer to a field",
     "key field increment", HIncrBy},
    {"hincrbyfloat", 4, kGrowFast, kFirst, "hash", "hash", "2.6.0",
     "Adds a floating-point number to a field", "key field increment", HIncrByFloat},
    {"hrandfield", -2, kReadonly, kFirst, "hash", "hash", "6.2.0",
     "Returns fields drawn at random; with a negative count they may repeat",
     "key [count [WITHVALUES]]", HRandField},
    {"hscan", -3, kReadonly, kFirst, "hash", "hash", "2.8.0", "Walks a hash, some fields a call",
     "key cursor [MATCH pattern] [COUNT count]", HScan},
};

}  // namespace

void RegisterHashes(Registry& registry) { registry.Add(kHashes); }

}  // namespace cloakroom
