#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/op/write_batch.h"
#include "store/table/session_space.h"

namespace cloakroom {

/// What is done with all sessions of a user, or of a namespace.

/// One page of a list.
struct SessionPage {
  std::string cursor;  // "0": there is no more
  std::vector<UserSession> sessions;
};

/// A user's live sessions, last seen first, at most `count` from `cursor` on ("0": the start). A
/// session that is used between two pages moves to the front: later pages do not show it again.
///   errors  kInvalid  the cursor is not one that a page gave
///   cost    O(count)
[[nodiscard]] Result<SessionPage> ListSessions(const SessionSpace& space, std::string_view ns,
                                               std::string_view user, std::string_view cursor,
                                               size_t count, TimeMs now);

/// Which of the caller's sessions a token names; nothing when it names none that lives. A spent
/// token counts as reuse, and may end its session: then `ended` is that one.
struct NamedSession {
  std::optional<SessionKey> live;
  std::optional<SessionKey> ended;
};
[[nodiscard]] NamedSession NameSession(const SessionSpace& space, std::string_view ns,
                                       std::string_view user, std::string_view token,
                                       bool may_write, TimeMs now, WriteBatch& batch);

/// Ends all sessions of a user, but `except`: a mark, O(1) however many they are. Whoever was
/// authenticated up to now cannot log in with that for the namespace's abs. Returns how many ended.
size_t RevokeUser(const SessionSpace& space, std::string_view ns, std::string_view user,
                  const NamedSession& except, TimeMs now, WriteBatch& batch);

/// Whether the user has live sessions, or a mark that RevokeUser would only renew.
[[nodiscard]] bool IsKnownUser(const SessionSpace& space, std::string_view ns,
                               std::string_view user, TimeMs now);

/// Ends those of a user's sessions that `handles` name, but `except`. Returns how many ended.
size_t RevokeHandles(const SessionSpace& space, std::string_view ns, std::string_view user,
                     std::span<const std::string_view> handles, const NamedSession& except,
                     TimeMs now, WriteBatch& batch);

/// Ends every session of a namespace: a mark. Returns how many ended.
uint64_t RevokeNamespace(const SessionSpace& space, std::string_view ns, TimeMs now,
                         WriteBatch& batch);

}  // namespace cloakroom
