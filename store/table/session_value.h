#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "store/base/function_ref.h"
#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/table/entry.h"
#include "store/table/field_names.h"
#include "store/table/session_shape.h"

namespace cloakroom {

/// Where a session stands among those of its user: by last use, and among those used in one
/// millisecond by when they were made.
using SeenSerial = std::pair<TimeMs, uint64_t>;

/// What an entry of type kSession holds, little-endian:
///
///   0      1
///   +------+-------+---------+--------+---------+-------+---------+-------------+----------------+
///   | flag | shape | version | serial | created | user  | options | meta values | fields' values |
///   +------+-------+---------+--------+---------+-------+---------+-------------+----------------+
///     u8    varint   varint    varint    u40      sized   by flag
///
/// shape:   the id of a SessionShape; or 0, then the shape's own description follows, sized.
/// created: its low bits; it is at or before the entry's deadline, and less than 34 years before.
/// options, each only when its flag is set, in the order of the flags: handle 12 B (else: derived
/// from the key), seen u48 (else: deadline - idle), abs_start u48 (else: created), auth_at u48
/// (else: abs_start, or 0 of an anonymous session), spent keys (count u8, 18 B each), the oldest
/// version of forgotten deletions varint.
/// values:  see session_text.h. With kVersions, each field's value stands after its version, a
/// varint; without, all fields are of version 1 and none is deleted.
///
/// What most sessions have costs 11 bytes and the user; a slide stores only the entry's deadline.
struct SessionView {
  static constexpr uint8_t kByPut = 1;
  /// Its user's index is ordered by last use, so a slide must be told to it.
  static constexpr uint8_t kOrdered = 2;
  static constexpr uint8_t kHandle = 4;
  static constexpr uint8_t kSeen = 8;
  static constexpr uint8_t kAbsStart = 16;
  static constexpr uint8_t kAuthAt = 32;
  static constexpr uint8_t kSpent = 64;
  static constexpr uint8_t kVersions = 128;

  uint8_t flags = 0;
  uint32_t version = 0;
  uint32_t shape = 0;         // 0: the description stands in the session
  uint64_t shape_number = 0;  // SessionShape::number
  uint64_t serial = 0;        // its number in the order of making; a mark of a later one covers it
  TimeMs seen = 0;
  TimeMs created = 0;
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  uint32_t ns = 0;  // a Namespace's id, local to the process
  std::string_view key;
  std::string_view user;
  const char* own_handle = nullptr;  // nullptr: derived from the key
  TimeMs abs_start = 0;
  TimeMs auth_at = 0;
  uint32_t forgotten = 0;  // deletions up to this version are no longer known one by one
  std::string_view spent;  // SessionKey::kBytes each, oldest first
  uint32_t meta_count = 0;
  uint32_t field_count = 0;      // deleted ones included
  std::string_view description;  // the shape's
  const char* names = nullptr;   // in it
  const char* values = nullptr;

  [[nodiscard]] SessionHandle handle() const;
  [[nodiscard]] SeenSerial order() const { return {seen, serial}; }
  [[nodiscard]] bool anonymous() const { return user.empty(); }
  [[nodiscard]] TimeMs abs() const { return abs_start + abs_ms; }
  /// What `seen` makes of the lifetimes.
  [[nodiscard]] TimeMs deadline() const { return seen + idle_ms < abs() ? seen + idle_ms : abs(); }
  /// False: no field is a deleted one.
  [[nodiscard]] bool may_have_deleted() const { return (flags & kVersions) != 0; }
  [[nodiscard]] size_t spent_count() const { return spent.size() / SessionKey::kBytes; }
  [[nodiscard]] SessionKey spent_key(size_t i) const {
    return SessionKey::FromBytes(spent.substr(i * SessionKey::kBytes));
  }
};

/// Reads a kSession entry. Views point into it and into its shape. O(1).
[[nodiscard]] SessionView ViewSession(const Entry& entry, const SessionShapes& shapes);

/// What stands in a session behind the id of its shape, without a description: bytes from outside,
/// looked through.
struct SessionBody {
  uint64_t serial = 0;
  std::string_view user;
  std::string_view spent;  // as in SessionView
  size_t options_at = 0;   // where a description would stand
};
/// Nothing when `body` is not well formed, of a session with these flags and numbers of items.
/// O(items).
[[nodiscard]] std::optional<SessionBody> CheckSessionBody(uint8_t flags, std::string_view body,
                                                          uint32_t meta_count,
                                                          uint32_t field_count);

/// The flag that changes in place.
void StoreOrdered(Entry& entry, bool ordered);

/// One meta or field of a session.
struct SessionItem {
  std::string_view name;
  std::string_view value;  // good during the visit only
  uint32_t version = 0;    // fields only
  bool deleted = false;    // fields only: `version` deleted it
  // As they stand in the shape and in the session; empty: not stored yet.
  std::string_view stored_name;
  std::string_view stored_value;

  /// Of name and value; 0 when it is deleted. What max-bytes bounds.
  [[nodiscard]] size_t Bytes() const;
};

/// At least the sum of what Bytes() says of meta and fields. O(1).
[[nodiscard]] uint64_t ItemBytesBound(const SessionView& session, const Entry& entry);

/// Visit in the order in which names were first set.
void ForEachMeta(const SessionView& session, const FieldNames& names,
                 FunctionRef<void(const SessionItem&)> visit);
/// Deleted ones included.
void ForEachField(const SessionView& session, const FieldNames& names,
                  FunctionRef<void(const SessionItem&)> visit);

/// The same, but for `value`, which is left empty: without unpacking anything.
void ForEachStoredMeta(const SessionView& session, const FieldNames& names,
                       FunctionRef<void(const SessionItem&)> visit);
void ForEachStoredField(const SessionView& session, const FieldNames& names,
                        FunctionRef<void(const SessionItem&)> visit);

/// Takes back the use of the shape, or of the names, of a session that goes.
void ReleaseShape(const SessionView& session, SessionShapes& shapes, FieldNames& names);

}  // namespace cloakroom
