#pragma once

#include <cstdint>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/base/random_bits.h"
#include "store/table/entry.h"

namespace cloakroom {

/// Reading the set in an entry of type kSet: integers only and at most set-max-intset-entries:
/// kIntset, sorted; a few small members: packed; otherwise a Table of members with empty values.
/// Views of members are valid until the next Apply, or in `visit` only for an intset.
[[nodiscard]] size_t SetSize(const Entry& entry);
[[nodiscard]] bool SetContains(const Entry& entry, std::string_view member);
void SetForEach(const Entry& entry, FunctionRef<void(std::string_view member)> visit);
/// Intset and packed: visits all and returns 0, whatever the cursor. Else as Table::Scan.
uint64_t SetScan(const Entry& entry, uint64_t cursor,
                 FunctionRef<void(std::string_view member)> visit);
/// Calls `visit` once with a random member. Precondition: the set is not empty (it never is).
void SetPick(const Entry& entry, DrawBits draw, FunctionRef<void(std::string_view member)> visit);
/// Whether Redis 7.0 would call it an intset (OBJECT ENCODING, SSCAN order).
[[nodiscard]] inline bool SetIsIntset(const Entry& entry) {
  return entry.encoding() == Encoding::kIntset;
}

}  // namespace cloakroom
