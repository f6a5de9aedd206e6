#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/link.h"
#include "store/base/result.h"
#include "store/base/time.h"

namespace cloakroom {

using Seconds = std::chrono::seconds;
using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// What a limit of sessions a user does: end the least recently seen, or refuse.
enum class OnLimit : uint8_t { kEvict, kReject };

/// How a session is to begin. What is left out is the namespace's. Options are meant for designated
/// initializers: Create("shop", "ana", {.idle = Seconds{1800}, .fields = {{"cart", "3"}}}).
struct CreateOptions {
  std::optional<Seconds> idle{};
  std::optional<Seconds> abs{};
  std::optional<TimeMs> auth_at{};
  std::optional<uint32_t> max{};
  OnLimit on_limit = OnLimit::kEvict;
  NamedValues meta{};
  NamedValues fields{};
};

struct GetOptions {
  std::optional<std::vector<std::string>> fields{};  // these alone; an empty list: no data
  bool touch = true;
  std::optional<uint64_t> if_newer{};  // send the data only when the version is above this
  std::optional<Seconds> auth_age_max{};
};

struct SetOptions {
  std::optional<uint64_t> if_version{};  // conflicts on any change since
  std::optional<uint64_t> since{};       // conflicts only when one of `unchanged` changed since
  std::vector<std::string> unchanged{};
  std::vector<std::string> remove{};
  NamedValues meta{};
  NamedValues fields{};
};

struct RotateOptions {
  std::optional<std::string> user{};  // the visitor logged in as this user
  bool reauthenticated = false;       // the password was checked again
  std::optional<TimeMs> auth_at{};
  std::optional<std::chrono::milliseconds> grace{};
  std::optional<uint32_t> max{};
  OnLimit on_limit = OnLimit::kEvict;
};

/// A token just minted. It is told once, here; the server keeps only its hash.
struct MintedSession {
  std::string token;
  std::string handle;
  uint64_t version = 0;
  TimeMs deadline = 0;
  TimeMs abs = 0;
  std::vector<std::string> evicted;  // handles of the sessions that a limit ended
};

struct SessionView {
  std::string ns;
  std::string user;
  std::string handle;
  uint64_t version = 0;
  TimeMs created = 0;
  TimeMs seen = 0;
  TimeMs auth_at = 0;
  TimeMs deadline = 0;
  TimeMs abs = 0;
  bool reauth = false;  // authenticated longer ago than auth_age_max
  NamedValues meta;
  NamedValues fields;
};

struct ListedSession {
  std::string handle;
  TimeMs created = 0;
  TimeMs seen = 0;
  TimeMs auth_at = 0;
  TimeMs deadline = 0;
  TimeMs abs = 0;
  bool current = false;  // it is the session of the token that was shown
  NamedValues meta;
};

struct SessionPage {
  std::string cursor;  // "0" after the last page
  std::vector<ListedSession> sessions;
};

/// The flow of a login, typed: SESSION.* over one connection. Each call is one trip.
/// Errors of all calls, besides those of Link::Call:
///   kNoSession        the token is unknown, expired, ended or rotated away
///   kVersionConflict  the message is the version now
///   kSessionLimit     the message is the limit
///   kRevoked, kUserMismatch, kTooBig, kNoAuth, kNoMemory   as the word says
///   kVerbatim         any other refusal; the message is the server's error line
class SessionClient {
 public:
  explicit SessionClient(Link link) : link_(std::move(link)) {}
  [[nodiscard]] static Result<SessionClient> Connect(const Endpoint& endpoint);

  /// After a login: a session of `user`.
  [[nodiscard]] Result<MintedSession> Create(std::string_view ns, std::string_view user,
                                             const CreateOptions& options = {});
  /// The same for a visitor without a user; `max` does not apply.
  [[nodiscard]] Result<MintedSession> CreateAnonymous(std::string_view ns,
                                                      const CreateOptions& options = {});
  /// Reads and slides; nullopt when there is no such session.
  [[nodiscard]] Result<std::optional<SessionView>> Get(std::string_view token,
                                                       const GetOptions& options = {});
  /// Merges fields; returns the new version.
  [[nodiscard]] Result<uint64_t> Set(std::string_view token, const SetOptions& options);
  /// Adds to an integer field; returns its value.
  [[nodiscard]] Result<int64_t> Increment(std::string_view token, std::string_view field,
                                          int64_t increment);
  /// Slides; returns the milliseconds left.
  [[nodiscard]] Result<int64_t> Touch(std::string_view token,
                                      std::optional<Seconds> idle = std::nullopt);
  /// A new token for the same session.
  [[nodiscard]] Result<MintedSession> Rotate(std::string_view token,
                                             const RotateOptions& options = {});
  /// Logs out; returns how many of the tokens had a session.
  [[nodiscard]] Result<int64_t> Destroy(std::span<const std::string> tokens);
  /// A user's sessions, last seen first, from `cursor` on. `current` is the asker's token, or "".
  [[nodiscard]] Result<SessionPage> List(std::string_view ns, std::string_view user,
                                         std::string_view current = {},
                                         std::string_view cursor = "0", uint32_t count = 100);
  /// Logs a user out everywhere, or everywhere but at `except`; returns how many sessions ended.
  [[nodiscard]] Result<int64_t> RevokeAll(std::string_view ns, std::string_view user,
                                          std::string_view except = {});
  /// Logs a user out of the named sessions. Precondition: there is a handle.
  [[nodiscard]] Result<int64_t> Revoke(std::string_view ns, std::string_view user,
                                       std::span<const std::string> handles);

 private:
  [[nodiscard]] Result<ReplyPtr> Call(const std::vector<std::string>& words);
  [[nodiscard]] Result<int64_t> CallForInteger(const std::vector<std::string>& words);
  [[nodiscard]] Result<MintedSession> CallForToken(const std::vector<std::string>& words);

  Link link_;
};

}  // namespace cloakroom
