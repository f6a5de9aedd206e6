#include <limits>
#include <string_view>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/scan_options.h"
#include "store/types/key.h"

namespace cloakroom {
namespace {

/// KEYS pattern -> the keys that match, in no order. O(keys of the database).
Result<void> Keys(CommandContext& ctx, Args args, Reply& reply) {
  const std::string_view pattern = args[1];
  const bool all = pattern == "*";
  size_t count = 0;
  const size_t place = reply.DeferArray();
  uint64_t cursor = 0;
  do {
    cursor = ctx.keys.Scan(ctx.db(), cursor, ctx.now, [&](const Entry& entry) {
      if (!all && !GlobMatch(pattern, entry.key(), false)) return;
      static_cast<void>(reply.Bulk(entry.key()));
      ++count;
    });
  } while (cursor != 0);
  reply.SettleArray(place, count);
  return {};
}

/// Whether SCAN shows `entry`. An unknown TYPE matches nothing, and is no error.
bool Shows(const ScanOptions& options, const Entry& entry) {
  if (options.type && !EqualsIgnoreCase(*options.type, TypeName(entry.type()))) return false;
  return options.Matches(entry.key());
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] -> the next cursor, and some keys.
/// COUNT is how many keys to look at, matching or not; where the table is thin, the number of
/// buckets bounds the work.
Result<void> Scan(CommandContext& ctx, Args args, Reply& reply) {
  constexpr int64_t kBucketsPerCount = 10;
  TRY(uint64_t cursor, ParseScanCursor(args[1]));
  TRY(const ScanOptions options, ParseScanOptions(args, 2, true));
  int64_t buckets_left = 0;
  if (__builtin_mul_overflow(options.count, kBucketsPerCount, &buckets_left))
    buckets_left = std::numeric_limits<int64_t>::max();

  std::string found;
  Reply keys(found, reply.protocol());
  size_t shown = 0;
  int64_t seen = 0;
  if (cursor >= kScanCursorEnd) buckets_left = cursor = 0;
  while (buckets_left-- > 0 && seen < options.count) {
    cursor = ctx.keys.Scan(ctx.db(), cursor, ctx.now, [&](const Entry& entry) {
      ++seen;
      if (!Shows(options, entry)) return;
      static_cast<void>(keys.Bulk(entry.key()));
      ++shown;
    });
    if (cursor == 0) break;
  }
  TRY_VOID(reply.Array(2));
  TRY_VOID(reply.BulkInteger(static_cast<int64_t>(cursor)));
  TRY_VOID(reply.Array(shown));
  reply.out() += keys.out();
  return {};
}

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kScan[] = {
    {"keys",
     2,
     kReadonly,
     {},
     "keyspace dangerous",
     "generic",
     "1.0.0",
     "Lists all keys that match a pattern.",
     "pattern",
     Keys},
    {"scan",
     -2,
     kReadonly,
     {},
     "keyspace",
     "generic",
     "2.8.0",
     "Walks over the keys, some at each call.",
     "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     Scan},
};

}  // namespace

void RegisterScan(Registry& registry) { registry.Add(kScan); }

}  // namespace cloakroom
