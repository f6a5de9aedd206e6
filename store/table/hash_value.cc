#include "store/table/hash_value.h"

#include "store/table/collection.h"
#include "store/table/packed.h"

namespace cloakroom {
namespace {

void ForEachPacked(std::string_view packed,
                   FunctionRef<void(std::string_view field, std::string_view value)> visit) {
  PackedWalk walk(packed);
  for (PackedItem field, value; walk.Next(field);) {
    CHECK(walk.Next(value));
    visit(field.bytes, value.bytes);
  }
}

}  // namespace

size_t HashSize(const Entry& entry) {
  DCHECK(entry.type() == ValueType::kHash);
  return HashIsPacked(entry) ? PackedCount(entry.value()) / 2 : CollectionOf(entry)->table.size();
}

std::optional<std::string_view> HashGet(const Entry& entry, std::string_view field) {
  DCHECK(entry.type() == ValueType::kHash);
  if (HashIsPacked(entry)) {
    PackedItem name, value;
    if (!PackedFind(entry.value(), field, 2, name, &value)) return std::nullopt;
    return value.bytes;
  }
  const Collection& collection = *CollectionOf(entry);
  const Entry* const found = collection.table.Find(collection.Ref(field));
  if (found == nullptr) return std::nullopt;
  return found->value();
}

void HashForEach(const Entry& entry,
                 FunctionRef<void(std::string_view field, std::string_view value)> visit) {
  uint64_t cursor = 0;
  do cursor = HashScan(entry, cursor, visit);
  while (cursor != 0);
}

uint64_t HashScan(const Entry& entry, uint64_t cursor,
                  FunctionRef<void(std::string_view field, std::string_view value)> visit) {
  DCHECK(entry.type() == ValueType::kHash);
  if (HashIsPacked(entry)) {
    ForEachPacked(entry.value(), visit);
    return 0;
  }
  return CollectionOf(entry)->table.Scan(
      cursor, [&visit](Entry& field) { visit(field.key(), field.value()); });
}

FieldValue HashPick(const Entry& entry, DrawBits draw) {
  DCHECK(entry.type() == ValueType::kHash);
  if (HashIsPacked(entry)) {
    PackedItem value;
    const size_t index = ScaleBits(draw(), PackedCount(entry.value()) / 2);
    const PackedItem field = PackedAt(entry.value(), 2 * index, &value);
    return {field.bytes, value.bytes};
  }
  const Entry* const picked = CollectionOf(entry)->table.Pick(draw);
  CHECK(picked != nullptr);
  return {picked->key(), picked->value()};
}

}  // namespace cloakroom
