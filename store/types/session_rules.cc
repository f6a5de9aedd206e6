#include "store/types/session_rules.h"

#include <algorithm>

#include "store/table/session_draft.h"

namespace cloakroom {

TimeMs SlidDeadline(const SessionView& session, TimeMs now) {
  return std::min(now + session.idle_ms, session.abs());
}

bool SlideIsDue(const SessionView& session, TimeMs deadline, const SessionPolicy& policy,
                TimeMs now) {
  constexpr TimeMs kQuantumPartOfIdle = 20;  // 5 %
  const TimeMs quantum = std::min(policy.quantum_ms, session.idle_ms / kQuantumPartOfIdle);
  return SlidDeadline(session, now) - deadline >= std::max(quantum, TimeMs{1});
}

SessionSpace::Found LookUp(const SessionSpace& space, const SessionKey& token, bool may_write,
                           TimeMs now, WriteBatch& batch) {
  const SessionSpace::Found found = space.Find(token, now);
  if (found.state != SessionSpace::TokenState::kSpent) [[likely]]
    return found;
  const Namespace& ns = space.NamespaceOf(found.view);
  space.CountReuse(ns);
  if (may_write && space.PolicyOf(&ns).on_reuse == OnReuse::kRevoke)
    AddEnd(space, ns, found.key, SessionEnd::kRevoked, now, batch);
  return found;
}

void AddEnd(const SessionSpace& space, const Namespace& ns, const SessionKey& key,
            SessionEnd reason, TimeMs now, WriteBatch& batch) {
  Add(batch, SessionEndOp{key, reason, now + space.PolicyOf(&ns).tombstone_ms});
}

Result<TimeMs> CheckAuthAt(const SessionSpace& space, const Namespace* ns, std::string_view user,
                           std::optional<TimeMs> given, TimeMs otherwise, TimeMs now) {
  if (!given) return otherwise;
  if (ns != nullptr && !user.empty()) {
    const TimeMs revoked = space.RevokedAt(*ns, user, now);
    if (revoked != 0 && *given <= revoked)
      return Fail(Code::kRevoked, "AUTHAT {} is not after the user's last REVOKE ALL at {}", *given,
                  revoked);
  }
  return std::min(*given, now);
}

Result<std::vector<SessionHandle>> MakeRoom(const SessionSpace& space, const Namespace* ns,
                                            std::string_view user, std::optional<SessionCap> cap,
                                            const SessionKey* self, TimeMs now, WriteBatch& batch) {
  std::vector<SessionHandle> evicted;
  const SessionPolicy& policy = space.PolicyOf(ns);
  if (!cap) cap = SessionCap{policy.max, policy.on_limit};
  if (ns == nullptr || user.empty() || cap->max == 0) return evicted;
  size_t live = space.CountOfUser(*ns, user, now);
  if (self == nullptr) ++live;
  if (live <= cap->max) return evicted;
  if (cap->on_limit == OnLimit::kReject) return Fail(Code::kSessionLimit, "{}", cap->max);
  for (const UserSession& oldest : space.OldestOfUser(*ns, user, now, self, live - cap->max)) {
    AddEnd(space, *ns, oldest.key, SessionEnd::kEvicted, now, batch);
    evicted.push_back(oldest.handle);
  }
  return evicted;
}

uint64_t WordBytes(WordSpan words) {
  SessionItems items;
  for (size_t i = 0; i < words.size(); i += 2) items.Set(words[i], words[i + 1]);
  return items.Bytes();
}

Result<void> CheckSize(uint64_t bytes, const SessionPolicy& policy) {
  if (bytes > policy.max_bytes) return Fail(Code::kTooBig, "{}", policy.max_bytes);
  return {};
}

}  // namespace cloakroom
