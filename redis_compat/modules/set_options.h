#pragma once

#include <cstddef>
#include <cstdint>

#include "redis_compat/command/args.h"
#include "redis_compat/command/context.h"
#include "store/base/result.h"
#include "store/base/time.h"

namespace cloakroom {

/// How an expiry word is meant: seconds or milliseconds, from now on or since 1970.
enum class ExpiryUnit : uint8_t { kNone, kSeconds, kMillis, kUnixSeconds, kUnixMillis };

/// The options of SET and GETEX.
struct SetOptions {
  bool only_absent = false;    // NX
  bool only_present = false;   // XX
  bool get = false;            // GET
  bool keep_deadline = false;  // KEEPTTL
  bool persist = false;        // PERSIST
  ExpiryUnit unit = ExpiryUnit::kNone;
  size_t expiry_word = 0;  // where the number of EX, PX, EXAT or PXAT stands
};

enum class SetOptionsOf : uint8_t { kSet, kGetEx };

/// Reads args[from] on, in any order; options that contradict one another, or that the command
/// does not take, are a "syntax error".
[[nodiscard]] Result<SetOptions> ParseSetOptions(Args args, size_t from, SetOptionsOf command);

/// The deadline that args[word] stands for. Unlike EXPIRE's it must be a positive number.
///   errors  kInvalid     not an integer
///           kOutOfRange  0, negative, or beyond 64 bits of milliseconds
[[nodiscard]] Result<TimeMs> ParseDeadline(const CommandContext& ctx, Args args, size_t word,
                                           ExpiryUnit unit);

/// "invalid expire time in '<command>' command"
[[nodiscard]] tl::unexpected<Error> InvalidExpireTime(const CommandContext& ctx);

}  // namespace cloakroom
