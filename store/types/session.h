#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/random.h"
#include "store/op/session_op.h"
#include "store/op/write_batch.h"
#include "store/table/session_space.h"
#include "store/types/token.h"

namespace cloakroom {

/// What is done with one session, by its token. Every function reads the sessions as they are at
/// `now` and adds ops to `batch`. A failure leaves the batch as it was, but for one case:
/// kNoSession with a batch that is not empty. Then a spent token was shown where the policy says
/// `on-reuse revoke`, and the batch, which ends the session, is to be committed with the refusal.

inline constexpr TimeMs kSpanMsMax = 10 * 365 * kDayMs;  // the longest IDLE and ABS
inline constexpr TimeMs kGraceMsMax = kDayMs;
inline constexpr uint32_t kCapMax = 1'000'000'000;
/// A login may end any number of sessions, but a reply does not name them without end.
inline constexpr size_t kEvictedListedMax = 1000;

/// How many live sessions a user may have; max 0: any number.
struct SessionCap {
  uint32_t max = 0;
  OnLimit on_limit = OnLimit::kEvict;
};

/// What a command says of a session that it makes or replaces; what it leaves out is the
/// namespace's, or the session's own.
struct SessionRequest {
  std::string_view ns;
  std::string_view user;          // empty: anonymous
  std::optional<TimeMs> idle_ms;  // in [1, kSpanMsMax]
  std::optional<TimeMs> abs_ms;   // in [1, kSpanMsMax]
  std::optional<TimeMs> auth_at;  // when the password was checked
  std::optional<SessionCap> cap;
  std::optional<WordSpan> meta;    // name, value, name, value, ...
  std::optional<WordSpan> fields;  // the same
};

/// A session with a token to hand out.
struct MintedSession {
  std::string token;
  SessionHandle handle;
  uint32_t version = 0;
  TimeMs deadline = 0;
  TimeMs abs = 0;
  std::vector<SessionHandle> evicted;  // the least recently seen first, at most kEvictedListedMax
};

/// Mints a session.
///   errors  kRevoked       auth_at is not after the user's last REVOKE ALL
///           kSessionLimit  the cap is reached and says reject
///           kTooBig        fields and meta are over the policy's max-bytes
[[nodiscard]] Result<MintedSession> CreateSession(const SessionSpace& space,
                                                  const SessionRequest& request, TimeMs now,
                                                  Random& random, WriteBatch& batch);

struct PutCondition {
  bool only_new = false;       // NX
  bool only_existing = false;  // XX
  std::optional<int64_t> version;
};
struct PutSessionResult {
  bool done = false;  // false: NX or XX kept it from being done
  uint32_t version = 0;
  TimeMs deadline = 0;
};
/// Makes the session of a token that somebody else minted, or replaces what is given of it.
///   errors  as CreateSession, and
///           kNoSession        the token's session ended a short while ago, or it was rotated away
///           kUserMismatch     it is another user's or application's; or strict-login forbids to
///                             give an anonymous session its user without a new token
///           kVersionConflict  the version is not the wanted one
[[nodiscard]] Result<PutSessionResult> PutSession(const SessionSpace& space,
                                                  const ShownToken& token,
                                                  const SessionRequest& request,
                                                  const PutCondition& condition, TimeMs now,
                                                  Random& random, WriteBatch& batch);

/// A live session as it is after the command: `seen` and `deadline` with the slide.
struct OpenedSession {
  SessionSpace::Found found;
  TimeMs seen = 0;
  TimeMs deadline = 0;
};
/// Finds the live session of a token, and slides it when `slide` and `may_write` say so and the
/// slide is due: when it moves the deadline by the quantum, min(quantum-ms, 5 % of idle).
/// `may_write` false leaves a reused token's session be. With `slide`, and unless `note_use` is
/// false, eviction learns of the use, due or not.
///   errors  kNoSession
[[nodiscard]] Result<OpenedSession> OpenSession(const SessionSpace& space, const ShownToken& token,
                                                bool slide, bool may_write, TimeMs now,
                                                WriteBatch& batch, bool note_use = true);

struct SetSessionRequest {
  std::optional<int64_t> if_version;
  std::optional<int64_t> since;  // with `unchanged`
  WordSpan unchanged;
  WordSpan deleted;
  WordSpan meta;
  WordSpan fields;
};
/// Merges fields and meta; returns the version. Slides.
///   errors  kNoSession, kVersionConflict, kTooBig
[[nodiscard]] Result<uint32_t> SetSession(const SessionSpace& space, const ShownToken& token,
                                          const SetSessionRequest& request, TimeMs now,
                                          WriteBatch& batch);

/// Adds to an integer field, absent as 0; returns the sum. Slides.
///   errors  kNoSession, kTooBig, kInvalid (not an integer, overflow)
[[nodiscard]] Result<int64_t> IncrementSession(const SessionSpace& space, const ShownToken& token,
                                               std::string_view field, int64_t increment,
                                               TimeMs now, WriteBatch& batch);

/// Slides, with another idle time when one is given; returns the milliseconds left.
///   errors  kNoSession
[[nodiscard]] Result<TimeMs> TouchSession(const SessionSpace& space, const ShownToken& token,
                                          std::optional<TimeMs> idle_ms, TimeMs now,
                                          WriteBatch& batch);

struct RotateRequest {
  std::optional<std::string_view> user;  // the login of a visitor
  bool reauth = false;
  std::optional<TimeMs> auth_at;
  std::optional<TimeMs> grace_ms;  // in [0, kGraceMsMax]; 0 with `user` or `reauth`
  std::optional<SessionCap> cap;
};
/// Gives the session a new token; shown again within its grace, the old token gives the same one.
///   errors  kNoSession, kUserMismatch, kRevoked, kSessionLimit
[[nodiscard]] Result<MintedSession> RotateSession(const SessionSpace& space,
                                                  const ShownToken& token,
                                                  const RotateRequest& request, TimeMs now,
                                                  Random& random, WriteBatch& batch);

/// Ends the sessions of `tokens`; returns how many lived.
[[nodiscard]] size_t DestroySessions(const SessionSpace& space, std::span<const ShownToken> tokens,
                                     TimeMs now, WriteBatch& batch);

}  // namespace cloakroom
