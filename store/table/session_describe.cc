#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "store/table/session_space_impl.h"

namespace cloakroom {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string SessionLine(const SessionKey& key, const Entry& entry, const SessionView& view,
                        const Namespace& ns) {
  std::string line = fmt::format(
      "session {} serial={} ns={} user={} handle={} created={} seen={} auth_at={} idle={} "
      "abs_start={} "
      "abs={} version={} by_put={} deadline={} forgotten={} spent={} meta",
      Hex(key.view()), view.serial, Hex(ns.name), Hex(view.user), Hex(view.handle().view()),
      view.created, view.seen, view.auth_at, view.idle_ms, view.abs_start, view.abs_ms,
      view.version, view.flags & SessionView::kByPut, entry.deadline(), view.forgotten,
      Hex(view.spent));
  ForEachMeta(view, *ns.names, [&](const SessionItem& item) {
    line += fmt::format(" {}={}", Hex(item.name), Hex(item.value));
  });
  line += " fields";
  ForEachField(view, *ns.names, [&](const SessionItem& item) {
    line += fmt::format(" {}@{}{}", Hex(item.name), item.version,
                        item.deleted ? std::string(" gone") : "=" + Hex(item.value));
  });
  return line;
}

}  // namespace

void SessionSpace::ForEachEntry(FunctionRef<void(const Entry&)> visit) const {
  uint64_t cursor = 0;
  do {
    cursor = impl_->sessions->Scan(cursor, [&](const Entry& entry) { visit(entry); });
  } while (cursor != 0);
}

std::set<std::pair<uint32_t, std::string>> SessionSpace::Impl::Owners() const {
  std::set<std::pair<uint32_t, std::string>> owners;
  uint64_t cursor = 0;
  do {
    cursor = sessions->Scan(cursor, [&](const Entry& entry) {
      if (entry.type() != ValueType::kSession) return;
      const SessionView session = View(entry);
      if (!session.anonymous()) owners.emplace(session.ns, session.user);
    });
  } while (cursor != 0);
  return owners;
}

void SessionSpace::Describe(TimeMs now, FunctionRef<void(std::string_view line)> emit) const {
  const Impl& impl = *impl_;
  ForEachEntry([&](const Entry& entry) {
    const SessionKey key = SessionKey::FromBytes(entry.key());
    const Entry* session = &entry;
    if (entry.type() == ValueType::kTombstone) {
      if (entry.value_size() == 0) {
        if (entry.LiveAt(now))
          emit(fmt::format("ended {} until {}", Hex(key.view()), entry.deadline()));
        return;
      }
      session = impl.sessions->Find(SpentToken::Read(entry).session.ref());
    }
    const SessionView view = impl.View(*session);
    if (const auto ending = impl.EndOf(*session, view, now)) {
      if (now < ending->tombstone_until)
        emit(fmt::format("ended {} until {}", Hex(key.view()), ending->tombstone_until));
    } else if (session != &entry) {
      const SpentToken spent = SpentToken::Read(entry);
      emit(fmt::format("spent {} session={} nonce={} grace_until={} rotated_at={}", Hex(key.view()),
                       Hex(spent.session.view()), Hex(spent.nonce.view()), spent.grace_until,
                       spent.rotated_at));
    } else {
      emit(SessionLine(key, entry, view, impl.namespaces.At(view.ns)));
    }
  });

  impl.users->ForEach([&](uint32_t ns_id, std::string_view user, const UserIndex::User& known) {
    const Namespace& ns = impl.namespaces.At(ns_id);
    const TimeMs marked = RevokedAt(ns, user, now);
    if (marked != 0)
      emit(fmt::format("mark ns={} user={} at {} until {}", Hex(ns.name), Hex(user), marked,
                       known.mark_until));
  });
  for (const auto& [ns_id, user] : impl.Owners()) {
    const Namespace& ns = impl.namespaces.At(ns_id);
    for (const UserSession& session : NewestOfUser(ns, user, now, nullptr, SIZE_MAX))
      emit(fmt::format("indexed ns={} user={} seen={} handle={} key={}", Hex(ns.name), Hex(user),
                       session.seen, Hex(session.handle.view()), Hex(session.key.view())));
  }

  impl.namespaces.ForEach([&](const Namespace& ns) {
    const Counts counts = CountsOf(&ns, now);
    if (counts.live > 0)
      emit(fmt::format("count ns={} live={} anonymous={}", Hex(ns.name), counts.live,
                       counts.anonymous));
    if (!ns.policy) return;
    const SessionPolicy& policy = *ns.policy;
    emit(fmt::format("policy ns={} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", Hex(ns.name),
                     policy.idle_ms, policy.abs_ms, policy.anon_idle_ms, policy.anon_abs_ms,
                     policy.max, static_cast<int>(policy.on_limit), policy.grace_ms,
                     policy.quantum_ms, policy.tombstone_ms, policy.max_bytes,
                     static_cast<int>(policy.on_reuse), policy.strict_login, policy.ack_timeout_ms,
                     static_cast<int>(policy.preset)));
  });
}

std::vector<std::string> SessionSpace::Inconsistencies() const {
  const Impl& impl = *impl_;
  std::vector<std::string> wrong;
  struct Sums {
    uint64_t live = 0;
    uint64_t anonymous = 0;
    uint64_t bytes = 0;
  };
  std::map<uint32_t, Sums> sums;
  size_t few = 0;
  size_t tombstones = 0;
  std::map<std::pair<uint32_t, std::string>, std::set<SessionKey>> of_user;
  ForEachEntry([&](const Entry& entry) {
    if (entry.type() == ValueType::kTombstone && entry.value_size() == 0) ++tombstones;
    if (entry.type() != ValueType::kSession) return;
    const SessionKey key = SessionKey::FromBytes(entry.key());
    const SessionView view = impl.View(entry);
    Sums& sum = sums[view.ns];
    sum.bytes += entry.BlockBytes();
    for (size_t i = 0; i < view.spent_count(); ++i) {
      const Entry* const spent = impl.sessions->Find(view.spent_key(i).ref());
      if (spent == nullptr || spent->value_size() == 0 || SpentToken::Read(*spent).session != key)
        wrong.push_back("a spent token that does not name its session: " + Hex(key.view()));
    }
    if (!view.anonymous() && (view.flags & SessionView::kOrdered) == 0) ++few;
    if (impl.Covered(view)) return;
    ++sum.live;
    if (view.anonymous()) {
      ++sum.anonymous;
      return;
    }
    of_user[{view.ns, std::string(view.user)}].insert(key);
    const bool ordered = impl.UserOf(impl.namespaces.At(view.ns), view.user).many != nullptr;
    const bool flagged = (view.flags & SessionView::kOrdered) != 0;
    if (ordered != flagged) wrong.push_back("ordered or not: " + Hex(key.view()));
  });
  impl.namespaces.ForEach([&](const Namespace& ns) {
    const Sums& sum = sums[ns.id];
    if (sum.live != ns.live || sum.anonymous != ns.anonymous || sum.bytes != ns.bytes)
      wrong.push_back(fmt::format("{}: live {} ({}), anonymous {} ({}), bytes {} ({})", ns.name,
                                  ns.live, sum.live, ns.anonymous, sum.anonymous, ns.bytes,
                                  sum.bytes));
  });
  const auto check = [&](uint32_t ns_id, std::string_view user, const SessionKey& key) {
    const Entry* const entry = impl.sessions->Find(key.ref());
    if (entry == nullptr || entry->type() != ValueType::kSession)
      wrong.push_back("indexed, but no session: " + Hex(key.view()));
    else if (of_user[{ns_id, std::string(user)}].erase(key) == 0 &&
             !impl.Covered(impl.View(*entry)))
      wrong.push_back("indexed twice, or under another user: " + Hex(key.view()));
  };
  impl.users->ForEach([&](uint32_t ns_id, std::string_view user, const UserIndex::User&) {
    const UserIndex::User found = impl.UserOf(impl.namespaces.At(ns_id), user);
    if (found.many == nullptr) return;
    found.many->OldestFirst([&](const UserSession& session) {
      const Entry* const entry = impl.sessions->Find(session.key.ref());
      if (entry != nullptr && entry->type() == ValueType::kSession &&
          (impl.View(*entry).seen != session.seen || impl.View(*entry).serial != session.serial))
        wrong.push_back("out of order: " + Hex(session.key.view()));
      check(ns_id, user, session.key);
      return true;
    });
  });
  for (const auto& [ns_id, user] : impl.Owners())
    impl.ForEachFew(impl.namespaces.At(ns_id), user,
                    [&, ns_id = ns_id, &user = user](const Entry&, const SessionView& session) {
                      if ((session.flags & SessionView::kOrdered) == 0)
                        check(ns_id, user, SessionKey::FromBytes(session.key));
                    });
  if (impl.users->few() != few)
    wrong.push_back(
        fmt::format("{} places of few sessions, but {} of those", impl.users->few(), few));
  if (impl.tombstones != tombstones)
    wrong.push_back(fmt::format("tombstones {} ({})", impl.tombstones, tombstones));
  for (const auto& [user, keys] : of_user)
    for (const SessionKey& key : keys)
      wrong.push_back(fmt::format("not indexed: {} of {}", Hex(key.view()), user.second));
  return wrong;
}

}  // namespace cloakroom
