#include <algorithm>

#include "store/base/check.h"
#include "store/table/session_capture.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {
namespace {

SessionChange ChangeOf(SessionEnd reason) {
  switch (reason) {
    case SessionEnd::kDestroyed:
      return SessionChange::kDestroyed;
    case SessionEnd::kEvicted:
      return SessionChange::kEvicted;
    case SessionEnd::kRevoked:
      return SessionChange::kRevoked;
    case SessionEnd::kExpired:
      break;
  }
  return SessionChange::kExpired;
}

}  // namespace

void SessionSpace::Impl::Bury(const KeyRef& key, Entry* entry, const SessionEnding& ending,
                              TimeMs now) {
  const SessionKey session_key = SessionKey::FromBytes(key.bytes);  // `key` may lie in the entry
  sessions->WillChange(session_key.ref());
  const SessionView session = View(*entry);
  Tell(session, ChangeOf(ending.reason));
  Namespace& ns = namespaces.At(session.ns);
  const bool counted = ns.Covering(session.user, session.order()) == nullptr;
  if (counted) {
    CHECK(ns.live > 0);
    --ns.live;
    if (session.anonymous()) --ns.anonymous;
  }
  if (ending.reason == SessionEnd::kExpired)
    ++ns.counters.expired;
  else if (counted) {  // what a mark covers was counted when the mark was made
    if (ending.reason == SessionEnd::kDestroyed) ++ns.counters.destroyed;
    if (ending.reason == SessionEnd::kEvicted) ++ns.counters.evicted;
    if (ending.reason == SessionEnd::kRevoked) ++ns.counters.revoked;
  }
  RemoveFromIndex(session_key, session);
  for (size_t i = 0; i < session.spent_count(); ++i)
    ended_spent.emplace_back(session.spent_key(i), ending.tombstone_until);
  ReleaseShape(session, namespaces.shapes(), *ns.names);
  ns.bytes -= entry->BlockBytes();

  if (ending.tombstone_until <= now) return sessions->Erase(session_key.ref(), entry);
  entry = sessions->Resize(session_key.ref(), entry, 0);
  entry->set_type(ValueType::kTombstone, Encoding::kPlain);
  sessions->SetDeadline(session_key.ref(), entry, ending.tombstone_until);
  ++tombstones;
}

void SessionSpace::Impl::EraseTombstone(const KeyRef& key, Entry* entry) {
  CHECK(entry->type() == ValueType::kTombstone && entry->value_size() == 0 && tombstones > 0);
  --tombstones;
  sessions->Erase(key, entry);
}

void SessionSpace::Impl::EndSpentTokens(TimeMs now) {
  for (const auto& [key, until] : ended_spent) {
    Entry* entry = sessions->Find(key.ref());
    CHECK(entry != nullptr && entry->type() == ValueType::kTombstone);
    if (until <= now) {
      sessions->Erase(key.ref(), entry);
      continue;
    }
    entry = sessions->Resize(key.ref(), entry, 0);
    sessions->SetDeadline(key.ref(), entry, until);
    ++tombstones;
  }
  ended_spent.clear();
}

void SessionSpace::FlushAll() {
  Impl& impl = *impl_;
  Impl fresh(impl.seed);
  impl.flushed.push_back({std::move(impl.sessions), std::move(impl.users),
                          std::move(impl.set_aside), impl.namespaces.Flush()});
  if (impl.capture != nullptr) impl.capture->Flushed(*impl.flushed.back().namespaces);
  impl.capture = nullptr;
  impl.sessions = std::move(fresh.sessions);
  impl.users = std::move(fresh.users);
  impl.set_aside.clear();
  impl.tombstones = 0;
  impl.walking = false;
}

bool SessionSpace::Impl::SweepSetAside(TimeMs now, size_t& budget) {
  while (!set_aside.empty()) {
    SetAside& aside = set_aside.front();
    for (; aside.sessions->size() > 0; --budget) {
      if (budget == 0) return false;
      const SessionKey key = aside.sessions->TakeAny();
      Entry* const entry = sessions->Find(key.ref());
      if (entry == nullptr || entry->type() != ValueType::kSession) continue;
      if (const auto ending = EndOf(*entry, View(*entry), now))
        Bury(key.ref(), entry, *ending, now);
    }
    if (aside.serial != 0) {
      auto& marks = namespaces.At(aside.ns).user_marks;
      const auto it = marks.find(aside.user);
      CHECK(it != marks.end());
      std::erase_if(it->second,
                    [&](const SessionMark& mark) { return mark.serial == aside.serial; });
      if (it->second.empty()) marks.erase(it);
    }
    set_aside.pop_front();
  }
  return true;
}

bool SessionSpace::Impl::SweepMarked(TimeMs now, size_t& budget) {
  std::vector<SessionKey> ended;
  while (walking) {
    if (budget == 0) return false;
    --budget;
    ended.clear();
    walk_cursor = sessions->Scan(walk_cursor, [&](const Entry& entry) {
      if (entry.type() == ValueType::kSession && EndOf(entry, View(entry), now))
        ended.push_back(SessionKey::FromBytes(entry.key()));
    });
    for (const SessionKey& key : ended) {
      Entry* const entry = Live(key);
      Bury(key.ref(), entry, *EndOf(*entry, View(*entry), now), now);
    }
    budget -= std::min(budget, ended.size());
    if (walk_cursor != 0) continue;
    walking = false;
    namespaces.ForEach([&](Namespace& ns) {
      std::erase_if(ns.marks, [&](const auto& mark) { return mark.serial <= walk_serial; });
      if (!ns.marks.empty()) walking = true;
    });
    walk_serial = serial;
  }
  return true;
}

bool SessionSpace::Impl::SweepFlushed(size_t& budget) {
  // What a capture has still to read waits; at most one does.
  while (!flushed.empty()) {
    const auto at = flushed.begin() + (flushed.front().captured() ? 1 : 0);
    if (at == flushed.end()) return true;
    if (budget == 0) return false;
    Flushed& old = *at;
    const size_t slice = budget;
    budget = 0;
    if (!old.sessions->Drain(slice, [](Entry*) {})) return false;
    const bool drained = old.users->Drain(slice, [&](std::unique_ptr<ManySessions> many) {
      old.set_aside.push_back({0, {}, 0, std::move(many)});
    });
    if (!drained) return false;
    for (size_t left = slice; !old.set_aside.empty(); --left) {
      if (left == 0) return false;
      if (old.set_aside.front().sessions->size() == 0)
        old.set_aside.pop_front();
      else
        (void)old.set_aside.front().sessions->TakeAny();
    }
    flushed.erase(at);
  }
  return true;
}

void SessionSpace::PackStill() {
  impl_->sessions->PackStill();
  impl_->users->PackStill();
}

bool SessionSpace::Sweep(TimeMs now, size_t budget) {
  Impl& impl = *impl_;
  const bool fired = impl.sessions->FireDue(now, budget, [&](const KeyRef& key, Entry* entry) {
    if (entry->type() == ValueType::kTombstone) return impl.EraseTombstone(key, entry);
    const auto ending = impl.EndOf(*entry, impl.View(*entry), now);
    CHECK(ending.has_value());
    impl.Bury(key, entry, *ending, now);
  });
  impl.EndSpentTokens(now);
  if (fired) impl.namespaces.ForgetPastTombstones(now);
  const bool unmarked = impl.users->Sweep(now, budget);
  size_t left = budget;
  const bool done =
      impl.SweepSetAside(now, left) && impl.SweepMarked(now, left) && impl.SweepFlushed(left);
  impl.EndSpentTokens(now);
  if (!fired || !unmarked || !done) return false;
  const bool packed_sessions = impl.sessions->Compact(budget);
  const bool packed_users = impl.users->Compact(budget);
  return packed_sessions && packed_users;
}

}  // namespace cloakroom
