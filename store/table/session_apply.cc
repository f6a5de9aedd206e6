#include <algorithm>
#include <cstring>

#include "store/base/check.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {

// Ops are made by the handlers against this very state, on the primary, at the record's time. So
// what they name is there: a replica that finds otherwise has diverged and must stop.
void SessionSpace::Apply(const RecordHeader& header, const Op& op) {
  Impl& impl = *impl_;
  if (op.kind == kOpSessionSlide) {
    SessionSlideOp slide;
    CHECK(Decode(op, slide));
    impl.Slide(slide);
  } else if (op.kind == kOpSessionPut) {
    SessionPutOp put;
    CHECK(Decode(op, put, impl.words));
    impl.Put(header, put);
  } else if (op.kind == kOpSessionMerge) {
    SessionMergeOp merge;
    CHECK(Decode(op, merge, impl.words));
    impl.Merge(merge);
  } else if (op.kind == kOpSessionEnd) {
    SessionEndOp end;
    CHECK(Decode(op, end));
    Entry* const entry = impl.Live(end.key);
    impl.Bury(end.key.ref(), entry, {end.reason, end.tombstone_until}, header.time_ms);
  } else if (op.kind == kOpSessionRotate) {
    SessionRotateOp rotate;
    CHECK(Decode(op, rotate));
    impl.Rotate(header, rotate);
  } else if (op.kind == kOpSessionMarkUser) {
    SessionMarkUserOp mark;
    CHECK(Decode(op, mark));
    impl.MarkUser(header, mark);
  } else if (op.kind == kOpSessionTrimUser) {
    SessionTrimUserOp trim;
    CHECK(Decode(op, trim));
    impl.TrimUser(header, trim);
  } else if (op.kind == kOpSessionMarkNamespace) {
    SessionMarkNamespaceOp mark;
    CHECK(Decode(op, mark));
    impl.MarkNamespace(header, mark);
  } else {
    SessionPolicyOp policy;
    CHECK(op.kind == kOpSessionPolicy && Decode(op, policy));
    impl.namespaces.SetPolicy(policy.ns, policy.policy, header.time_ms);
  }
  impl.EndSpentTokens(header.time_ms);
}

Entry* SessionSpace::Impl::Live(const SessionKey& key) const {
  Entry* const entry = sessions->Find(key.ref());
  CHECK(entry != nullptr && entry->type() == ValueType::kSession);
  return entry;
}

Entry* SessionSpace::Impl::ClearPlace(const SessionKey& key, TimeMs now) {
  Entry* entry = sessions->Find(key.ref());
  if (entry == nullptr) return nullptr;
  SessionKey session = key;
  if (entry->type() == ValueType::kTombstone && entry->value_size() > 0) {
    session = SpentToken::Read(*entry).session;
    entry = Live(session);
  }
  if (entry->type() == ValueType::kSession) {
    const auto ending = EndOf(*entry, View(*entry), now);
    if (!ending) {
      CHECK(session == key);
      return entry;
    }
    Bury(session.ref(), entry, *ending, now);
    EndSpentTokens(now);
  }
  if ((entry = sessions->Find(key.ref())) != nullptr) EraseTombstone(key.ref(), entry);
  return nullptr;
}

Entry* SessionSpace::Impl::Store(const SessionKey& key, Entry* entry) {
  Namespace& ns = namespaces.At(draft.head.ns);
  if (entry != nullptr) sessions->WillChange(key.ref());  // its shape may go with the draft
  value.clear();
  draft.Encode(namespaces.shapes(), *ns.names, value);
  if (entry == nullptr) {
    entry = sessions->Insert(key.ref(), ValueType::kSession, Encoding::kPlain, value.size());
  } else {
    ns.bytes -= entry->BlockBytes();
    entry = sessions->Resize(key.ref(), entry, value.size());
  }
  std::memcpy(entry->value_data(), value.data(), value.size());
  ns.bytes += entry->BlockBytes();
  sessions->SetDeadline(key.ref(), entry, draft.head.deadline());
  return entry;
}

bool SessionSpace::Impl::AddToIndex(const SessionKey& key, Entry* entry) {
  const SessionView session = View(*entry);
  if (session.anonymous()) return true;
  const Namespace& ns = namespaces.At(session.ns);
  if (users->Find(ns.id, session.user).many != nullptr && UserOf(ns, session.user).many == nullptr)
    set_aside.push_back({ns.id, std::string(session.user), 0, users->Detach(ns.id, session.user)});

  const bool ordered = users->Find(ns.id, session.user).many != nullptr;
  StoreOrdered(*entry, ordered);
  if (ordered)
    return users->AddOrdered(ns.id, session.user,
                             {session.seen, session.serial, session.handle(), key});
  return users->AddFew(ns.id, session.user, key) <= UserIndex::kFewMax ||
         OrderMany(ns, session.user);
}

bool SessionSpace::Impl::OrderMany(const Namespace& ns, std::string_view user) {
  std::vector<UserSession> living;
  std::vector<SessionKey> covered;
  ForEachFew(ns, user, [&](const Entry&, const SessionView& session) {
    const SessionKey key = SessionKey::FromBytes(session.key);
    if (Covered(session))
      covered.push_back(key);
    else
      living.push_back({session.seen, session.serial, session.handle(), key});
  });
  if (living.size() <= UserIndex::kFewMax) return true;
  // What a mark covers is of no use in the order. It is told as if a mark had set it aside.
  for (const UserSession& session : living) covered.push_back(session.key);
  for (const SessionKey& key : covered) {
    users->RemoveFew(ns.id, user, key);
    StoreOrdered(*Live(key), true);
  }
  return users->Order(ns.id, user, living, serial);
}

void SessionSpace::Impl::RemoveFromIndex(const SessionKey& key, const SessionView& session) {
  if (session.anonymous()) return;
  if ((session.flags & SessionView::kOrdered) == 0)
    return users->RemoveFew(session.ns, session.user, key);
  if (!users->RemoveOrdered(session.ns, session.user, key, session.handle())) return;
  for (const SessionKey& other : users->Unorder(session.ns, session.user))
    StoreOrdered(*Live(other), false);
}

void SessionSpace::Impl::Put(const RecordHeader& header, const SessionPutOp& op) {
  Namespace& ns = namespaces.Make(op.ns);
  Entry* entry = ClearPlace(op.key, header.time_ms);
  draft.Clear();
  SessionView old;
  if (entry != nullptr) {
    old = View(*entry);
    CHECK(old.ns == ns.id);
    draft.Load(old, *ns.names);
  } else {
    draft.head.ns = ns.id;
    ++ns.live;
    ++ns.counters.created;
  }
  const auto change = entry == nullptr ? SessionChange::kCreated : SessionChange::kSet;
  const bool new_owner = entry == nullptr || old.user != op.user;
  if (new_owner) {
    if (entry != nullptr) {
      CHECK(old.anonymous());  // from one user to another there is no way
      --ns.anonymous;
    }
    if (op.user.empty()) ++ns.anonymous;
    draft.head.serial = ++serial;  // marks that the owner had before do not cover it
  }
  SessionView& head = draft.head;
  head.flags = static_cast<uint8_t>((head.flags & ~SessionView::kByPut) |
                                    (op.by_put ? SessionView::kByPut : 0));
  head.user = op.user;
  draft.own_handle.reset();
  if (op.handle != DerivedHandle(op.key)) draft.own_handle = op.handle;
  head.created = op.created;
  head.seen = op.seen;
  head.auth_at = op.auth_at;
  head.abs_start = op.abs_start;
  head.idle_ms = op.idle_ms;
  head.abs_ms = op.abs_ms;
  head.version = op.version;
  if (op.has_meta) {
    draft.meta.Clear();
    for (size_t i = 0; i < op.meta.size(); i += 2) draft.meta.Set(op.meta[i], op.meta[i + 1]);
  }
  if (op.has_fields) {
    for (SessionItem& item : draft.fields.all())
      if (!item.deleted) SessionItems::Delete(item, op.version);
    for (size_t i = 0; i < op.fields.size(); i += 2)
      draft.fields.Set(op.fields[i], op.fields[i + 1], op.version);
    draft.ForgetDeletions();
  }
  const bool slid = entry != nullptr && !new_owner && old.seen != op.seen &&
                    (old.flags & SessionView::kOrdered) != 0;
  entry = Store(op.key, entry);
  if (new_owner) CHECK(AddToIndex(op.key, entry));
  if (slid) users->Moved(ns.id, op.user, op.handle, op.seen);
  if (observer != nullptr) [[unlikely]]
    Tell(View(*entry), change);
}

void SessionSpace::Impl::Slide(const SessionSlideOp& op) {
  Entry* const entry = Live(op.key);
  const SessionView session = View(*entry);
  if ((session.flags & SessionView::kOrdered) != 0)
    users->Moved(session.ns, session.user, session.handle(), op.seen);
  const TimeMs deadline = op.seen + op.idle_ms;
  if (op.idle_ms == session.idle_ms && deadline <= session.abs() &&
      (session.flags & SessionView::kSeen) == 0) [[likely]] {
    sessions->SetDeadline(op.key.ref(), entry, deadline);
    return;
  }
  draft.Load(session, *namespaces.At(session.ns).names);
  draft.head.seen = op.seen;
  draft.head.idle_ms = op.idle_ms;
  Store(op.key, entry);
}

void SessionSpace::Impl::Merge(const SessionMergeOp& op) {
  Entry* const entry = Live(op.key);
  const SessionView session = View(*entry);
  draft.Load(session, *namespaces.At(session.ns).names);
  draft.head.version = op.version;
  Tell(session, SessionChange::kSet);
  for (const std::string_view name : op.deleted) {
    SessionItem* const item = draft.fields.Find(name);
    if (item != nullptr && !item->deleted) SessionItems::Delete(*item, op.version);
  }
  for (size_t i = 0; i < op.meta.size(); i += 2) draft.meta.Set(op.meta[i], op.meta[i + 1]);
  for (size_t i = 0; i < op.fields.size(); i += 2)
    draft.fields.Set(op.fields[i], op.fields[i + 1], op.version);
  if (!op.deleted.empty()) draft.ForgetDeletions();
  Store(op.key, entry);
}

void SessionSpace::Impl::Rotate(const RecordHeader& header, const SessionRotateOp& op) {
  sessions->WillChange(op.key.ref());  // with its spent tokens
  Entry* old_entry = Live(op.key);
  const SessionView old = View(*old_entry);
  Namespace& ns = namespaces.At(old.ns);
  CHECK(ClearPlace(op.next, header.time_ms) == nullptr);
  Tell(old, SessionChange::kRotated);

  // The spent tokens follow the session, and none outlives the grace of the newest: what must not
  // use the session after this rotation must not use it by an older token either.
  draft.Load(old, *ns.names);
  if (old.spent_count() >= SpentToken::kMax) {
    const SessionKey oldest = old.spent_key(0);
    const Entry* const entry = sessions->Find(oldest.ref());
    CHECK(entry != nullptr);
    ended_spent.emplace_back(oldest, SpentToken::Read(*entry).rotated_at + op.tombstone_ms);
    draft.spent.erase(0, SessionKey::kBytes);
  }
  for (size_t at = 0; at < draft.spent.size(); at += SessionKey::kBytes) {
    Entry* const entry =
        sessions->Find(SessionKey::FromBytes(std::string_view(draft.spent).substr(at)).ref());
    CHECK(entry != nullptr);
    SpentToken spent = SpentToken::Read(*entry);
    spent.session = op.next;
    spent.grace_until = std::min(spent.grace_until, op.grace_until);
    spent.Write(*entry);
  }
  draft.spent += op.key.view();
  draft.own_handle = old.handle();

  SessionView& head = draft.head;
  if (old.user != op.user) {
    CHECK(old.anonymous());
    --ns.anonymous;
    head.serial = ++serial;
  }
  head.flags = static_cast<uint8_t>(head.flags & ~SessionView::kByPut);  // the new token is ours
  head.user = op.user;
  head.seen = op.seen;
  head.auth_at = op.auth_at;
  head.abs_start = op.abs_start;
  head.idle_ms = op.idle_ms;
  head.abs_ms = op.abs_ms;
  head.version = op.version;
  RemoveFromIndex(op.key, old);
  Entry* const next = Store(op.next, nullptr);
  CHECK(AddToIndex(op.next, next));

  // The shape's use went over with the draft.
  old_entry = Live(op.key);
  ns.bytes -= old_entry->BlockBytes();
  old_entry = sessions->Resize(op.key.ref(), old_entry, SpentToken::kBytes);
  old_entry->set_type(ValueType::kTombstone, Encoding::kPlain);
  SpentToken{op.next, op.nonce, op.grace_until, header.time_ms}.Write(*old_entry);
  sessions->SetDeadline(op.key.ref(), old_entry, kNoDeadline);
}

}  // namespace cloakroom
