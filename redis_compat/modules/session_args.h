#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "redis_compat/command/args.h"
#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "store/base/result.h"
#include "store/types/session.h"
#include "store/types/token.h"

namespace cloakroom {

/// The options of the SESSION.* commands, each a bit, so that a command can say which it takes.
enum SessionOption : uint32_t {
  kOptIdle = 1 << 0,         // IDLE seconds
  kOptAbs = 1 << 1,          // ABS seconds
  kOptAuthAt = 1 << 2,       // AUTHAT unix milliseconds
  kOptMax = 1 << 3,          // MAX n EVICT|REJECT
  kOptMeta = 1 << 4,         // META n name value ...
  kOptFields = 1 << 5,       // FIELDS n field value ...
  kOptNames = 1 << 6,        // FIELDS n field ...
  kOptDel = 1 << 7,          // DEL n field ...
  kOptUnchanged = 1 << 8,    // UNCHANGED n field ...
  kOptHandle = 1 << 9,       // HANDLE n handle ...
  kOptNx = 1 << 10,          // NX
  kOptXx = 1 << 11,          // XX
  kOptIfVer = 1 << 12,       // IFVER version
  kOptSince = 1 << 13,       // SINCE version
  kOptIfNewer = 1 << 14,     // IFNEWER version
  kOptMaxAuthAge = 1 << 15,  // MAXAUTHAGE seconds
  kOptNoData = 1 << 16,      // NODATA
  kOptNoTouch = 1 << 17,     // NOTOUCH
  kOptUser = 1 << 18,        // USER user
  kOptReauth = 1 << 19,      // REAUTH
  kOptGrace = 1 << 20,       // GRACE milliseconds
  kOptCursor = 1 << 21,      // CURSOR cursor
  kOptCount = 1 << 22,       // COUNT n
  kOptCurrent = 1 << 23,     // CURRENT token
  kOptExcept = 1 << 24,      // EXCEPT token
  kOptAll = 1 << 25,         // ALL
};

/// What a command was given. `given` has a bit for each option that was there.
struct SessionOptions {
  uint32_t given = 0;
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  TimeMs auth_at = 0;
  TimeMs grace_ms = 0;
  TimeMs max_auth_age_ms = 0;
  SessionCap cap;
  WordSpan meta;
  WordSpan fields;  // FIELDS, with values or only names
  WordSpan deleted;
  WordSpan unchanged;
  WordSpan handles;
  int64_t if_version = 0;
  int64_t since = 0;
  int64_t if_newer = 0;
  std::string_view user;
  std::string_view cursor = "0";
  size_t count = kCountDefault;
  std::string_view token;  // CURRENT, EXCEPT

  static constexpr size_t kCountDefault = 100;
  static constexpr size_t kCountMax = 10000;

  [[nodiscard]] bool has(SessionOption option) const { return (given & option) != 0; }
  template <typename T>
  [[nodiscard]] std::optional<T> get(SessionOption option, const T& value) const {
    return has(option) ? std::optional<T>(value) : std::nullopt;
  }
};

/// Reads args[from] on: options of `taken`, in any order, each at most once. An error names the
/// option: unknown, given twice, without its value, not a number, out of its interval, or counting
/// other than the words that follow; or two that exclude each other.
[[nodiscard]] Result<SessionOptions> ParseSessionOptions(Args args, size_t from, uint32_t taken);

/// args[i], a token; what the turn worked out of it is not worked out again.
[[nodiscard]] inline ShownToken TokenAt(const CommandContext& ctx, Args args, size_t i) {
  const std::string_view word = args[i];
  if (ctx.first_token != nullptr && word.data() == ctx.first_key.bytes.data())
    return {word, *ctx.first_token};
  return word;
}

/// A namespace or user as an argument: not empty, and not endless.
[[nodiscard]] Result<void> CheckNamespace(std::string_view ns);
[[nodiscard]] Result<void> CheckUser(std::string_view user);

/// Takes out of a command's words, well formed or not, whatever could be a token: the words at the
/// places of tokens, what follows CURRENT and EXCEPT, and every other word that is long enough.
void RedactSession(std::span<std::string> words);

/// The refusal of a spent token whose session ended with it: answers the error, and lets the batch
/// be committed.
[[nodiscard]] Result<void> Refuse(const CommandContext& ctx, const Error& error, Reply& reply);

/// The reply waits for what the policy's `ack` says, of a namespace by name, or that of the session
/// of `token`. To be called before the command's batch ends that session.
void WaitAsPolicySays(CommandContext& ctx, const SessionPolicy& policy);
void WaitAsPolicySays(CommandContext& ctx, std::string_view ns);
void WaitAsPolicySays(CommandContext& ctx, const ShownToken& token);

/// Whether a read may record a slide, or the reuse of a token, now. Neither takes memory, so a full
/// one is no reason against it.
[[nodiscard]] bool MayWrite(const CommandContext& ctx);

}  // namespace cloakroom
