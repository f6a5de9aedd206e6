#include "redis_compat/migrate/absolute_expiry.h"

#include <cstdint>

#include "store/base/number.h"

namespace cloakroom {

Args AbsoluteExpiry::Rewrite(Args args, TimeMs now) {
  const size_t size = args.size();
  if (size < 3) return args;
  switch (args[0].size()) {
    case 3:
      return size > 4 && args.Is(0, "SET") ? Options(args, 3, now) : args;
    case 5:
      if (args.Is(0, "SETEX")) return SetWithTime(args, 1000, now);
      return size > 3 && args.Is(0, "GETEX") ? Options(args, 2, now) : args;
    case 6:
      if (args.Is(0, "EXPIRE")) return Expire(args, 1000, now);
      return args.Is(0, "PSETEX") ? SetWithTime(args, 1, now) : args;
    case 7:
      if (args.Is(0, "PEXPIRE")) return Expire(args, 1, now);
      return args.Is(0, "RESTORE") ? Restore(args, now) : args;
    default:
      return args;
  }
}

/// Copies the words, with word `word` as an instant. False when it is no span of time.
bool AbsoluteExpiry::Replace(Args args, size_t word, int64_t unit_ms, TimeMs now) {
  int64_t span = 0;
  if (word >= args.size() || !ParseInteger(args[word], span)) return false;
  if (__builtin_mul_overflow(span, unit_ms, &span)) return false;
  if (__builtin_add_overflow(span, now, &span)) return false;
  words_.assign(args.words().begin(), args.words().end());
  instant_ = std::to_string(span);
  words_[word] = instant_;
  return true;
}

/// EX and PX among the options from word `from` on.
Args AbsoluteExpiry::Options(Args args, size_t from, TimeMs now) {
  for (size_t i = from; i + 1 < args.size(); ++i) {
    const bool seconds = args.Is(i, "EX");
    if (!seconds && !args.Is(i, "PX")) continue;
    if (!Replace(args, i + 1, seconds ? 1000 : 1, now)) return args;
    words_[i] = "PXAT";
    return Args(words_);
  }
  return args;
}

/// SETEX key span value -> SET key value PXAT instant
Args AbsoluteExpiry::SetWithTime(Args args, int64_t unit_ms, TimeMs now) {
  if (args.size() != 4 || !Replace(args, 2, unit_ms, now)) return args;
  words_ = {"SET", args[1], args[3], "PXAT", instant_};
  return Args(words_);
}

Args AbsoluteExpiry::Expire(Args args, int64_t unit_ms, TimeMs now) {
  if (!Replace(args, 2, unit_ms, now)) return args;
  words_[0] = "PEXPIREAT";
  return Args(words_);
}

Args AbsoluteExpiry::Restore(Args args, TimeMs now) {
  if (args.size() < 4 || args[2] == "0") return args;
  for (size_t i = 4; i < args.size(); ++i)
    if (args.Is(i, "ABSTTL")) return args;
  if (!Replace(args, 2, 1, now)) return args;
  words_.emplace_back("ABSTTL");
  return Args(words_);
}

}  // namespace cloakroom
