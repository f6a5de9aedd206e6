#pragma once

#include <string_view>
#include <vector>

#include "store/types/session.h"

namespace cloakroom {

/// The rules that several verbs of sessions share.

/// The deadline of a session that is used at `now`.
[[nodiscard]] TimeMs SlidDeadline(const SessionView& session, TimeMs now);

/// Whether a use at `now` moves the deadline far enough to be recorded.
[[nodiscard]] bool SlideIsDue(const SessionView& session, TimeMs deadline,
                              const SessionPolicy& policy, TimeMs now);

/// Looks a token up. A spent one is counted as reuse and, where the policy says so, its session's
/// end is added to `batch` (unless `may_write` is false).
[[nodiscard]] SessionSpace::Found LookUp(const SessionSpace& space, const SessionKey& token,
                                         bool may_write, TimeMs now, WriteBatch& batch);

/// Adds the end of the live session `key` to `batch`.
void AddEnd(const SessionSpace& space, const Namespace& ns, const SessionKey& key,
            SessionEnd reason, TimeMs now, WriteBatch& batch);

/// When the user logged in: `given`, but not in the future; `otherwise` when it was not given.
///   errors  kRevoked
[[nodiscard]] Result<TimeMs> CheckAuthAt(const SessionSpace& space, const Namespace* ns,
                                         std::string_view user, std::optional<TimeMs> given,
                                         TimeMs otherwise, TimeMs now);

/// Makes room for one more session of `user` beside `self`, if that is one of theirs already.
/// Returns the handles of those that have to go, the least recently seen first, at most
/// kEvictedListedMax; their ends are in `batch` then. However many they are, a call costs little:
/// under a cap of more than 256, at most 256 go at a time.
///   errors  kSessionLimit
[[nodiscard]] Result<std::vector<SessionHandle>> MakeRoom(
    const SessionSpace& space, const Namespace* ns, std::string_view user,
    std::optional<SessionCap> cap, const SessionKey* self, TimeMs now, WriteBatch& batch);

[[nodiscard]] inline tl::unexpected<Error> NoSession() {
  return Fail(Code::kNoSession, "no such session");
}
/// Refuses more than max-bytes.
///   errors  kTooBig
[[nodiscard]] Result<void> CheckSize(uint64_t bytes, const SessionPolicy& policy);
/// The same of `kept` bytes and what the pairs `meta` and `fields` add, where a name that is given
/// twice counts once.
[[nodiscard]] Result<void> CheckPairs(uint64_t kept, WordSpan meta, WordSpan fields,
                                      const SessionPolicy& policy);

}  // namespace cloakroom
