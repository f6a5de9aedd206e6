#include "store/table/session_capture.h"

#include <array>
#include <utility>

#include "store/base/check.h"
#include "store/base/planted.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {

SessionCapture::SessionCapture(SessionSpace& space, TimeMs time, CaptureSink& sink)
    : space_(space),
      time_(time),
      serial_(space.impl_->serial),
      sink_(sink),
      namespaces_(&space.impl_->namespaces),
      table_(space.impl_->sessions.get()),
      expected_(table_->size()),
      session_sink_(*this),
      user_sink_(*this) {
  sink.OnSerial(serial_);
  namespaces_->ForEach([&](const Namespace& ns) {
    sink.OnNamespace(ns.id, ns.name, ns.policy ? &*ns.policy : nullptr);
  });
  sessions_ = std::make_unique<TableCapture>(*space.impl_->sessions, session_sink_);
  users_ = space.impl_->users->Capture(user_sink_);
  space.impl_->capture = this;
}

SessionCapture::~SessionCapture() {
  if (space_.impl_->capture == this) space_.impl_->capture = nullptr;
}

bool SessionCapture::Step(size_t& budget) {
  if (users_ != nullptr && users_->Step(budget)) users_.reset();
  if (users_ == nullptr && sessions_ != nullptr && sessions_->Step(budget)) sessions_.reset();
  return sessions_ == nullptr;
}

void SessionCapture::TakeEntry(const Entry& entry) {
  const SessionKey key = SessionKey::FromBytes(entry.key());
  if (entry.type() == ValueType::kTombstone) {
    const bool spent = entry.value_size() > 0;
    if (!spent && entry.LiveAt(time_)) sink_.OnTombstone(key, entry.deadline());
    return;
  }
  const SessionView view = ViewSession(entry, namespaces_->shapes());
  if (const auto ending = EndingOf(*namespaces_, entry, view, time_, serial_)) {
    if (ending->tombstone_until <= time_ || Planted(Plant::kTombstoneLost)) return;
    sink_.OnTombstone(key, ending->tombstone_until);
    for (size_t i = 0; i < view.spent_count(); ++i)
      sink_.OnTombstone(view.spent_key(i), ending->tombstone_until);
    return;
  }
  std::array<SpentToken, SpentToken::kMax> spent;
  CHECK(view.spent_count() <= spent.size());
  for (size_t i = 0; i < view.spent_count(); ++i) {
    const Entry* const token = table_->Find(view.spent_key(i).ref());
    // Invariant: a spent token stands as it did as long as its session has not been told of.
    CHECK(token != nullptr && token->value_size() == SpentToken::kBytes);
    spent[i] = SpentToken::Read(*token);
  }
  sink_.OnSession({entry.value(), entry.deadline(), view, *namespaces_->At(view.ns).names,
                   std::span(spent).first(view.spent_count())});
}

void SessionCapture::TakeUser(const Entry& entry) {
  const UserIndex::UserMark mark = UserIndex::ReadMark(entry);
  if (mark.marked_at != 0 && entry.LiveAt(time_))
    sink_.OnUserMark(mark.ns, mark.user, mark.marked_at, mark.mark_until);
}

}  // namespace cloakroom
