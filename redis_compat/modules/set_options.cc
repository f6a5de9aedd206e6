#include "redis_compat/modules/set_options.h"

#include <limits>
#include <string_view>

namespace cloakroom {
namespace {

struct ExpiryWord {
  std::string_view name;
  ExpiryUnit unit;
};
constexpr ExpiryWord kExpiryWords[] = {
    {"EX", ExpiryUnit::kSeconds},
    {"PX", ExpiryUnit::kMillis},
    {"EXAT", ExpiryUnit::kUnixSeconds},
    {"PXAT", ExpiryUnit::kUnixMillis},
};

/// Takes word `i` as one of the expiry options, with the number after it. A repeated option is
/// taken, and the last holds; a second of another kind is not.
bool TakeExpiry(Args args, size_t i, SetOptions& options) {
  if (options.keep_deadline || options.persist || i + 1 >= args.size()) return false;
  for (const ExpiryWord& word : kExpiryWords) {
    if (!args.Is(i, word.name)) continue;
    if (options.unit != ExpiryUnit::kNone && options.unit != word.unit) return false;
    options.unit = word.unit;
    options.expiry_word = i + 1;
    return true;
  }
  return false;
}

/// Takes word `i` as one of the options without a value.
bool TakeFlag(Args args, size_t i, SetOptionsOf command, SetOptions& options) {
  const bool has_expiry = options.unit != ExpiryUnit::kNone;
  if (command == SetOptionsOf::kGetEx) {
    if (!args.Is(i, "PERSIST") || has_expiry) return false;
    return options.persist = true;
  }
  if (args.Is(i, "NX")) return options.only_absent = !options.only_present;
  if (args.Is(i, "XX")) return options.only_present = !options.only_absent;
  if (args.Is(i, "GET")) return options.get = true;
  if (args.Is(i, "KEEPTTL")) return options.keep_deadline = !has_expiry;
  return false;
}

}  // namespace

Result<SetOptions> ParseSetOptions(Args args, size_t from, SetOptionsOf command) {
  SetOptions options;
  for (size_t i = from; i < args.size(); ++i) {
    if (TakeFlag(args, i, command, options)) continue;
    if (!TakeExpiry(args, i, options)) return Fail(Code::kInvalid, "syntax error");
    ++i;
  }
  return options;
}

Result<TimeMs> ParseDeadline(const CommandContext& ctx, Args args, size_t word, ExpiryUnit unit) {
  TRY(int64_t time, args.Integer(word));
  if (time <= 0) return InvalidExpireTime(ctx);
  if (unit == ExpiryUnit::kSeconds || unit == ExpiryUnit::kUnixSeconds) {
    if (__builtin_mul_overflow(time, 1000, &time)) return InvalidExpireTime(ctx);
  }
  if (unit == ExpiryUnit::kSeconds || unit == ExpiryUnit::kMillis) {
    if (__builtin_add_overflow(time, ctx.now, &time)) return InvalidExpireTime(ctx);
  }
  return time;
}

tl::unexpected<Error> InvalidExpireTime(const CommandContext& ctx) {
  return Fail(Code::kOutOfRange, "invalid expire time in '{}' command", ctx.command.full_name);
}

}  // namespace cloakroom
