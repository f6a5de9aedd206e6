#include "store/table/set_value.h"

#include <charconv>

#include "store/base/number.h"
#include "store/table/collection.h"
#include "store/table/intset.h"
#include "store/table/packed.h"

namespace cloakroom {
namespace {

void VisitInteger(int64_t value, FunctionRef<void(std::string_view member)> visit) {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  visit(std::string_view(digits, static_cast<size_t>(end - digits)));
}

}  // namespace

size_t SetSize(const Entry& entry) {
  DCHECK(entry.type() == ValueType::kSet);
  if (SetIsIntset(entry)) return IntsetSize(entry.value());
  if (entry.encoding() == Encoding::kTable) return CollectionOf(entry)->table.size();
  return PackedCount(entry.value());
}

bool SetContains(const Entry& entry, std::string_view member) {
  DCHECK(entry.type() == ValueType::kSet);
  if (SetIsIntset(entry)) {
    int64_t value = 0;
    return ParseInteger(member, value) && IntsetContains(entry.value(), value);
  }
  if (entry.encoding() == Encoding::kTable) {
    const Collection& collection = *CollectionOf(entry);
    return collection.table.Find(collection.Ref(member)) != nullptr;
  }
  PackedItem item;
  return PackedFind(entry.value(), member, 1, item);
}

void SetForEach(const Entry& entry, FunctionRef<void(std::string_view member)> visit) {
  uint64_t cursor = 0;
  do cursor = SetScan(entry, cursor, visit);
  while (cursor != 0);
}

uint64_t SetScan(const Entry& entry, uint64_t cursor,
                 FunctionRef<void(std::string_view member)> visit) {
  DCHECK(entry.type() == ValueType::kSet);
  if (entry.encoding() == Encoding::kTable) {
    return CollectionOf(entry)->table.Scan(cursor,
                                           [&visit](Entry& member) { visit(member.key()); });
  }
  const std::string_view value = entry.value();
  if (SetIsIntset(entry)) {
    for (size_t i = 0, size = IntsetSize(value); i < size; ++i)
      VisitInteger(IntsetAt(value, i), visit);
  } else {
    PackedWalk walk(value);
    for (PackedItem item; walk.Next(item);) visit(item.bytes);
  }
  return 0;
}

void SetPick(const Entry& entry, DrawBits draw, FunctionRef<void(std::string_view member)> visit) {
  DCHECK(entry.type() == ValueType::kSet);
  if (entry.encoding() == Encoding::kTable) {
    const Entry* const picked = CollectionOf(entry)->table.Pick(draw);
    CHECK(picked != nullptr);
    return visit(picked->key());
  }
  const std::string_view value = entry.value();
  const size_t index = ScaleBits(draw(), SetSize(entry));
  if (SetIsIntset(entry))
    VisitInteger(IntsetAt(value, index), visit);
  else
    visit(PackedAt(value, index).bytes);
}

}  // namespace cloakroom
