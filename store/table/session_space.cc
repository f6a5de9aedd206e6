#include "store/table/session_space.h"

#include <algorithm>

#include "store/base/check.h"
#include "store/table/access_clock.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {
namespace {

Position LocateSession(const void*, std::string_view key) {
  return SessionKey::FromBytes(key).position();
}

/// The order of lists: last seen first, and among those seen at once the newest first.
bool SeenLater(const UserSession& a, const UserSession& b) { return a.order() > b.order(); }

}  // namespace

SessionSpace::Impl::Impl(uint64_t hash_seed) : seed(hash_seed), namespaces(hash_seed) {
  Table::Options options;
  options.locate = &LocateSession;
  sessions = std::make_unique<Table>(options);
  users = std::make_unique<UserIndex>(seed);
}

SessionSpace::SessionSpace(uint64_t hash_seed) : impl_(std::make_unique<Impl>(hash_seed)) {}
SessionSpace::~SessionSpace() = default;

std::optional<SessionEnding> EndingOf(const Namespaces& namespaces, const Entry& entry,
                                      const SessionView& session, TimeMs now, uint64_t serial_max) {
  const Namespace& ns = namespaces.At(session.ns);
  const SessionMark* const mark = ns.Covering(session.user, session.order());
  const TimeMs deadline = entry.deadline();
  // What came first ended it: it may have expired before the mark.
  if (mark != nullptr && mark->time < deadline && mark->serial <= serial_max)
    return SessionEnding{SessionEnd::kRevoked, mark->tombstone_until};
  if (now < deadline) [[likely]]
    return std::nullopt;
  return SessionEnding{SessionEnd::kExpired, deadline + namespaces.TombstoneAt(ns, deadline)};
}

SessionSpace::Found SessionSpace::Find(const SessionKey& token, TimeMs now) const {
  Found found;
  const Entry* entry = impl_->sessions->Find(token.ref());
  if (entry == nullptr) return found;
  found.key = token;
  SpentToken spent;
  const bool is_session = entry->type() == ValueType::kSession;
  if (!is_session) {
    if (entry->value_size() == 0) {
      if (entry->LiveAt(now)) found.state = TokenState::kEnded;
      return found;
    }
    spent = SpentToken::Read(*entry);
    found.key = spent.session;
    entry = impl_->sessions->Find(found.key.ref());
    CHECK(entry != nullptr && entry->type() == ValueType::kSession);
  }
  found.view = impl_->View(*entry);
  if (const auto ending = impl_->EndOf(*entry, found.view, now)) {
    if (now < ending->tombstone_until) found.state = TokenState::kEnded;
    return found;
  }
  found.entry = entry;
  found.state = is_session || now < spent.grace_until ? TokenState::kLive : TokenState::kSpent;
  found.old_token = !is_session && found.state == TokenState::kLive;
  found.nonce = spent.nonce;
  return found;
}

void SessionSpace::PrefetchBucket(const SessionKey& token) const {
  impl_->sessions->PrefetchBucket(token.position());
}

void SessionSpace::PrefetchEntry(const SessionKey& token) const {
  impl_->sessions->PrefetchEntry(token.position());
}

const Namespace* SessionSpace::FindNamespace(std::string_view name) const {
  return impl_->namespaces.Find(name);
}

const Namespace& SessionSpace::NamespaceOf(const SessionView& session) const {
  return std::as_const(impl_->namespaces).At(session.ns);
}

const SessionPolicy& SessionSpace::PolicyOf(const Namespace* ns) const {
  return impl_->namespaces.PolicyOf(ns);
}

UserIndex::User SessionSpace::Impl::UserOf(const Namespace& ns, std::string_view user) const {
  UserIndex::User found = users->Find(ns.id, user);
  if (found.many != nullptr && !ns.marks.empty() && ns.marks.back().serial > found.many->made_at())
    found.many = nullptr;
  return found;
}

void SessionSpace::Impl::ForEachFew(const Namespace& ns, std::string_view user,
                                    FunctionRef<void(Entry&, const SessionView&)> visit) const {
  for (const BriefPosition& at : users->Few(ns.id, user))
    sessions->ForEachAt(at, [&](Entry* entry) {
      if (entry->type() != ValueType::kSession) return;
      const SessionView session = View(*entry);
      if (session.ns == ns.id && session.user == user) visit(*entry, session);
    });
}

std::vector<UserSession> SessionSpace::Impl::LiveFew(const Namespace& ns, std::string_view user,
                                                     TimeMs now) const {
  std::vector<UserSession> out;
  ForEachFew(ns, user, [&](const Entry& entry, const SessionView& session) {
    if (!EndOf(entry, session, now))
      out.push_back(
          {session.seen, session.serial, session.handle(), SessionKey::FromBytes(session.key)});
  });
  return out;
}

bool SessionSpace::Impl::LivesAt(const SessionKey& key, TimeMs now) const {
  const Entry* const entry = sessions->Find(key.ref());
  return entry != nullptr && entry->type() == ValueType::kSession &&
         !EndOf(*entry, View(*entry), now);
}

void SessionSpace::Impl::ForEachUnswept(TimeMs now,
                                        FunctionRef<void(const SessionView&)> visit) const {
  sessions->ForEachDue(now, [&](const Entry& entry) {
    if (entry.type() != ValueType::kSession) return;
    const SessionView view = View(entry);
    if (!Covered(view)) visit(view);
  });
}

size_t SessionSpace::CountOfUser(const Namespace& ns, std::string_view user, TimeMs now) const {
  const UserIndex::User found = impl_->UserOf(ns, user);
  size_t count = 0;
  if (found.many != nullptr) {
    count = found.many->size();
    impl_->ForEachUnswept(now, [&](const SessionView& dead) {
      if (dead.ns == ns.id && dead.user == user) --count;
    });
    return count;
  }
  impl_->ForEachFew(ns, user, [&](const Entry& entry, const SessionView& session) {
    if (!impl_->EndOf(entry, session, now)) ++count;
  });
  return count;
}

std::vector<UserSession> SessionSpace::NewestOfUser(const Namespace& ns, std::string_view user,
                                                    TimeMs now, const SeenSerial* after,
                                                    size_t limit) const {
  std::vector<UserSession> out;
  const UserIndex::User found = impl_->UserOf(ns, user);
  if (found.many != nullptr) {
    if (limit > 0)
      found.many->NewestFirst(after, [&](const UserSession& session) {
        if (impl_->LivesAt(session.key, now)) out.push_back(session);
        return out.size() < limit;
      });
    return out;
  }
  out = impl_->LiveFew(ns, user, now);
  if (after != nullptr)
    std::erase_if(out, [&](const UserSession& session) { return session.order() >= *after; });
  std::sort(out.begin(), out.end(), SeenLater);
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::vector<UserSession> SessionSpace::OldestOfUser(const Namespace& ns, std::string_view user,
                                                    TimeMs now, const SessionKey* except,
                                                    size_t limit) const {
  std::vector<UserSession> out;
  if (limit == 0) return out;
  const UserIndex::User found = impl_->UserOf(ns, user);
  const auto wanted = [&](const UserSession& session) {
    return except == nullptr || session.key != *except;
  };
  if (found.many != nullptr) {
    found.many->OldestFirst([&](const UserSession& session) {
      if (wanted(session) && impl_->LivesAt(session.key, now)) out.push_back(session);
      return out.size() < limit;
    });
    return out;
  }
  out = impl_->LiveFew(ns, user, now);
  std::erase_if(out, [&](const UserSession& session) { return !wanted(session); });
  std::sort(out.begin(), out.end(),
            [](const UserSession& a, const UserSession& b) { return SeenLater(b, a); });
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::optional<SessionKey> SessionSpace::FindHandle(const Namespace& ns, std::string_view user,
                                                   const SessionHandle& handle, TimeMs now) const {
  const UserIndex::User found = impl_->UserOf(ns, user);
  if (found.many != nullptr) {
    const SessionKey* const key = found.many->Find(handle);
    if (key == nullptr || !impl_->LivesAt(*key, now)) return std::nullopt;
    return *key;
  }
  std::optional<SessionKey> key;
  for (const UserSession& session : impl_->LiveFew(ns, user, now))
    if (session.handle == handle) key = session.key;
  return key;
}

TimeMs SessionSpace::RevokedAt(const Namespace& ns, std::string_view user, TimeMs now) const {
  const UserIndex::User found = impl_->users->Find(ns.id, user);
  return found.marked_at != 0 && now < found.mark_until ? found.marked_at : 0;
}

uint64_t SessionSpace::Scan(uint64_t cursor, TimeMs now,
                            FunctionRef<void(const Entry&, const SessionView&)> visit) const {
  return impl_->sessions->Scan(cursor, [&](const Entry& entry) {
    if (entry.type() != ValueType::kSession) return;
    const SessionView view = impl_->View(entry);
    if (!impl_->EndOf(entry, view, now)) visit(entry, view);
  });
}

size_t SessionSpace::StoredAnonymous() const {
  size_t anonymous = 0;
  std::as_const(impl_->namespaces).ForEach([&](const Namespace& ns) { anonymous += ns.anonymous; });
  return anonymous;
}

TimeMs SessionSpace::LastUse(const Entry& entry, const SessionView& session, TimeMs now) {
  if (entry.clock() == 0) return session.seen;  // not used since it was made or loaded
  constexpr TimeMs kSecond = 1000;
  const TimeMs second = now / kSecond - AccessClock::IdleSeconds(entry, now);
  return std::max(session.seen, second * kSecond + kSecond - 1);
}

bool SessionSpace::DrawAnonymous(TimeMs now, size_t count, DrawBits draw,
                                 VisitAnonymous visit) const {
  constexpr size_t kFew = 8;  // one of so many, or fewer
  if (StoredAnonymous() < impl_->sessions->size() / kFew) return false;
  size_t found = 0;
  for (size_t tries = 2 * kFew * count; tries > 0 && found < count; --tries) {
    const Entry* const entry = impl_->sessions->Pick(draw);
    if (entry == nullptr || entry->type() != ValueType::kSession) continue;
    const SessionView view = impl_->View(*entry);
    if (!view.anonymous() || impl_->EndOf(*entry, view, now)) continue;
    ++found;
    visit(*entry, LastUse(*entry, view, now));
  }
  return found > 0;
}

size_t SessionSpace::WalkAnonymous(TimeMs now, size_t steps, uint64_t& cursor,
                                   VisitAnonymous visit) const {
  size_t taken = 0;
  do {
    cursor = Scan(cursor, now, [&](const Entry& entry, const SessionView& session) {
      if (session.anonymous()) visit(entry, LastUse(entry, session, now));
    });
  } while (++taken < steps && cursor != 0);
  return taken;
}

size_t SessionSpace::TombstoneBytes() const {
  constexpr size_t kBytesEach = 64;  // block, place in the index, arm in the wheel
  return impl_->tombstones * kBytesEach;
}

SessionSpace::Counts SessionSpace::CountsOf(const Namespace* ns, TimeMs now) const {
  Counts counts;
  const auto add = [&](const Namespace& each) {
    counts.live += each.live;
    counts.anonymous += each.anonymous;
    counts.bytes += each.bytes;
  };
  if (ns != nullptr)
    add(*ns);
  else
    std::as_const(impl_->namespaces).ForEach(add);
  impl_->ForEachUnswept(now, [&](const SessionView& dead) {
    if (ns != nullptr && dead.ns != ns->id) return;
    --counts.live;
    if (dead.anonymous()) --counts.anonymous;
  });
  return counts;
}

SessionCounters SessionSpace::CountersOf(const Namespace* ns) const {
  if (ns != nullptr) return ns->counters;
  SessionCounters sum = impl_->namespaces.freed_counters();
  std::as_const(impl_->namespaces).ForEach([&](const Namespace& each) { sum += each.counters; });
  return sum;
}

Table::Memory SessionSpace::memory() const {
  Table::Memory sum;
  const auto add = [&sum](const Table::Memory& part) {
    sum.index_bytes += part.index_bytes;
    sum.slab_bytes += part.slab_bytes;
    sum.block_bytes += part.block_bytes;
    sum.large_bytes += part.large_bytes;
    sum.wheel_bytes += part.wheel_bytes;
  };
  add(impl_->sessions->memory());
  add(impl_->users->memory());
  for (const Impl::Flushed& old : impl_->flushed) {
    add(old.sessions->memory());
    add(old.users->memory());
  }
  for (const Impl::SetAside& aside : impl_->set_aside)
    sum.large_bytes += aside.sessions->size() * ManySessions::kBytesEach;
  sum.index_bytes += impl_->namespaces.bytes();
  return sum;
}

SessionSpace::Parts SessionSpace::MemoryParts() const {
  return {impl_->sessions->memory(), impl_->users->memory(), impl_->namespaces.bytes()};
}

MemoryUse SessionSpace::Use() const {
  MemoryUse use;
  for (const Impl::Flushed& old : impl_->flushed)
    use.going += old.sessions->memory().InUse() + old.users->memory().InUse();
  for (const Impl::SetAside& aside : impl_->set_aside)
    use.going += aside.sessions->size() * ManySessions::kBytesEach;
  const Table::Memory sessions = impl_->sessions->memory();
  use.used = use.going + sessions.InUse() + impl_->users->memory().InUse();
  use.going += sessions.going_bytes;
  return use;
}

void SessionSpace::set_observer(EventObserver* observer) { impl_->observer = observer; }

TimeMs SessionSpace::NextDue() const {
  const TimeMs sessions = impl_->sessions->NextDue();
  const TimeMs users = impl_->users->NextDue();
  if (sessions == kNoDeadline) return users;
  return users == kNoDeadline ? sessions : std::min(sessions, users);
}

}  // namespace cloakroom
