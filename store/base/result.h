#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace cloakroom {

/// What kind of failure an operation met, in the store's words.
/// redis_compat/command/error_reply.cc alone knows how each is spelled on the wire.
enum class Code : uint8_t {
  kInvalid,          // an argument is not of its form: ERR
  kOutOfRange,       // an argument is outside its interval: ERR
  kWrongType,        // the key holds another kind of value: WRONGTYPE
  kNoMemory,         // the write does not fit maxmemory: OOM
  kUnavailable,      // not built, or not possible in this state: ERR
  kNoSession,        // no such live session: NOSESSION
  kVersionConflict,  // the session changed meanwhile; the message is the current version
  kSessionLimit,     // the user's cap is reached; the message is the cap
  kRevoked,          // authenticated before the user's last REVOKE ALL
  kUserMismatch,     // the session belongs to another user
  kTooBig,           // over the policy's max-bytes; the message is the limit
  kNoAuth,           // authentication required: NOAUTH
  kWrongPass,        // WRONGPASS
  kNoProto,          // unsupported protocol version: NOPROTO
  kExecAbort,        // EXECABORT
  kNotFound,         // no such file or directory: ERR
  kNoSpace,          // the disk is full: ERR
  kIo,               // the disk failed to read or write: ERR
  kSyncFailed,       // a sync failed: what was written since the last one may be gone: ERR
  kDamaged,          // what is stored is not what was written: ERR
  kRefused,          // writes are refused, as they could not be kept: MISCONF
  kLoading,          // the state is still being loaded: LOADING
  kVerbatim,         // the message is the whole error line, its word included
};

/// A failure: its kind, and a message that says what, how much, and which limit.
struct Error {
  Code code;
  std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

/// Builds the failed side of a Result: return Fail(Code::kOutOfRange, "IDLE {} s, ...", n);
template <typename... Args>
[[nodiscard]] tl::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format,
                                         Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

/// The same for a message known at compile time.
[[nodiscard]] inline tl::unexpected<Error> Fail(Code code, std::string_view message) {
  return tl::unexpected<Error>(Error{code, std::string(message)});
}

}  // namespace cloakroom

#define CLOAKROOM_CONCAT_(a, b) a##b
#define CLOAKROOM_CONCAT(a, b) CLOAKROOM_CONCAT_(a, b)
#define CLOAKROOM_TRY_(temp, declaration, ...)                          \
  auto&& temp = (__VA_ARGS__);                                          \
  if (!temp) [[unlikely]]                                               \
    return tl::unexpected<::cloakroom::Error>(std::move(temp).error()); \
  declaration = *std::forward<decltype(temp)>(temp)

/// TRY(const int64_t n, args.Integer(1)): declares n from the value, or returns the error.
#define TRY(declaration, ...) \
  CLOAKROOM_TRY_(CLOAKROOM_CONCAT(try_result_, __COUNTER__), declaration, __VA_ARGS__)

/// TRY_VOID(Check(x)): returns the error of a Result<void>, if there is one.
#define TRY_VOID(...)                                                                \
  do {                                                                               \
    if (auto&& try_void_result = (__VA_ARGS__); !try_void_result) [[unlikely]]       \
      return tl::unexpected<::cloakroom::Error>(std::move(try_void_result).error()); \
  } while (false)
