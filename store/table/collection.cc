#include "store/table/collection.h"

#include "store/base/hash.h"

namespace cloakroom {
namespace {

Position Locate(const void* context, std::string_view key) {
  return PositionOfHash(HashBytes(key, static_cast<const Collection*>(context)->seed));
}

}  // namespace

Collection::Collection(uint64_t hash_seed)
    : seed(hash_seed),
      table({.count_slots = false, .expires = false, .locate = Locate, .context = this}) {}

KeyRef Collection::Ref(std::string_view member) const { return {member, Locate(this, member)}; }

void Collection::Put(std::string_view member, std::string_view value) {
  const KeyRef ref = Ref(member);
  Entry* entry = table.Find(ref);
  if (entry == nullptr)
    entry = table.Insert(ref, ValueType::kString, Encoding::kPlain, value.size());
  else if (entry->value_size() != value.size())
    entry = table.Resize(ref, entry, value.size());
  else
    table.WillChange(ref);
  if (!value.empty()) std::memcpy(entry->value_data(), value.data(), value.size());
}

bool Collection::Remove(std::string_view member) {
  const KeyRef ref = Ref(member);
  Entry* const entry = table.Find(ref);
  if (entry == nullptr) return false;
  table.Erase(ref, entry);
  return true;
}

std::unique_ptr<Collection> CopyCollection(const Collection& collection) {
  auto copy = std::make_unique<Collection>(collection.seed);
  uint64_t cursor = 0;
  do {
    cursor = collection.table.Scan(
        cursor, [&copy](Entry& member) { copy->Put(member.key(), member.value()); });
  } while (cursor != 0);
  return copy;
}

}  // namespace cloakroom
