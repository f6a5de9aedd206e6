#include "store/table/session_value.h"

#include <algorithm>
#include <cstring>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

constexpr size_t kU40 = 5;
constexpr size_t kU48 = 6;
constexpr size_t kDeletedNameBytesMax = 4096;

TimeMs LoadTime(const char* at, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, at, size);
  return static_cast<TimeMs>(value);
}

void StoreTime(char* at, TimeMs time, size_t size) {
  DCHECK(time >= 0 && time < TimeMs{1} << (8 * size));
  std::memcpy(at, &time, size);
}

void AppendTime(std::string& out, TimeMs time, size_t size) {
  DCHECK(time >= 0 && time < TimeMs{1} << (8 * size));
  out.append(reinterpret_cast<const char*>(&time), size);
}

/// Reads front to back what Encode wrote; nothing needs checking twice.
class Cursor {
 public:
  explicit Cursor(const char* at) : at_(at) {}
  uint64_t Varint() {
    uint64_t value = 0;
    at_ = GetVarint(at_, at_ + kVarintBytesMax, &value);
    DCHECK(at_ != nullptr);
    return value;
  }
  TimeMs Time(size_t size) {
    const TimeMs time = LoadTime(at_, size);
    at_ += size;
    return time;
  }
  template <typename T>
  T Int() {
    const T value = LoadInt<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  std::string_view Bytes(uint64_t size) {
    const std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }
  const char*& at() { return at_; }

 private:
  const char* at_;
};

}  // namespace

SessionView ViewSession(const Entry& entry) {
  DCHECK(entry.type() == ValueType::kSession);
  const std::string_view value = entry.value();
  Cursor in(value.data());
  SessionView session;
  session.flags = in.Int<uint8_t>();
  session.version = in.Int<uint32_t>();
  session.serial = static_cast<uint64_t>(in.Time(kU48));
  session.seen = in.Time(kU48);
  session.created = in.Time(kU48);
  session.idle_ms = in.Time(kU40);
  session.abs_ms = in.Time(kU40);
  session.handle = SessionHandle::FromBytes(in.Bytes(SessionHandle::kBytes));
  session.ns = static_cast<uint32_t>(in.Varint());
  session.user = in.Bytes(in.Varint());
  session.abs_start =
      (session.flags & SessionView::kAbsStart) != 0 ? in.Time(kU48) : session.created;
  session.auth_at = (session.flags & SessionView::kAuthAt) != 0 ? in.Time(kU48) : session.created;
  if ((session.flags & SessionView::kForgotten) != 0)
    session.forgotten = static_cast<uint32_t>(in.Varint());
  if ((session.flags & SessionView::kSpent) != 0)
    session.spent = in.Bytes(size_t{in.Int<uint8_t>()} * SessionKey::kBytes);
  session.meta_count = static_cast<uint32_t>(in.Varint());
  session.meta = in.Bytes(in.Varint());
  session.field_count = static_cast<uint32_t>(in.Varint());
  session.fields = std::string_view(in.at(), static_cast<size_t>(value.end() - in.at()));
  return session;
}

void StoreSeen(Entry& entry, TimeMs seen) {
  StoreTime(entry.value_data() + SessionView::kSeenAt, seen, kU48);
}

void StoreIdle(Entry& entry, TimeMs idle_ms) {
  StoreTime(entry.value_data() + SessionView::kIdleAt, idle_ms, kU40);
}

void StoreSerial(Entry& entry, uint64_t serial) {
  StoreTime(entry.value_data() + SessionView::kSerialAt, static_cast<TimeMs>(serial), kU48);
}

void StoreOrdered(Entry& entry, bool ordered) {
  char& flags = *entry.value_data();
  flags =
      static_cast<char>(ordered ? flags | SessionView::kOrdered : flags & ~SessionView::kOrdered);
}

void ForEachMeta(const SessionView& session, const FieldNames& names,
                 FunctionRef<void(const SessionItem&)> visit) {
  Cursor in(session.meta.data());
  for (uint32_t left = session.meta_count; left > 0; --left) {
    SessionItem item;
    const char* const start = in.at();
    item.name = names.Read(in.at());
    item.stored_name = {start, static_cast<size_t>(in.at() - start)};
    item.value = in.Bytes(in.Varint());
    visit(item);
  }
}

void ForEachField(const SessionView& session, const FieldNames& names,
                  FunctionRef<void(const SessionItem&)> visit) {
  Cursor in(session.fields.data());
  for (uint32_t left = session.field_count; left > 0; --left) {
    SessionItem item;
    const char* const start = in.at();
    item.name = names.Read(in.at());
    item.stored_name = {start, static_cast<size_t>(in.at() - start)};
    item.version = static_cast<uint32_t>(in.Varint());
    const uint64_t size = in.Varint();
    item.deleted = size == 0;
    if (!item.deleted) item.value = in.Bytes(size - 1);
    visit(item);
  }
}

void SessionItems::Clear() {
  items_.clear();
  places_.clear();
}

void SessionItems::Append(const SessionItem& item) {
  items_.push_back(item);
  if (!places_.empty()) places_.emplace(item.name, items_.size() - 1);
}

SessionItem* SessionItems::Find(std::string_view name) {
  if (items_.size() < kSearched) {
    for (SessionItem& item : items_)
      if (item.name == name) return &item;
    return nullptr;
  }
  if (places_.empty())
    for (size_t i = 0; i < items_.size(); ++i) places_.emplace(items_[i].name, i);
  const auto it = places_.find(name);
  return it == places_.end() ? nullptr : &items_[it->second];
}

SessionItem& SessionItems::Upsert(std::string_view name) {
  if (SessionItem* found = Find(name)) return *found;
  SessionItem item;
  item.name = name;
  Append(item);
  return items_.back();
}

void SessionItems::RemoveIf(FunctionRef<bool(const SessionItem&)> gone) {
  std::erase_if(items_, gone);
  places_.clear();
}

uint64_t SessionItems::Bytes() const {
  uint64_t bytes = 0;
  for (const SessionItem& item : items_)
    if (!item.deleted) bytes += item.name.size() + item.value.size();
  return bytes;
}

void SessionDraft::Clear() {
  head = {};
  spent.clear();
  meta.Clear();
  fields.Clear();
}

void SessionDraft::Load(const SessionView& session, const FieldNames& names) {
  Clear();
  head = session;
  spent = session.spent;
  ForEachMeta(session, names, [this](const SessionItem& item) { meta.Append(item); });
  ForEachField(session, names, [this](const SessionItem& item) { fields.Append(item); });
}

void SessionDraft::ForgetDeletions(FieldNames& names) {
  size_t bytes = 0;
  std::vector<uint32_t> versions;
  for (const SessionItem& item : fields.all())
    if (item.deleted) {
      bytes += item.name.size() + 1;
      versions.push_back(item.version);
    }
  if (bytes <= kDeletedNameBytesMax) return;
  // Half of them at once, so that this is not done at each deletion.
  const auto middle = versions.begin() + static_cast<std::ptrdiff_t>(versions.size() / 2);
  std::nth_element(versions.begin(), middle, versions.end());
  const uint32_t newest = *middle;
  head.forgotten = std::max(head.forgotten, newest);
  fields.RemoveIf([&](const SessionItem& item) {
    if (!item.deleted || item.version > newest) return false;
    if (!item.stored_name.empty()) names.Release(item.stored_name.data());
    return true;
  });
}

void SessionDraft::Encode(FieldNames& names, std::string& out) const {
  constexpr uint8_t kKept = SessionView::kByPut | SessionView::kOrdered;
  auto flags = static_cast<uint8_t>(head.flags & kKept);
  if (head.abs_start != head.created) flags |= SessionView::kAbsStart;
  if (head.auth_at != head.created) flags |= SessionView::kAuthAt;
  if (head.forgotten != 0) flags |= SessionView::kForgotten;
  if (!spent.empty()) flags |= SessionView::kSpent;

  out += static_cast<char>(flags);
  char number[sizeof(uint32_t)];
  StoreInt(number, head.version);
  out.append(number, sizeof number);
  AppendTime(out, static_cast<TimeMs>(head.serial), kU48);
  AppendTime(out, head.seen, kU48);
  AppendTime(out, head.created, kU48);
  AppendTime(out, head.idle_ms, kU40);
  AppendTime(out, head.abs_ms, kU40);
  out += head.handle.view();
  AppendVarint(out, head.ns);
  AppendSized(out, head.user);
  if ((flags & SessionView::kAbsStart) != 0) AppendTime(out, head.abs_start, kU48);
  if ((flags & SessionView::kAuthAt) != 0) AppendTime(out, head.auth_at, kU48);
  if ((flags & SessionView::kForgotten) != 0) AppendVarint(out, head.forgotten);
  if ((flags & SessionView::kSpent) != 0) {
    out += static_cast<char>(spent.size() / SessionKey::kBytes);
    out += spent;
  }

  const auto append_name = [&](const SessionItem& item, std::string& to) {
    if (item.stored_name.empty())
      names.Append(to, item.name);
    else
      to += item.stored_name;
  };
  std::string packed;
  for (const SessionItem& item : meta.all()) {
    append_name(item, packed);
    AppendSized(packed, item.value);
  }
  AppendVarint(out, meta.all().size());
  AppendSized(out, packed);
  AppendVarint(out, fields.all().size());
  for (const SessionItem& item : fields.all()) {
    append_name(item, out);
    AppendVarint(out, item.version);
    AppendVarint(out, item.deleted ? 0 : item.value.size() + 1);
    if (!item.deleted) out += item.value;
  }
}

void ReleaseNames(const SessionView& session, FieldNames& names) {
  const auto release = [&](const SessionItem& item) { names.Release(item.stored_name.data()); };
  ForEachMeta(session, names, release);
  ForEachField(session, names, release);
}

}  // namespace cloakroom
