#pragma once

#include <cstddef>
#include <span>

#include "store/table/entry.h"
#include "store/types/member_list.h"

namespace cloakroom {

/// The algebra of sets. `sets` are entries of type kSet, or nullptr for a key that is absent: an
/// empty set. Results that are integers only, and few, come in ascending order where Redis's do.

/// Members of all of `sets`, in the order of the smallest.
///   cost  O(size of the smallest * sets)
[[nodiscard]] MemberList Intersect(std::span<const Entry* const> sets);

/// How many members Intersect has, counting no further than `limit` (0: no limit).
[[nodiscard]] size_t CountIntersection(std::span<const Entry* const> sets, size_t limit);

/// Members of any of `sets`. O(sum of the sizes). `seed` keys the hashing, as in Distinct.
[[nodiscard]] MemberList Unite(std::span<const Entry* const> sets, uint64_t seed);

/// Members of the first of `sets` that are in none of the others.
///   cost  the lesser of O(size of the first * sets) and O(sum of the sizes)
[[nodiscard]] MemberList Subtract(std::span<const Entry* const> sets, uint64_t seed);

}  // namespace cloakroom
