#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "store/base/check.h"
#include "store/base/position.h"
#include "store/table/entry.h"
#include "store/table/table.h"

namespace cloakroom {

/// Sums of memory, for what is spread over several tables.
inline Table::Memory& operator+=(Table::Memory& sum, const Table::Memory& part) {
  sum.index_bytes += part.index_bytes;
  sum.slab_bytes += part.slab_bytes;
  sum.block_bytes += part.block_bytes;
  sum.large_bytes += part.large_bytes;
  sum.wheel_bytes += part.wheel_bytes;
  sum.going_bytes += part.going_bytes;
  return sum;
}
inline Table::Memory& operator-=(Table::Memory& sum, const Table::Memory& part) {
  sum.index_bytes -= part.index_bytes;
  sum.slab_bytes -= part.slab_bytes;
  sum.block_bytes -= part.block_bytes;
  sum.large_bytes -= part.large_bytes;
  sum.wheel_bytes -= part.wheel_bytes;
  sum.going_bytes -= part.going_bytes;
  return sum;
}

/// The inside of a large hash (field -> value) or set (member -> nothing). The entry's value is a
/// pointer to it, which owns it. The seed stands beside the table, so that whoever has the entry
/// can look up in it.
struct Collection {
  explicit Collection(uint64_t hash_seed);

  /// Hashes a field or member.
  [[nodiscard]] KeyRef Ref(std::string_view member) const;
  /// Sets `member` to `value`, in place where it can. O(1).
  void Put(std::string_view member, std::string_view value);
  /// Removes `member`; false when it is not there. O(1).
  bool Remove(std::string_view member);

  const uint64_t seed;
  Table table;
};

/// A collection of the same members. O(size).
[[nodiscard]] std::unique_ptr<Collection> CopyCollection(const Collection& collection);

/// The collection of an entry in Encoding::kTable.
[[nodiscard]] inline Collection* CollectionOf(const Entry& entry) {
  DCHECK(entry.encoding() == Encoding::kTable);
  Collection* collection = nullptr;
  std::memcpy(&collection, entry.value().data(), sizeof(void*));
  return collection;
}

}  // namespace cloakroom
