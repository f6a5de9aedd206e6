#include "store/types/key.h"

#include "store/base/check.h"

namespace cloakroom {
namespace {

bool Allows(const DeadlineRule& rule, TimeMs current, TimeMs deadline) {
  const bool has = current != kNoDeadline;
  if (rule.only_without && has) return false;
  if (rule.only_with && !has) return false;
  if (rule.only_later && (!has || deadline <= current)) return false;
  if (rule.only_earlier && has && deadline >= current) return false;
  return true;
}

}  // namespace

bool ExpireKey(const Place& place, TimeMs deadline, const DeadlineRule& rule, TimeMs now,
               WriteBatch& batch) {
  if (place.entry == nullptr) return false;
  deadline = StorableDeadline(deadline);
  if (!Allows(rule, place.entry->deadline(), deadline)) return false;
  if (deadline <= now) {
    batch.Delete(place.db, place.key);
  } else {
    batch.SetDeadline(place.db, place.key, deadline);
  }
  return true;
}

bool PersistKey(const Place& place, WriteBatch& batch) {
  if (place.entry == nullptr || place.entry->deadline() == kNoDeadline) return false;
  batch.SetDeadline(place.db, place.key, kNoDeadline);
  return true;
}

void RenameKey(const Place& from, const Place& to, WriteBatch& batch) {
  CHECK(from.entry != nullptr);
  CHECK(from.db != to.db || from.key.bytes != to.key.bytes);
  batch.Rename(from.db, from.key, to.db, to.key);
}

void CopyKey(const Place& from, const Place& to, WriteBatch& batch) {
  CHECK(from.entry != nullptr);
  CHECK(from.db != to.db || from.key.bytes != to.key.bytes);
  batch.Copy(from.db, from.key, to.db, to.key);
}

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kString:
      return "string";
    case ValueType::kHash:
      return "hash";
    case ValueType::kSet:
      return "set";
    case ValueType::kSession:
    case ValueType::kTombstone:
    case ValueType::kUserIndex:
      break;  // these stand beside the databases and are no keys
  }
  CHECK(false);
  return {};
}

}  // namespace cloakroom
