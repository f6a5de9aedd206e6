#include <string_view>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/database_index.h"
#include "redis_compat/modules/key_words.h"
#include "store/types/distinct.h"
#include "store/types/key.h"

namespace cloakroom {
namespace {

constexpr std::string_view kSameObject = "source and destination objects are the same";

/// DEL key [key ...] -> how many were there. UNLINK is the same: large values are always freed in
/// slices.
Result<void> Del(CommandContext& ctx, Args args, Reply& reply) {
  int64_t deleted = 0;
  FirstSights sights(args.From(1), 1, ctx.Ref(args[1]).position.hash);
  ForEachKey(ctx, args, 1, 1, [&](const KeyRef& key, size_t i) {
    if (ctx.Peek(key) == nullptr || !sights.IsFirst(i - 1)) return;
    ctx.batch.Delete(ctx.db(), key);
    ctx.Notify(EventClass::kGeneric, "del", key.bytes);
    ++deleted;
  });
  return reply.Integer(deleted);
}

/// EXISTS key [key ...] -> how many are there, one named twice counted twice.
Result<void> Exists(CommandContext& ctx, Args args, Reply& reply) {
  int64_t count = 0;
  ForEachKey(ctx, args, 1, 1,
             [&](const KeyRef& key, size_t) { count += ctx.Inspect(key) != nullptr ? 1 : 0; });
  return reply.Integer(count);
}

/// TOUCH key [key ...] -> how many are there; it is a use of each, CLIENT NO-TOUCH or not.
Result<void> Touch(CommandContext& ctx, Args args, Reply& reply) {
  int64_t count = 0;
  ForEachKey(ctx, args, 1, 1, [&](const KeyRef& key, size_t) {
    const Entry* entry = ctx.Inspect(key);
    if (entry == nullptr) return;
    ctx.Touch(*entry);
    ++count;
  });
  return reply.Integer(count);
}

/// TYPE key -> its type's name, or "none".
Result<void> Type(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.Inspect(ctx.Ref(args[1]));
  return reply.Simple(entry == nullptr ? "none" : TypeName(entry->type()));
}

/// What RENAME and RENAMENX share. Returns whether the key has its new name.
Result<bool> RenameUnless(CommandContext& ctx, Args args, bool unless_taken) {
  const KeyRef key = ctx.Ref(args[1]);
  const Entry* entry = ctx.Find(key);
  if (entry == nullptr) return Fail(Code::kInvalid, "no such key");
  if (args[1] == args[2]) return !unless_taken;
  const KeyRef key2 = ctx.Ref(args[2]);
  if (unless_taken && ctx.Find(key2) != nullptr) return false;
  RenameKey({ctx.db(), key, entry}, {ctx.db(), key2}, ctx.batch);
  ctx.Notify(EventClass::kNew, "new", key2.bytes);
  ctx.Notify(EventClass::kGeneric, "rename_from", key.bytes);
  ctx.Notify(EventClass::kGeneric, "rename_to", key2.bytes);
  return true;
}

/// RENAME key newkey -> OK.
Result<void> Rename(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(RenameUnless(ctx, args, false));
  return reply.Ok();
}

/// RENAMENX key newkey -> 1, or 0 if the new name is taken.
Result<void> RenameNx(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const bool renamed, RenameUnless(ctx, args, true));
  return reply.Integer(renamed ? 1 : 0);
}

struct CopyOptions {
  uint32_t db = 0;
  bool replace = false;
};

Result<CopyOptions> ParseCopyOptions(const CommandContext& ctx, Args args) {
  CopyOptions options{.db = ctx.db()};
  for (size_t i = 3; i < args.size(); ++i) {
    if (args.Is(i, "REPLACE")) {
      options.replace = true;
    } else if (args.Is(i, "DB") && i + 1 < args.size()) {
      TRY(options.db, ParseDatabase(ctx, args, ++i));
    } else {
      return Fail(Code::kInvalid, "syntax error");
    }
  }
  return options;
}

/// COPY source destination [DB index] [REPLACE] -> 1, or 0 if there is no source or the
/// destination is taken.
Result<void> Copy(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const CopyOptions options, ParseCopyOptions(ctx, args));
  if (options.db == ctx.db() && args[1] == args[2]) return Fail(Code::kInvalid, kSameObject);
  const KeyRef key = ctx.Ref(args[1]);
  const Entry* entry = ctx.Read(key);
  if (entry == nullptr) return reply.Integer(0);
  const KeyRef key2 = ctx.Ref(args[2]);
  if (!options.replace && ctx.keys.Find(options.db, key2, ctx.now) != nullptr)
    return reply.Integer(0);
  CopyKey({ctx.db(), key, entry}, {options.db, key2}, ctx.batch);
  if (ctx.events != nullptr) [[unlikely]] {
    ctx.events->Add(EventClass::kNew, "new", options.db, key2.bytes);
    ctx.events->Add(EventClass::kGeneric, "copy_to", options.db, key2.bytes);
  }
  return reply.Integer(1);
}

/// MOVE key db -> 1, or 0 if there is no such key here or there is one there.
Result<void> Move(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const uint32_t db, ParseDatabase(ctx, args, 2));
  if (db == ctx.db()) return Fail(Code::kInvalid, kSameObject);
  const KeyRef key = ctx.Ref(args[1]);
  const Entry* entry = ctx.Find(key);
  if (entry == nullptr || ctx.keys.Find(db, key, ctx.now) != nullptr) return reply.Integer(0);
  RenameKey({ctx.db(), key, entry}, {db, key}, ctx.batch);
  if (ctx.events != nullptr) [[unlikely]] {
    ctx.events->Add(EventClass::kNew, "new", db, key.bytes);
    ctx.events->Add(EventClass::kGeneric, "move_from", ctx.db(), key.bytes);
    ctx.events->Add(EventClass::kGeneric, "move_to", db, key.bytes);
  }
  return reply.Integer(1);
}

/// RANDOMKEY -> a key, or nil when there is none.
Result<void> RandomKey(CommandContext& ctx, Args, Reply& reply) {
  const Entry* entry = ctx.keys.Pick(ctx.db(), ctx.now, ctx.random);
  return entry == nullptr ? reply.Null() : reply.Bulk(entry->key());
}

constexpr KeyRange kOneKey{1, 1, 1};
constexpr KeyRange kTwoKeys{1, 2, 1};
constexpr KeyRange kAllKeys{1, -1, 1};

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kKeys[] = {
    {"copy", -3, kWrite | kDenyOom, kTwoKeys, "keyspace", "generic", "6.2.0",
     "Copies a value, with its expiry, to another key.",
     "source destination [DB destination-db] [REPLACE]", Copy},
    {"del", -2, kWrite, kAllKeys, "keyspace", "generic", "1.0.0", "Deletes keys.", "key [key ...]",
     Del},
    {"exists", -2, kReadonly | kFast, kAllKeys, "keyspace", "generic", "1.0.0",
     "Counts which of the keys are there.", "key [key ...]", Exists},
    {"move", 3, kWrite | kFast, kOneKey, "keyspace", "generic", "1.0.0",
     "Moves a key to another database.", "key db", Move},
    {"randomkey",
     1,
     kReadonly,
     {},
     "keyspace",
     "generic",
     "1.0.0",
     "Answers any one of the keys.",
     "",
     RandomKey},
    {"rename", 3, kWrite, kTwoKeys, "keyspace", "generic", "1.0.0",
     "Gives a key another name, replacing what has it.", "key newkey", Rename},
    {"renamenx", 3, kWrite | kFast, kTwoKeys, "keyspace", "generic", "1.0.0",
     "Gives a key another name, if that is free.", "key newkey", RenameNx},
    {"touch", -2, kReadonly | kFast, kAllKeys, "keyspace", "generic", "3.2.1",
     "Counts which of the keys are there, and marks them as used.", "key [key ...]", Touch},
    {"type", 2, kReadonly | kFast, kOneKey, "keyspace", "generic", "1.0.0",
     "Tells the type of a value.", "key", Type},
    {"unlink", -2, kWrite | kFast, kAllKeys, "keyspace", "generic", "4.0.0",
     "Deletes keys; their memory is freed in the background.", "key [key ...]", Del},
};

}  // namespace

void RegisterKeys(Registry& registry) { registry.Add(kKeys); }

}  // namespace cloakroom
