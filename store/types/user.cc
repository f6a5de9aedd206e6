#include "store/types/user.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "store/base/number.h"
#include "store/types/session_rules.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

/// A cursor is where the last page ended: "<seen>-<serial>".
std::string CursorText(const UserSession& last) {
  return fmt::format("{}-{}", last.seen, last.serial);
}

std::optional<SeenSerial> ParseCursor(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  int64_t seen = 0;
  int64_t serial = 0;
  if (!ParseInteger(text.substr(0, dash), seen) || !ParseInteger(text.substr(dash + 1), serial) ||
      seen < 0 || serial < 0)
    return std::nullopt;
  return SeenSerial{seen, static_cast<uint64_t>(serial)};
}

}  // namespace

Result<SessionPage> ListSessions(const SessionSpace& space, std::string_view ns,
                                 std::string_view user, std::string_view cursor, size_t count,
                                 TimeMs now) {
  SessionPage page{"0", {}};
  std::optional<SeenSerial> after;
  if (cursor != "0") {
    after = ParseCursor(cursor);
    if (!after) return Fail(Code::kInvalid, "invalid cursor");
  }
  const Namespace* const found = space.FindNamespace(ns);
  if (found == nullptr) return page;
  page.sessions = space.NewestOfUser(*found, user, now, after ? &*after : nullptr, count + 1);
  if (page.sessions.size() > count) {
    page.sessions.pop_back();
    page.cursor = CursorText(page.sessions.back());
  }
  return page;
}

NamedSession NameSession(const SessionSpace& space, std::string_view ns, std::string_view user,
                         std::string_view token, bool may_write, TimeMs now, WriteBatch& batch) {
  NamedSession named;
  const bool was_empty = batch.empty();
  const SessionSpace::Found found = LookUp(space, KeyOfToken(token), may_write, now, batch);
  if (was_empty && !batch.empty()) named.ended = found.key;
  if (found.state == SessionSpace::TokenState::kLive && found.view.user == user &&
      space.NamespaceOf(found.view).name == ns)
    named.live = found.key;
  return named;
}

size_t RevokeUser(const SessionSpace& space, std::string_view ns, std::string_view user,
                  const NamedSession& except, TimeMs now, WriteBatch& batch) {
  const Namespace* const found = space.FindNamespace(ns);
  size_t ended = found == nullptr ? 0 : space.CountOfUser(*found, user, now);
  if (except.live) --ended;
  const SessionPolicy& policy = space.PolicyOf(found);
  SessionMarkUserOp op;
  op.ns = ns;
  op.user = user;
  op.has_except = except.live.has_value();
  op.except = except.live.value_or(SessionKey{});
  op.until = now + policy.abs_ms;
  op.tombstone_until = now + policy.tombstone_ms;
  Add(batch, op);
  return ended;
}

bool IsKnownUser(const SessionSpace& space, std::string_view ns, std::string_view user,
                 TimeMs now) {
  const Namespace* const found = space.FindNamespace(ns);
  return found != nullptr &&
         (space.CountOfUser(*found, user, now) > 0 || space.RevokedAt(*found, user, now) != 0);
}

size_t RevokeHandles(const SessionSpace& space, std::string_view ns, std::string_view user,
                     std::span<const std::string_view> handles, const NamedSession& except,
                     TimeMs now, WriteBatch& batch) {
  const Namespace* const found = space.FindNamespace(ns);
  if (found == nullptr) return 0;
  std::set<SessionKey> done;
  if (except.live) done.insert(*except.live);
  if (except.ended) done.insert(*except.ended);
  size_t ended = 0;
  for (const std::string_view text : handles) {
    const auto handle = ParseHandle(text);
    if (!handle) continue;
    const auto session = space.FindHandle(*found, user, *handle, now);
    if (!session || !done.insert(*session).second) continue;
    AddEnd(space, *found, *session, SessionEnd::kRevoked, now, batch);
    ++ended;
  }
  return ended;
}

uint64_t RevokeNamespace(const SessionSpace& space, std::string_view ns, TimeMs now,
                         WriteBatch& batch) {
  const Namespace* const found = space.FindNamespace(ns);
  if (found == nullptr || found->live == 0) return 0;
  const uint64_t ended = space.CountsOf(found, now).live;
  Add(batch, SessionMarkNamespaceOp{ns, now + space.PolicyOf(found).tombstone_ms});
  return ended;
}

}  // namespace cloakroom
