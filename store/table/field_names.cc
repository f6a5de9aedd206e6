#include "store/table/field_names.h"

#include "store/base/check.h"
#include "store/base/coding.h"

namespace cloakroom {
namespace {

constexpr size_t kBytesPerName = 128;  // the node, the string and the vector's word, roughly

/// Values are our own bytes, so a varint in them cannot be malformed.
uint64_t ReadVarint(const char*& at) {
  uint64_t value = 0;
  at = GetVarint(at, at + kVarintBytesMax, &value);
  DCHECK(at != nullptr);
  return value;
}

}  // namespace

void FieldNames::Append(std::string& out, std::string_view name) {
  auto it = ids_.find(name);
  if (it == ids_.end()) {
    if (name.size() > kNameBytesMax || ids_.size() >= kNamesMax) {
      AppendVarint(out, name.size() * 2 + 1);
      out.append(name);
      return;
    }
    uint32_t id = 0;
    if (free_.empty()) {
      id = static_cast<uint32_t>(names_.size());
      names_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    names_[id] = std::make_unique<Name>(Name{std::string(name), 0});
    it = ids_.emplace(names_[id]->text, id).first;
    bytes_ += kBytesPerName + name.size();
  }
  ++names_[it->second]->uses;
  AppendVarint(out, uint64_t{it->second} * 2);
}

std::string_view FieldNames::Read(const char*& at) const {
  const uint64_t head = ReadVarint(at);
  if ((head & 1) == 0) {
    DCHECK(head / 2 < names_.size() && names_[head / 2] != nullptr);
    return names_[head / 2]->text;
  }
  const std::string_view name(at, head / 2);
  at += name.size();
  return name;
}

void FieldNames::Skip(const char*& at) {
  const uint64_t head = ReadVarint(at);
  if ((head & 1) != 0) at += head / 2;
}

void FieldNames::Release(const char* at) {
  const uint64_t head = ReadVarint(at);
  if ((head & 1) != 0) return;
  const auto id = static_cast<uint32_t>(head / 2);
  CHECK(id < names_.size() && names_[id] != nullptr && names_[id]->uses > 0);
  if (--names_[id]->uses > 0) return;
  bytes_ -= kBytesPerName + names_[id]->text.size();
  ids_.erase(names_[id]->text);
  names_[id].reset();
  free_.push_back(id);
}

}  // namespace cloakroom
