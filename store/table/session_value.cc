#include "store/table/session_value.h"

#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/table/session_text.h"
#include "store/table/spent_token.h"

namespace cloakroom {
namespace {

constexpr size_t kU40 = 5;
constexpr size_t kU48 = 6;
constexpr uint64_t kU40Mask = (uint64_t{1} << 40) - 1;

/// Reads front to back what SessionDraft::Encode wrote; nothing needs checking twice.
class Cursor {
 public:
  explicit Cursor(const char* at) : at_(at) {}
  uint64_t Varint() {
    uint64_t value = 0;
    at_ = GetVarint(at_, at_ + kVarintBytesMax, &value);
    DCHECK(at_ != nullptr);
    return value;
  }
  uint64_t Bits(size_t bytes) {
    uint64_t value = 0;
    std::memcpy(&value, at_, bytes);
    at_ += bytes;
    return value;
  }
  TimeMs Time() { return static_cast<TimeMs>(Bits(kU48)); }
  std::string_view Bytes(uint64_t size) {
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  const char*& at() { return at_; }

 private:
  const char* at_;
};

/// How far a walk over the items has come.
struct Place {
  const char* name;
  const char* value;
};

/// Unpacks the value into `buffer`, when there is one.
SessionItem NextItem(Place& place, const FieldNames& names, bool versions, SessionText* buffer) {
  SessionItem item;
  const char* const name = place.name;
  item.name = names.Read(place.name);
  item.stored_name = {name, static_cast<size_t>(place.name - name)};
  item.version = 1;
  if (versions) {
    uint64_t version = 0;
    place.value = GetVarint(place.value, place.value + kVarintBytesMax, &version);
    item.version = static_cast<uint32_t>(version);
  }
  const StoredText stored(place.value);
  item.stored_value = stored.bytes();
  item.deleted = stored.deleted();
  if (buffer != nullptr) item.value = stored.Text(*buffer);
  place.value += item.stored_value.size();
  return item;
}

void WalkMeta(const SessionView& session, const FieldNames& names, SessionText* buffer,
              FunctionRef<void(const SessionItem&)> visit) {
  Place place{session.names, session.values};
  for (uint32_t left = session.meta_count; left > 0; --left)
    visit(NextItem(place, names, false, buffer));
}

void WalkFields(const SessionView& session, const FieldNames& names, SessionText* buffer,
                FunctionRef<void(const SessionItem&)> visit) {
  Place place{session.names, session.values};
  for (uint32_t left = session.meta_count; left > 0; --left) {
    FieldNames::Skip(place.name);
    place.value += StoredText(place.value).bytes().size();
  }
  const bool versions = (session.flags & SessionView::kVersions) != 0;
  for (uint32_t left = session.field_count; left > 0; --left)
    visit(NextItem(place, names, versions, buffer));
}

}  // namespace

SessionHandle SessionView::handle() const {
  if (own_handle != nullptr) return SessionHandle::FromBytes({own_handle, SessionHandle::kBytes});
  return DerivedHandle(SessionKey::FromBytes(key));
}

SessionView ViewSession(const Entry& entry, const SessionShapes& shapes) {
  DCHECK(entry.type() == ValueType::kSession);
  const TimeMs deadline = entry.deadline();
  SessionView session;
  session.key = entry.key();
  Cursor in(session.key.end());
  const auto flags = static_cast<uint8_t>(in.Bits(1));
  session.flags = flags;
  session.shape = static_cast<uint32_t>(in.Varint());
  session.version = static_cast<uint32_t>(in.Varint());
  session.serial = in.Varint();
  session.created =
      deadline - static_cast<TimeMs>((static_cast<uint64_t>(deadline) - in.Bits(kU40)) & kU40Mask);
  session.user = in.Bytes(in.Varint());

  const auto fill = [&session](const SessionShape& shape) {
    session.ns = shape.ns;
    session.idle_ms = shape.idle_ms;
    session.abs_ms = shape.abs_ms;
    session.meta_count = shape.meta_count;
    session.field_count = shape.field_count;
    session.names = shape.names;
    session.description = shape.description;
    session.shape_number = shape.number;
  };
  if (session.shape != 0) [[likely]]
    fill(shapes.At(session.shape));
  else
    fill(SessionShape::Read(in.Bytes(in.Varint())));

  if ((flags & SessionView::kHandle) != 0)
    session.own_handle = in.Bytes(SessionHandle::kBytes).data();
  session.seen = (flags & SessionView::kSeen) != 0 ? in.Time() : deadline - session.idle_ms;
  session.abs_start = (flags & SessionView::kAbsStart) != 0 ? in.Time() : session.created;
  session.auth_at = session.anonymous() ? 0 : session.abs_start;
  if ((flags & SessionView::kAuthAt) != 0) session.auth_at = in.Time();
  if ((flags & SessionView::kSpent) != 0) session.spent = in.Bytes(in.Bits(1) * SessionKey::kBytes);
  if ((flags & SessionView::kVersions) != 0) session.forgotten = static_cast<uint32_t>(in.Varint());
  session.values = in.at();
  return session;
}

std::optional<SessionBody> CheckSessionBody(uint8_t flags, std::string_view body,
                                            uint32_t meta_count, uint32_t field_count) {
  const auto has = [flags](uint8_t flag) { return (flags & flag) != 0; };
  SessionBody out;
  ByteReader in(body);
  bool holds = in.Varint() <= UINT32_MAX;  // the version
  out.serial = in.Varint();
  (void)in.Bytes(kU40);
  out.user = in.Sized();
  out.options_at = static_cast<size_t>(in.at() - body.data());
  if (has(SessionView::kHandle)) (void)in.Bytes(SessionHandle::kBytes);
  for (const uint8_t flag : {SessionView::kSeen, SessionView::kAbsStart, SessionView::kAuthAt})
    if (has(flag)) (void)in.Bytes(kU48);
  if (has(SessionView::kSpent)) {
    const auto count = in.Int<uint8_t>();
    holds = holds && count > 0 && count <= SpentToken::kMax;
    out.spent = in.Bytes(count * SessionKey::kBytes);
  }
  if (has(SessionView::kVersions)) holds = holds && in.Varint() <= UINT32_MAX;
  for (uint64_t left = uint64_t{meta_count} + field_count; left > 0 && in.ok(); --left) {
    const bool is_field = left <= field_count;
    if (is_field && has(SessionView::kVersions)) holds = holds && in.Varint() <= UINT32_MAX;
    const size_t size = StoredText::CheckedSize(in.at(), in.at() + in.left());
    if (size == 0) return std::nullopt;
    const bool may_be_gone = is_field && has(SessionView::kVersions);
    if (StoredText(in.at()).deleted() && !may_be_gone) return std::nullopt;
    (void)in.Bytes(size);
  }
  if (!holds || !in.ok() || in.left() > 0) return std::nullopt;
  return out;
}

void StoreOrdered(Entry& entry, bool ordered) {
  char& flags = *entry.value_data();
  flags =
      static_cast<char>(ordered ? flags | SessionView::kOrdered : flags & ~SessionView::kOrdered);
}

size_t SessionItem::Bytes() const {
  if (deleted) return 0;
  return name.size() +
         (stored_value.empty() ? value.size() : StoredText(stored_value.data()).TextSize());
}

uint64_t ItemBytesBound(const SessionView& session, const Entry& entry) {
  // A name stands in the dictionary, or else as it is in the shape's description.
  const uint64_t count = uint64_t{session.meta_count} + session.field_count;
  return entry.value_size() * kTextPerStoredMax + count * FieldNames::kNameBytesMax +
         session.description.size();
}

void ForEachStoredMeta(const SessionView& session, const FieldNames& names,
                       FunctionRef<void(const SessionItem&)> visit) {
  WalkMeta(session, names, nullptr, visit);
}

void ForEachStoredField(const SessionView& session, const FieldNames& names,
                        FunctionRef<void(const SessionItem&)> visit) {
  WalkFields(session, names, nullptr, visit);
}

void ForEachMeta(const SessionView& session, const FieldNames& names,
                 FunctionRef<void(const SessionItem&)> visit) {
  SessionText buffer;
  WalkMeta(session, names, &buffer, visit);
}

void ForEachField(const SessionView& session, const FieldNames& names,
                  FunctionRef<void(const SessionItem&)> visit) {
  SessionText buffer;
  WalkFields(session, names, &buffer, visit);
}

void ReleaseShape(const SessionView& session, SessionShapes& shapes, FieldNames& names) {
  if (session.shape != 0)
    shapes.Release(session.shape, names);
  else
    ReleaseNames(SessionShape::Read(session.description), names);
}

}  // namespace cloakroom
