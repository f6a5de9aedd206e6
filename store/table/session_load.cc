#include "store/table/session_load.h"

#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/table/session_space_impl.h"

namespace cloakroom {
namespace {

// More namespaces than an image could name; so an id cannot ask for more memory than this.
constexpr uint32_t kNamespaceIdMax = 1 << 22;

bool IsTime(uint64_t ms) { return ms <= static_cast<uint64_t>(kDeadlineMax); }

}  // namespace

SessionLoader::~SessionLoader() {
  for (const Loaded& shape : shapes_) Release(shape);
}

void SessionLoader::SetSerial(uint64_t serial) { space_.impl_->serial = serial; }

Result<void> SessionLoader::AddNamespace(uint32_t id, std::string_view name,
                                         const SessionPolicy* policy) {
  if (id > kNamespaceIdMax) return Fail(Code::kDamaged, "a namespace has the number {}", id);
  if (id >= namespaces_.size()) namespaces_.resize(id + size_t{1});
  if (namespaces_[id] != 0) return Fail(Code::kDamaged, "two namespaces have the number {}", id);
  Namespace& ns = space_.impl_->namespaces.Make(name);
  if (!named_.insert(ns.id).second) return Fail(Code::kDamaged, "a namespace comes twice");
  namespaces_[id] = ns.id + 1;
  if (policy != nullptr) ns.policy = *policy;
  return {};
}

Result<uint32_t> SessionLoader::FindNamespace(uint32_t id) const {
  if (id >= namespaces_.size() || namespaces_[id] == 0)
    return Fail(Code::kDamaged, "there is no namespace with the number {}", id);
  return namespaces_[id] - 1;
}

Result<void> SessionLoader::AddShape(const Shape& shape) {
  SessionSpace::Impl& space = *space_.impl_;
  TRY(const uint32_t ns, FindNamespace(shape.ns));
  if (!IsTime(shape.idle_ms) || !IsTime(shape.abs_ms) || shape.meta_count > shape.names.size())
    return Fail(Code::kDamaged, "the lifetimes or numbers of a shape make no sense");
  FieldNames& names = *space.namespaces.At(ns).names;
  SessionShape whole;
  whole.ns = ns;
  whole.idle_ms = static_cast<TimeMs>(shape.idle_ms);
  whole.abs_ms = static_cast<TimeMs>(shape.abs_ms);
  whole.meta_count = shape.meta_count;
  whole.field_count = static_cast<uint32_t>(shape.names.size()) - shape.meta_count;
  Loaded loaded{ns, 0, {}, whole.meta_count, whole.field_count};
  whole.AppendHead(loaded.description);
  for (const std::string_view name : shape.names) names.Append(loaded.description, name);
  loaded.id = space.namespaces.shapes().Use(loaded.description, names);
  if (loaded.id != 0) loaded.description.clear();
  shapes_.push_back(std::move(loaded));
  return {};
}

void SessionLoader::DropShape() {
  Release(shapes_.back());
  shapes_.pop_back();
}

void SessionLoader::Release(const Loaded& shape) {
  Namespaces& namespaces = space_.impl_->namespaces;
  FieldNames& names = *namespaces.At(shape.ns).names;
  if (shape.id != 0)
    namespaces.shapes().Release(shape.id, names);
  else
    ReleaseNames(SessionShape::Read(shape.description), names);
}

/// Counts one use of what goes into a session.
void SessionLoader::AppendShape(const Loaded& shape) {
  Namespaces& namespaces = space_.impl_->namespaces;
  AppendVarint(value_, shape.id);
  if (shape.id != 0) return namespaces.shapes().UseAgain(shape.id);
  FieldNames& names = *namespaces.At(shape.ns).names;
  const SessionShape whole = SessionShape::Read(shape.description);
  std::string again;
  const char* at = whole.names;
  for (uint32_t left = shape.meta_count + shape.field_count; left > 0; --left)
    names.Append(again, names.Read(at));
}

Result<void> SessionLoader::CheckPlace(const SessionKey& key) const {
  if (key.slot() >= kSlotCount) return Fail(Code::kDamaged, "a token has the slot {}", key.slot());
  if (space_.impl_->sessions->Find(key.ref()) != nullptr)
    return Fail(Code::kDamaged, "a token comes twice");
  return {};
}

Result<void> SessionLoader::Add(const Session& session) {
  SessionSpace::Impl& space = *space_.impl_;
  if (session.shape == 0 || session.shape > shapes_.size())
    return Fail(Code::kDamaged, "there is no shape with the number {}", session.shape);
  const Loaded& shape = shapes_[session.shape - 1];
  const auto flags = static_cast<uint8_t>(session.flags & ~SessionView::kOrdered);
  const auto body = CheckSessionBody(flags, session.body, shape.meta_count, shape.field_count);
  if (!body) return Fail(Code::kDamaged, "the bytes of a session are not well formed");
  if (session.deadline <= time_ || session.deadline > kDeadlineMax)
    return Fail(Code::kDamaged, "a session ends at {}", session.deadline);
  if (body->serial == 0 || body->serial > space.serial)
    return Fail(Code::kDamaged, "a session has the serial {} of {}", body->serial, space.serial);
  if (body->spent.size() != session.spent.size() * SessionKey::kBytes)
    return Fail(Code::kDamaged, "a session lacks some of its spent tokens");
  TRY_VOID(CheckPlace(session.key));

  value_.clear();
  value_ += static_cast<char>(flags);
  AppendShape(shape);
  value_ += session.body.substr(0, body->options_at);
  if (shape.id == 0) AppendSized(value_, shape.description);
  value_ += session.body.substr(body->options_at);
  const KeyRef ref = session.key.ref();
  Entry* entry = space.sessions->Insert(ref, ValueType::kSession, Encoding::kPlain, value_.size());
  std::memcpy(entry->value_data(), value_.data(), value_.size());
  space.sessions->SetDeadline(ref, entry, session.deadline);
  Namespace& ns = space.namespaces.At(shape.ns);
  ns.bytes += entry->BlockBytes();
  ++ns.live;
  if (body->user.empty()) ++ns.anonymous;
  if (!session.spent.empty()) {
    TRY_VOID(AddSpent(session, body->spent));
    entry = space.Live(session.key);
  }
  if (!space.AddToIndex(session.key, entry))
    return Fail(Code::kDamaged, "two sessions of a user have one handle or serial");
  return {};
}

Result<void> SessionLoader::AddSpent(const Session& session, std::string_view keys) {
  Table& sessions = *space_.impl_->sessions;
  for (const SpentToken& given : session.spent) {
    const SessionKey key = SessionKey::FromBytes(keys);
    keys.remove_prefix(SessionKey::kBytes);
    TRY_VOID(CheckPlace(key));
    if (given.grace_until < 0 || given.grace_until > kDeadlineMax || given.rotated_at < 0 ||
        given.rotated_at > kDeadlineMax)
      return Fail(Code::kDamaged, "a spent token has a time that is none");
    SpentToken spent = given;
    spent.session = session.key;
    spent.Write(
        *sessions.Insert(key.ref(), ValueType::kTombstone, Encoding::kPlain, SpentToken::kBytes));
  }
  return {};
}

Result<void> SessionLoader::AddTombstone(const SessionKey& key, TimeMs until) {
  if (until <= time_ || until > kDeadlineMax)
    return Fail(Code::kDamaged, "a tombstone stands until {}", until);
  TRY_VOID(CheckPlace(key));
  Table& sessions = *space_.impl_->sessions;
  Entry* const entry = sessions.Insert(key.ref(), ValueType::kTombstone, Encoding::kPlain, 0);
  sessions.SetDeadline(key.ref(), entry, until);
  ++space_.impl_->tombstones;
  return {};
}

Result<void> SessionLoader::AddUserMark(uint32_t ns, std::string_view user, TimeMs at,
                                        TimeMs until) {
  TRY(const uint32_t id, FindNamespace(ns));
  if (at <= 0 || at > kDeadlineMax || until <= time_ || until > kDeadlineMax)
    return Fail(Code::kDamaged, "a user's sessions were revoked at {}, until {}", at, until);
  if (space_.impl_->users->Find(id, user).marked_at != 0)
    return Fail(Code::kDamaged, "a user's sessions were revoked twice");
  space_.impl_->users->Mark(id, user, at, until);
  return {};
}

}  // namespace cloakroom
