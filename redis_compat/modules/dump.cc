#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "store/image/rdb_dump.h"
#include "store/types/distinct.h"
#include "store/types/key.h"

namespace cloakroom {
namespace {

/// DUMP key -> the value as a payload for RESTORE, here or at a Redis; nil when there is none.
Result<void> Dump(CommandContext& ctx, Args args, Reply& reply) {
  const Entry* entry = ctx.Read(ctx.Ref(args[1]));
  if (entry == nullptr) return reply.Null();
  std::string payload;
  AppendDump(payload, *entry);
  return reply.Bulk(payload);
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  std::optional<int64_t> idle_s;
  std::optional<int64_t> frequency;
};

Result<RestoreOptions> ParseRestoreOptions(Args args) {
  RestoreOptions options;
  for (size_t i = 4; i < args.size(); ++i) {
    const bool more = i + 1 < args.size();
    if (args.Is(i, "REPLACE")) {
      options.replace = true;
    } else if (args.Is(i, "ABSTTL")) {
      options.absolute = true;
    } else if (args.Is(i, "IDLETIME") && more && !options.frequency) {
      TRY(options.idle_s, args.Integer(++i));
      if (*options.idle_s < 0) return Fail(Code::kInvalid, "Invalid IDLETIME value, must be >= 0");
    } else if (args.Is(i, "FREQ") && more && !options.idle_s) {
      TRY(options.frequency, args.Integer(++i));
      if (*options.frequency < 0 || *options.frequency > AccessClock::kCounterMax)
        return Fail(Code::kInvalid, "Invalid FREQ value, must be >= 0 and <= 255");
    } else {
      return Fail(Code::kInvalid, "syntax error");
    }
  }
  return options;
}

/// The value of a payload, taken out of it whole.
class RestoredValue final : public RdbSink {
 public:
  Result<void> Begin(const RdbKey& key) override {
    kind_ = key.kind;
    return {};
  }
  Result<void> Part(std::span<const std::string_view> words) override {
    words_.insert(words_.end(), words.begin(), words.end());
    return {};
  }
  // Without their deadline they would live for ever, and nobody would know.
  Result<void> FieldWithDeadline(std::string_view, std::string_view, TimeMs) override {
    return Fail(Code::kUnavailable, "hash fields with a deadline of their own are not supported");
  }
  Result<void> End() override { return {}; }
  Result<void> Other(const RdbKey&, std::string_view type) override {
    return Fail(Code::kUnavailable, "values of type {} are not supported", type);
  }

  /// Whether a field or member is named twice, which no server has written.
  [[nodiscard]] bool HasRepeats(uint64_t seed) const {
    if (kind_ == RdbKind::kString) return false;
    const size_t stride = kind_ == RdbKind::kHash ? 2 : 1;
    Distinct seen(seed);
    seen.Reserve(words_.size() / stride);
    for (size_t i = 0; i < words_.size(); i += stride)
      if (!seen.Insert(words_[i])) return true;
    return false;
  }

  /// Makes `place` hold the value, whatever stood there.
  void Store(const Place& place, TimeMs deadline, WriteBatch& batch) const {
    if (kind_ == RdbKind::kString) return batch.PutString(place.db, place.key, words_[0], deadline);
    if (place.entry != nullptr) batch.Delete(place.db, place.key);
    const std::vector<std::string_view> views(words_.begin(), words_.end());
    if (kind_ == RdbKind::kHash)
      batch.HashSet(place.db, place.key, views);
    else
      batch.SetAdd(place.db, place.key, views);
    if (deadline != kNoDeadline) batch.SetDeadline(place.db, place.key, deadline);
  }

 private:
  RdbKind kind_ = RdbKind::kString;
  std::vector<std::string> words_;
};

/// Reads args[3], whose checksum is checked first: what is damaged is told from what is not a
/// value.
Result<RestoredValue> ReadPayload(CommandContext& ctx, Args args, const KeyRef& key) {
  if (!DumpIsIntact(args[3]))
    return Fail(Code::kInvalid, "DUMP payload version or checksum are wrong");
  ++ctx.lookups.payloads_read;
  RestoredValue value;
  auto read = ReadDump(args[3], value);
  if (!read && read.error().code != Code::kInvalid) return tl::unexpected(std::move(read).error());
  if (!read || value.HasRepeats(key.position.hash)) return Fail(Code::kInvalid, "Bad data format");
  return value;
}

/// The clock that the options ask for, as far as the eviction policy keeps that.
std::optional<uint32_t> ClockOf(const CommandContext& ctx, const RestoreOptions& options) {
  if (ctx.access.counts_uses() && options.frequency)
    return AccessClock::Counted(static_cast<uint32_t>(*options.frequency), ctx.now);
  if (!ctx.access.counts_uses() && options.idle_s)
    return AccessClock::Idle(*options.idle_s, ctx.now);
  return std::nullopt;
}

/// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] -> OK.
Result<void> Restore(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const RestoreOptions options, ParseRestoreOptions(args));
  const KeyRef key = ctx.Ref(args[1]);
  const Place place{ctx.db(), key, ctx.Find(key)};
  if (place.entry != nullptr && !options.replace)
    return Fail(Code::kVerbatim, "BUSYKEY Target key name already exists.");
  TRY(int64_t deadline, args.Integer(2));
  if (deadline < 0) return Fail(Code::kInvalid, "Invalid TTL value, must be >= 0");
  TRY(const RestoredValue value, ReadPayload(ctx, args, key));

  const bool lasts = deadline == 0;
  // A span beyond the end of time is none, as in Redis, where it wraps to the distant past.
  const bool wraps =
      !lasts && !options.absolute && __builtin_add_overflow(deadline, ctx.now, &deadline);
  if (!lasts && (wraps || deadline <= ctx.now)) {
    if (place.entry != nullptr) {
      ctx.batch.Delete(place.db, place.key);
      ctx.Notify(EventClass::kGeneric, "del", key.bytes);
    }
    return reply.Ok();
  }
  value.Store(place, lasts ? kNoDeadline : StorableDeadline(deadline), ctx.batch);
  ctx.restored_clock = ClockOf(ctx, options);
  ctx.Notify(EventClass::kNew, "new", key.bytes);
  ctx.Notify(EventClass::kGeneric, "restore", key.bytes);
  return reply.Ok();
}

constexpr KeyRange kOneKey{1, 1, 1};

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kDump[] = {
    {"dump", 2, kReadonly, kOneKey, "keyspace", "generic", "2.6.0",
     "Answers a value in the form that RESTORE takes.", "key", Dump},
    {"restore", -4, kWrite | kDenyOom, kOneKey, "keyspace dangerous", "generic", "2.6.0",
     "Makes a key of what DUMP answered.",
     "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", Restore},
};

}  // namespace

void RegisterDump(Registry& registry) { registry.Add(kDump); }

}  // namespace cloakroom
