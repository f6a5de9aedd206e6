#include "store/table/session_draft.h"

#include <algorithm>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/table/session_text.h"

namespace cloakroom {
namespace {

constexpr size_t kU40 = 5;
constexpr size_t kU48 = 6;
constexpr size_t kDeletedNameBytesMax = 4096;

void AppendTime(std::string& out, TimeMs time, size_t size) {
  out.append(reinterpret_cast<const char*>(&time), size);
}

void AppendValue(std::string& out, const SessionItem& item) {
  if (item.deleted)
    out += static_cast<char>(kDeletedCode);
  else if (!item.stored_value.empty())
    out += item.stored_value;
  else
    AppendText(out, item.value);
}

bool AllStored(const std::vector<SessionItem>& items) {
  return std::none_of(items.begin(), items.end(),
                      [](const SessionItem& item) { return item.stored_name.empty(); });
}

}  // namespace

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

void SessionItems::Set(std::string_view name, std::string_view value, uint32_t version) {
  SessionItem* item = Find(name);
  if (item == nullptr) {
    SessionItem fresh;
    fresh.name = name;
    Append(fresh);
    item = &items_.back();
  }
  item->value = value;
  item->stored_value = {};
  item->version = version;
  item->deleted = false;
}

void SessionItems::Delete(SessionItem& item, uint32_t version) {
  item.deleted = true;
  item.version = version;
}

void SessionItems::RemoveIf(FunctionRef<bool(const SessionItem&)> gone) {
  std::erase_if(items_, gone);
  places_.clear();
}

uint64_t SessionItems::Bytes() const {
  uint64_t bytes = 0;
  for (const SessionItem& item : items_) bytes += item.Bytes();
  return bytes;
}

void SessionDraft::Clear() {
  head = {};
  own_handle.reset();
  spent.clear();
  meta.Clear();
  fields.Clear();
  loaded_.reset();
}

void SessionDraft::Load(const SessionView& session, const FieldNames& names) {
  Clear();
  head = session;
  if (session.own_handle != nullptr) own_handle = session.handle();
  spent = session.spent;
  ForEachStoredMeta(session, names, [&](const SessionItem& item) { meta.Append(item); });
  ForEachStoredField(session, names, [&](const SessionItem& item) { fields.Append(item); });
  loaded_ = session;
}

void SessionDraft::ForgetDeletions() {
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
  fields.RemoveIf([&](const SessionItem& item) { return item.deleted && item.version <= newest; });
}

// Items are only appended and removed, so as many as there were, all of them stored, are the same.
bool SessionDraft::KeepsShape() const {
  return loaded_ && head.ns == loaded_->ns && head.idle_ms == loaded_->idle_ms &&
         head.abs_ms == loaded_->abs_ms && meta.all().size() == loaded_->meta_count &&
         fields.all().size() == loaded_->field_count && AllStored(meta.all()) &&
         AllStored(fields.all());
}

bool SessionDraft::Fits(const SessionShape& shape, const FieldNames& names) const {
  if (head.ns != shape.ns || head.idle_ms != shape.idle_ms || head.abs_ms != shape.abs_ms ||
      meta.all().size() != shape.meta_count || fields.all().size() != shape.field_count)
    return false;
  const char* at = shape.names;
  const auto same = [&](const SessionItem& item) { return names.Read(at) == item.name; };
  return std::all_of(meta.all().begin(), meta.all().end(), same) &&
         std::all_of(fields.all().begin(), fields.all().end(), same);
}

void SessionDraft::AppendShape(SessionShapes& shapes, FieldNames& names, std::string& shape,
                               std::string& description) const {
  if (KeepsShape()) {
    AppendVarint(shape, head.shape);
    if (head.shape == 0) AppendSized(description, head.description);
    return;
  }
  if (const uint32_t id = shapes.newest(); id != 0 && Fits(shapes.At(id), names)) {
    shapes.UseAgain(id);
    AppendVarint(shape, id);
    if (loaded_) ReleaseShape(*loaded_, shapes, names);
    return;
  }
  std::string bytes;
  const auto append_names = [&](const std::vector<SessionItem>& items) {
    for (const SessionItem& item : items) names.Append(bytes, item.name);
  };
  SessionShape whole;
  whole.ns = head.ns;
  whole.idle_ms = head.idle_ms;
  whole.abs_ms = head.abs_ms;
  whole.meta_count = static_cast<uint32_t>(meta.all().size());
  whole.field_count = static_cast<uint32_t>(fields.all().size());
  whole.AppendHead(bytes);
  append_names(meta.all());
  append_names(fields.all());
  const uint32_t id = shapes.Use(bytes, names);
  AppendVarint(shape, id);
  if (id == 0) AppendSized(description, bytes);
  if (loaded_) ReleaseShape(*loaded_, shapes, names);
}

void SessionDraft::Encode(SessionShapes& shapes, FieldNames& names, std::string& out) const {
  const TimeMs deadline = head.deadline();
  DCHECK(head.created <= deadline && deadline - head.created < TimeMs{1} << (8 * kU40));
  const bool versions = head.forgotten != 0 ||
                        std::any_of(fields.all().begin(), fields.all().end(), [](const auto& item) {
                          return item.deleted || item.version != 1;
                        });
  const TimeMs usual_auth_at = head.user.empty() ? 0 : head.abs_start;
  auto flags = static_cast<uint8_t>(head.flags & (SessionView::kByPut | SessionView::kOrdered));
  if (own_handle) flags |= SessionView::kHandle;
  if (head.seen + head.idle_ms != deadline) flags |= SessionView::kSeen;
  if (head.abs_start != head.created) flags |= SessionView::kAbsStart;
  if (head.auth_at != usual_auth_at) flags |= SessionView::kAuthAt;
  if (!spent.empty()) flags |= SessionView::kSpent;
  if (versions) flags |= SessionView::kVersions;

  out += static_cast<char>(flags);
  std::string description;
  AppendShape(shapes, names, out, description);
  AppendVarint(out, head.version);
  AppendVarint(out, head.serial);
  AppendTime(out, head.created, kU40);
  AppendSized(out, head.user);
  out += description;
  if (own_handle) out += own_handle->view();
  if ((flags & SessionView::kSeen) != 0) AppendTime(out, head.seen, kU48);
  if ((flags & SessionView::kAbsStart) != 0) AppendTime(out, head.abs_start, kU48);
  if ((flags & SessionView::kAuthAt) != 0) AppendTime(out, head.auth_at, kU48);
  if (!spent.empty()) {
    out += static_cast<char>(spent.size() / SessionKey::kBytes);
    out += spent;
  }
  if (versions) AppendVarint(out, head.forgotten);
  for (const SessionItem& item : meta.all()) AppendValue(out, item);
  for (const SessionItem& item : fields.all()) {
    if (versions) AppendVarint(out, item.version);
    AppendValue(out, item);
  }
}

}  // namespace cloakroom
