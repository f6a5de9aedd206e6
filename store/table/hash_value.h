#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/base/random_bits.h"
#include "store/table/entry.h"

namespace cloakroom {

/// Reading the hash in an entry of type kHash. Small ones are packed in insertion order, as
/// (varint size, field, varint size, value) pairs; larger ones are a Table of field -> value.
/// Views are valid until the next Apply.
[[nodiscard]] size_t HashSize(const Entry& entry);
[[nodiscard]] std::optional<std::string_view> HashGet(const Entry& entry, std::string_view field);
void HashForEach(const Entry& entry,
                 FunctionRef<void(std::string_view field, std::string_view value)> visit);
/// Packed: visits all and returns 0, whatever the cursor. Else as Table::Scan.
uint64_t HashScan(const Entry& entry, uint64_t cursor,
                  FunctionRef<void(std::string_view field, std::string_view value)> visit);
/// A random pair. Precondition: the hash is not empty (it never is).
struct FieldValue {
  std::string_view field;
  std::string_view value;
};
[[nodiscard]] FieldValue HashPick(const Entry& entry, DrawBits draw);
[[nodiscard]] inline bool HashIsPacked(const Entry& entry) {
  return entry.encoding() != Encoding::kTable;
}

}  // namespace cloakroom
