#include <limits>
#include <string_view>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/help_reply.h"
#include "store/base/check.h"
#include "store/table/hash_value.h"
#include "store/table/set_value.h"
#include "store/types/string.h"

namespace cloakroom {
namespace {

/// The name that Redis has for how such a value is kept.
std::string_view EncodingName(const Entry& entry) {
  switch (entry.type()) {
    case ValueType::kString:
      return StringEncoding(entry);
    case ValueType::kHash:
      return HashIsPacked(entry) ? "listpack" : "hashtable";
    case ValueType::kSet:
      return SetIsIntset(entry) ? "intset" : "hashtable";
    default:
      CHECK(false);
      return {};
  }
}

/// OBJECT ENCODING key -> the name of its encoding, or nil.
Result<void> ObjectEncoding(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.InspectInSilence(ctx.Ref(args[2]));
  return entry == nullptr ? reply.Null() : reply.Bulk(EncodingName(*entry));
}

/// OBJECT IDLETIME key -> seconds since its last use, or nil.
Result<void> ObjectIdleTime(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.InspectInSilence(ctx.Ref(args[2]));
  if (entry == nullptr) return reply.Null();
  if (ctx.access.counts_uses())
    return Fail(Code::kUnavailable,
                "An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
                "switching between policies at runtime LRU and LFU data will take some time to "
                "adjust.");
  return reply.Integer(AccessClock::IdleSeconds(*entry, ctx.now));
}

/// OBJECT FREQ key -> the logarithmic counter of its uses, or nil.
Result<void> ObjectFreq(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.InspectInSilence(ctx.Ref(args[2]));
  if (entry == nullptr) return reply.Null();
  if (ctx.access.counts_uses()) return reply.Integer(ctx.access.Frequency(*entry, ctx.now));
  return Fail(Code::kUnavailable,
              "An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
              "that when switching between policies at runtime LRU and LFU data will take some "
              "time to adjust.");
}

/// OBJECT REFCOUNT key -> 1, or nil. Redis shares small integers and says so with the largest
/// count; clients that look at it are told the same.
Result<void> ObjectRefCount(CommandContext& ctx, Args args, Reply& reply) {
  constexpr int64_t kShared = std::numeric_limits<int32_t>::max();
  constexpr size_t kSharedDigitsMax = 4;  // 0 to 9999
  const Entry* entry = ctx.InspectInSilence(ctx.Ref(args[2]));
  if (entry == nullptr) return reply.Null();
  const bool shared = entry->type() == ValueType::kString &&
                      entry->value_size() <= kSharedDigitsMax && StringEncoding(*entry) == "int" &&
                      !entry->value().starts_with('-');
  return reply.Integer(shared ? kShared : 1);
}

/// OBJECT HELP
Result<void> ObjectHelp(CommandContext&, Args, Reply& reply) {
  return ReplyHelp(reply, "OBJECT",
                   {{"ENCODING <key>", "The name of the encoding that the value has."},
                    {"FREQ <key>", "How often the key is used, where a policy counts that."},
                    {"IDLETIME <key>", "Seconds since the key was last used."},
                    {"REFCOUNT <key>", "How many references the value has."}});
}

constexpr KeyRange kKey{2, 2, 1};

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kObjectSubcommands[] = {
    {"encoding", 3, kReadonly, kKey, "keyspace", "generic", "2.2.3",
     "Tells how a value is encoded.", "key", ObjectEncoding},
    {"freq", 3, kReadonly, kKey, "keyspace", "generic", "4.0.0", "Tells how often a key is used.",
     "key", ObjectFreq},
    {"help",
     2,
     kLoading | kStale,
     {},
     "keyspace",
     "generic",
     "6.2.0",
     "Lists the subcommands of OBJECT.",
     "",
     ObjectHelp},
    {"idletime", 3, kReadonly, kKey, "keyspace", "generic", "2.2.3",
     "Tells since when a key was not used.", "key", ObjectIdleTime},
    {"refcount", 3, kReadonly, kKey, "keyspace", "generic", "2.2.3",
     "Tells how many references a value has.", "key", ObjectRefCount},
};

const CommandSpec kObject[] = {
    {"object",
     -2,
     0,
     {},
     "",
     "generic",
     "2.2.3",
     "Looks into how a value is kept.",
     "",
     nullptr,
     kObjectSubcommands},
};

}  // namespace

void RegisterObject(Registry& registry) { registry.Add(kObject); }

}  // namespace cloakroom
