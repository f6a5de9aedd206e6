#pragma once

#include <cstdint>
#include <string_view>

#include "store/base/position.h"
#include "store/base/time.h"
#include "store/op/write_batch.h"
#include "store/table/entry.h"

namespace cloakroom {

/// Where a verb works: a key of a database, and the entry that lives there (nullptr: none).
struct Place {
  uint32_t db = 0;
  const KeyRef& key;
  const Entry* entry = nullptr;
};

/// When EXPIRE may change a deadline; several hold together. No deadline counts as infinitely late.
struct DeadlineRule {
  bool only_without = false;  // NX: the key has none
  bool only_with = false;     // XX: the key has one
  bool only_later = false;    // GT: the new one is later
  bool only_earlier = false;  // LT: the new one is earlier
};

/// Gives the key a deadline, if it lives and `rule` allows; one that is not after `now` deletes it.
///   deadline  unix milliseconds, any value; beyond kDeadlineMax it is kDeadlineMax
///   returns   whether the key was changed or deleted
bool ExpireKey(const Place& place, TimeMs deadline, const DeadlineRule& rule, TimeMs now,
               WriteBatch& batch);

/// Takes the deadline away. Returns false when there is no key, or no deadline.
bool PersistKey(const Place& place, WriteBatch& batch);

/// Moves the entry and its deadline to `to`, replacing what is there.
/// Preconditions: from.entry lives; the places differ.
void RenameKey(const Place& from, const Place& to, WriteBatch& batch);

/// The same, leaving the first. Same preconditions.
void CopyKey(const Place& from, const Place& to, WriteBatch& batch);

/// The deadline to store for one that was asked for: entries hold 48 bits of milliseconds.
[[nodiscard]] inline TimeMs StorableDeadline(TimeMs deadline) {
  return deadline < kDeadlineMax ? deadline : kDeadlineMax;
}

/// TYPE's word: "string", "hash", "set".
[[nodiscard]] std::string_view TypeName(ValueType type);

}  // namespace cloakroom
