#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "store/base/random_bits.h"
#include "store/op/write_batch.h"
#include "store/table/entry.h"
#include "store/table/set_value.h"
#include "store/types/key.h"
#include "store/types/member_list.h"

namespace cloakroom {

/// In every verb below `place.entry` is nullptr or of type kSet: the caller has checked.

/// Adds members, making the set when absent. Returns how many are new.
size_t AddMembers(const Place& place, std::span<const std::string_view> members, WriteBatch& batch);

/// Removes members; a set left empty is deleted as a whole. Returns how many there were.
size_t RemoveMembers(const Place& place, std::span<const std::string_view> members,
                     WriteBatch& batch);

/// Moves `member` from one set to another (which is made when absent), or leaves it where it is
/// when both are the same. Returns whether it was in `from`.
bool MoveMember(const Place& from, const Place& to, std::string_view member, WriteBatch& batch);

/// `count` different random members, or all of them, in the set's order, when there are no more.
///   cost  O(count) for a small part of the set, else O(size)
[[nodiscard]] MemberList SampleMembers(const Place& place, size_t count, DrawBits draw);

/// The same, and removes them; a set left empty is deleted as a whole.
[[nodiscard]] MemberList PopMembers(const Place& place, size_t count, DrawBits draw,
                                    WriteBatch& batch);

/// Makes the key a set of just `members`, whatever stood there; no members, no key.
void StoreMembers(const Place& place, std::span<const std::string_view> members, WriteBatch& batch);

}  // namespace cloakroom
