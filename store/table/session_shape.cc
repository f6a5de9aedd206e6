#include "store/table/session_shape.h"

#include <utility>

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

// The node, the strings and the vector's word, roughly.
constexpr size_t kBytesPerShape = 224;

}  // namespace

SessionShape SessionShape::Read(std::string_view description) {
  const char* at = description.data();
  const auto next = [&at] {
    uint64_t value = 0;
    at = GetVarint(at, at + kVarintBytesMax, &value);
    DCHECK(at != nullptr);
    return value;
  };
  SessionShape shape;
  shape.ns = static_cast<uint32_t>(next());
  shape.idle_ms = static_cast<TimeMs>(next());
  shape.abs_ms = static_cast<TimeMs>(next());
  shape.meta_count = static_cast<uint32_t>(next());
  shape.field_count = static_cast<uint32_t>(next());
  shape.names = at;
  shape.description = description;
  return shape;
}

void SessionShape::AppendHead(std::string& out) const {
  AppendVarint(out, ns);
  AppendVarint(out, static_cast<uint64_t>(idle_ms));
  AppendVarint(out, static_cast<uint64_t>(abs_ms));
  AppendVarint(out, meta_count);
  AppendVarint(out, field_count);
}

bool SessionShapes::SeenBefore(std::string_view description) {
  const uint64_t hash = HashBytes(description, seed_);
  const auto mark = static_cast<uint32_t>(hash >> 32);
  const uint32_t before = std::exchange(recent_[hash % kRecentMax], mark);
  return before == mark;
}

uint32_t SessionShapes::Use(std::string_view description, FieldNames& names) {
  if (const auto it = ids_.find(description); it != ids_.end()) {
    Shared& shared = *shapes_[it->second - 1];
    ++shared.uses;
    ReleaseNames(SessionShape::Read(description), names);
    return newest_ = it->second;
  }
  const uint32_t ns = SessionShape::Read(description).ns;
  if (ns >= of_namespace_.size()) of_namespace_.resize(ns + size_t{1});
  if (description.size() > kDescriptionBytesMax || of_namespace_[ns] >= kShapesMax) return 0;
  if (!SeenBefore(description)) return 0;
  ++of_namespace_[ns];
  if (free_.empty()) {
    shapes_.emplace_back();
    free_.push_back(static_cast<uint32_t>(shapes_.size()));
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  shapes_[id - 1] = std::make_unique<Shared>(Shared{std::string(description), {}, 1});
  Shared& shared = *shapes_[id - 1];
  shared.shape = SessionShape::Read(shared.bytes);
  shared.shape.number = ++made_;
  ids_.emplace(shared.bytes, id);
  bytes_ += kBytesPerShape + description.size();
  return newest_ = id;
}

void SessionShapes::Release(uint32_t id, FieldNames& names) {
  CHECK(id > 0 && id <= shapes_.size() && shapes_[id - 1] != nullptr);
  Shared& shared = *shapes_[id - 1];
  CHECK(shared.uses > 0);
  if (--shared.uses > 0) return;
  bytes_ -= kBytesPerShape + shared.bytes.size();
  --of_namespace_[shared.shape.ns];
  ReleaseNames(shared.shape, names);
  ids_.erase(shared.bytes);
  shapes_[id - 1].reset();
  if (newest_ == id) newest_ = 0;
  free_.push_back(id);
}

void ReleaseNames(const SessionShape& shape, FieldNames& names) {
  const char* at = shape.names;
  for (uint32_t left = shape.meta_count + shape.field_count; left > 0; --left) {
    names.Release(at);
    FieldNames::Skip(at);
  }
}

}  // namespace cloakroom
