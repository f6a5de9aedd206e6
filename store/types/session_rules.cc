#include "store/types/session_rules.h"

#include <algorithm>

#include "store/table/session_draft.h"
#include "store/types/session.h"

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

namespace {

// Up to so many each get an end of their own; of more, those who stay are named instead, if they
// are few. If both are many, they go by and by.
constexpr size_t kEndedEachMax = 32;
constexpr size_t kKeptMax = 256;
constexpr size_t kEndedAtOnceMax = 256;

/// Ends the `over` least recently seen sessions of a user, `self` left out, in one op: all but
/// `max` - 1.
std::vector<SessionHandle> Trim(const SessionSpace& space, const Namespace& ns,
                                std::string_view user, size_t max, size_t over,
                                const SessionKey* self, TimeMs now, WriteBatch& batch) {
  std::vector<SessionHandle> evicted;
  for (const UserSession& oldest :
       space.OldestOfUser(ns, user, now, self, std::min(over, kEvictedListedMax)))
    evicted.push_back(oldest.handle);
  std::vector<UserSession> newest = space.NewestOfUser(ns, user, now, nullptr, max + 1);
  if (self != nullptr) {
    // It is used now, so it stands before all others.
    const SessionSpace::Found found = space.Find(*self, now);
    Add(batch, SessionSlideOp{*self, now, found.view.idle_ms});
    std::erase_if(newest, [&](const UserSession& session) { return session.key == *self; });
  }
  const UserSession& last = newest[max - 1];
  Add(batch, SessionTrimUserOp{ns.name, user, last.seen, last.serial,
                               now + space.PolicyOf(&ns).tombstone_ms});
  return evicted;
}

}  // namespace

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
  const size_t over = live - cap->max;
  if (over > kEndedEachMax && cap->max <= kKeptMax)
    return Trim(space, *ns, user, cap->max, over, self, now, batch);
  for (const UserSession& oldest :
       space.OldestOfUser(*ns, user, now, self, std::min(over, kEndedAtOnceMax))) {
    AddEnd(space, *ns, oldest.key, SessionEnd::kEvicted, now, batch);
    evicted.push_back(oldest.handle);
  }
  return evicted;
}

Result<void> CheckSize(uint64_t bytes, const SessionPolicy& policy) {
  if (bytes > policy.max_bytes) return Fail(Code::kTooBig, "{}", policy.max_bytes);
  return {};
}

Result<void> CheckPairs(uint64_t kept, WordSpan meta, WordSpan fields,
                        const SessionPolicy& policy) {
  uint64_t at_most = kept;
  for (const std::string_view word : meta) at_most += word.size();
  for (const std::string_view word : fields) at_most += word.size();
  if (at_most <= policy.max_bytes) [[likely]]
    return {};
  for (const WordSpan words : {meta, fields}) {
    SessionItems items;
    for (size_t i = 0; i < words.size(); i += 2) items.Set(words[i], words[i + 1]);
    kept += items.Bytes();
  }
  return CheckSize(kept, policy);
}

}  // namespace cloakroom
