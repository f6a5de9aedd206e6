// What ends many sessions at once.

#include <string>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {

void SessionSpace::Impl::Renumber(const SessionKey& key) {
  Entry* const entry = Live(key);
  const SessionView session = View(*entry);
  draft.Load(session, *namespaces.At(session.ns).names);
  draft.head.serial = serial;
  Store(key, entry);
}

void SessionSpace::Impl::MarkUser(const RecordHeader& header, const SessionMarkUserOp& op) {
  Namespace& ns = namespaces.Make(op.ns);
  const UserIndex::User user = UserOf(ns, op.user);
  ++serial;  // however many they are: that may differ with how far each role has freed the dead
  if (user.many == nullptr) {
    // Few: they end here and now.
    std::vector<SessionKey> keys;
    ForEachFew(ns, op.user, [&](const Entry&, const SessionView& session) {
      keys.push_back(SessionKey::FromBytes(session.key));
    });
    for (const SessionKey& key : keys) {
      if (op.has_except && key == op.except) {
        Renumber(key);
        continue;
      }
      End(key, {SessionEnd::kRevoked, op.tombstone_until}, header.time_ms);
    }
  } else {
    if (op.has_except) {
      CHECK(users->RemoveOrdered(ns.id, op.user, op.except, View(*Live(op.except)).handle()));
      Renumber(op.except);
    }
    ns.counters.revoked +=
        SetAsideMany(ns, op.user, header.time_ms, op.tombstone_until, SessionMark::kAll, 0);
    if (op.has_except) CHECK(AddToIndex(op.except, Live(op.except)));
  }
  users->Mark(ns.id, op.user, header.time_ms, op.until);
}

void SessionSpace::Impl::TrimUser(const RecordHeader& header, const SessionTrimUserOp& op) {
  Namespace& ns = namespaces.Make(op.ns);
  const UserIndex::User user = UserOf(ns, op.user);
  const SeenSerial last = {op.seen, op.serial};
  ++serial;
  std::vector<SessionKey> keys;
  if (user.many == nullptr) {
    ForEachFew(ns, op.user, [&](const Entry&, const SessionView& session) {
      if (session.order() <= last) keys.push_back(SessionKey::FromBytes(session.key));
    });
    for (const SessionKey& key : keys)
      End(key, {SessionEnd::kEvicted, op.tombstone_until}, header.time_ms);
    return;
  }
  // Those who stay are few: they are taken out of the order and put into a new one.
  user.many->NewestFirst(nullptr, [&](const UserSession& session) {
    if (session.order() <= last) return false;
    keys.push_back(session.key);
    return true;
  });
  ns.counters.evicted +=
      SetAsideMany(ns, op.user, header.time_ms, op.tombstone_until, last, keys.size());
  for (const SessionKey& key : keys) CHECK(AddToIndex(key, Live(key)));
}

size_t SessionSpace::Impl::SetAsideMany(Namespace& ns, std::string_view user, TimeMs time,
                                        TimeMs tombstone_until, const SeenSerial& last,
                                        size_t spared) {
  size_t dead = 0;
  ForEachUnswept(time, [&](const SessionView& session) {
    if (session.ns == ns.id && session.user == user && session.order() <= last) ++dead;
  });
  std::unique_ptr<ManySessions> many = users->Detach(ns.id, user);
  const size_t covered = many->size() - spared;
  CHECK(covered >= dead && ns.live >= covered);
  ns.live -= covered;
  ns.user_marks[std::string(user)].push_back({serial, time, tombstone_until, last});
  set_aside.push_back({ns.id, std::string(user), serial, std::move(many)});
  return covered - dead;
}

void SessionSpace::Impl::End(const SessionKey& key, const SessionEnding& ending, TimeMs now) {
  Entry* const entry = Live(key);
  // It may have expired before.
  const auto ended = EndOf(*entry, View(*entry), now);
  Bury(key.ref(), entry, ended.value_or(ending), now);
}

void SessionSpace::Impl::MarkNamespace(const RecordHeader& header,
                                       const SessionMarkNamespaceOp& op) {
  Namespace& ns = namespaces.Make(op.ns);
  ++serial;
  if (ns.live == 0) return;  // whatever is in memory is covered by earlier marks
  uint64_t dead = 0;
  ForEachUnswept(header.time_ms, [&](const SessionView& session) {
    if (session.ns == ns.id) ++dead;
  });
  ns.counters.revoked += ns.live - dead;
  ns.live = ns.anonymous = 0;
  ns.marks.push_back({serial, header.time_ms, op.tombstone_until});
  if (walking) return;  // its end starts the next
  walking = true;
  walk_cursor = 0;
  walk_serial = serial;
}

}  // namespace cloakroom
