#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/op/session_op.h"
#include "store/types/session.h"

namespace cloakroom {

/// What sessions.md says, in maps and loops: the whole of it is walked for every answer.
class SessionModel {
 public:
  struct Field {
    std::string value;
    uint32_t version = 0;
    bool deleted = false;
  };
  struct Spent {
    std::string token;
    std::string successor;
    TimeMs grace_until = 0;
    TimeMs rotated_at = 0;
  };
  struct Session {
    std::string ns, user, token;
    SessionHandle handle;
    uint64_t serial = 0;  // in the order of making; a login makes a user's session
    TimeMs created = 0, seen = 0, auth_at = 0, abs_start = 0, idle_ms = 0, abs_ms = 0;
    uint32_t version = 1;
    std::map<std::string, Field> fields;
    std::map<std::string, std::string> meta;
    std::vector<Spent> spent;
    bool ended = false;
    TimeMs tombstone_until = 0;

    [[nodiscard]] TimeMs abs() const { return abs_start + abs_ms; }
    [[nodiscard]] TimeMs deadline() const { return std::min(seen + idle_ms, abs()); }
  };
  enum class State { kUnknown, kEnded, kSpent, kLive };
  struct Found {
    State state = State::kUnknown;
    Session* session = nullptr;
    const Spent* old = nullptr;  // shown by this one, within its grace
  };

  TimeMs now = 0;
  uint64_t serials = 0;
  std::vector<Session> sessions;
  std::map<std::string, TimeMs> plain_tombstones;  // tokens that their session forgot
  std::map<std::pair<std::string, std::string>, std::pair<TimeMs, TimeMs>> marks;  // at, until
  std::map<std::string, SessionPolicy> policies;
  std::map<std::string, std::vector<std::pair<TimeMs, TimeMs>>> past;  // until, tombstone_ms

  const SessionPolicy& Policy(const std::string& ns) {
    const auto it = policies.find(ns);
    return it == policies.end() ? default_policy_ : it->second;
  }
  void SetPolicy(const std::string& ns, const SessionPolicy& policy) {
    past[ns].emplace_back(now, Policy(ns).tombstone_ms);
    policies[ns] = policy;
  }

  bool Live(const Session& session) const { return !session.ended && now < session.deadline(); }
  TimeMs TombstoneUntil(const Session& session) {
    if (session.ended) return session.tombstone_until;
    for (const auto& [until, tombstone_ms] : past[session.ns])
      if (session.deadline() <= until) return session.deadline() + tombstone_ms;
    return session.deadline() + Policy(session.ns).tombstone_ms;
  }

  /// The newest session that a token belonged to decides.
  Found Find(const std::string& token) {
    for (size_t i = sessions.size(); i-- > 0;) {
      Session& session = sessions[i];
      const Spent* old = nullptr;
      for (const Spent& spent : session.spent)
        if (spent.token == token) old = &spent;
      if (old == nullptr && session.token != token) continue;
      if (!Live(session))
        return {now < TombstoneUntil(session) ? State::kEnded : State::kUnknown, nullptr, nullptr};
      if (old == nullptr) return {State::kLive, &session, nullptr};
      return {now < old->grace_until ? State::kLive : State::kSpent, &session, old};
    }
    const auto it = plain_tombstones.find(token);
    return {it != plain_tombstones.end() && now < it->second ? State::kEnded : State::kUnknown,
            nullptr, nullptr};
  }

  void End(Session& session) {
    session.ended = true;
    session.tombstone_until = now + Policy(session.ns).tombstone_ms;
  }

  /// Last seen first; of those seen at once, the newest first.
  std::vector<Session*> OfUser(const std::string& ns, const std::string& user) {
    std::vector<Session*> out;
    for (Session& session : sessions)
      if (session.ns == ns && session.user == user && Live(session)) out.push_back(&session);
    std::sort(out.begin(), out.end(), [](const Session* a, const Session* b) {
      return a->seen != b->seen ? a->seen > b->seen : a->serial > b->serial;
    });
    return out;
  }

  /// The handles that must go, or nothing when the cap refuses.
  std::optional<std::vector<SessionHandle>> MakeRoom(const std::string& ns, const std::string& user,
                                                     SessionCap cap, const Session* self) {
    std::vector<SessionHandle> evicted;
    if (user.empty() || cap.max == 0) return evicted;
    std::vector<Session*> live = OfUser(ns, user);
    size_t count = live.size() + (self == nullptr ? 1 : 0);
    if (count > cap.max && cap.on_limit == OnLimit::kReject) return std::nullopt;
    for (size_t i = live.size(); i-- > 0 && count > cap.max;) {
      if (live[i] == self) continue;
      evicted.push_back(live[i]->handle);
      End(*live[i]);
      --count;
    }
    return evicted;
  }

  void Slide(Session& session) {
    const TimeMs slid = std::min(now + session.idle_ms, session.abs());
    const TimeMs quantum = std::min(Policy(session.ns).quantum_ms, session.idle_ms / 20);
    if (slid - session.deadline() >= std::max<TimeMs>(quantum, 1)) session.seen = now;
  }

  /// Forgets sessions that nothing can name any more, to keep the walks short.
  void Prune() {
    std::erase_if(sessions, [&](const Session& session) {
      return !Live(session) && TombstoneUntil(session) + kDayMs < now;
    });
  }

 private:
  SessionPolicy default_policy_;
};

}  // namespace cloakroom
