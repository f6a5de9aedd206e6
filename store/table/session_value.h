#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/table/entry.h"
#include "store/table/field_names.h"

namespace cloakroom {

/// What an entry of type kSession holds, little-endian. The deadline is the entry's own.
///
///   0      1         5        11     17        23     28    33       45
///   +------+---------+--------+------+---------+------+-----+--------+----+------+---------+
///   | flag | version | serial | seen | created | idle | abs | handle | ns | user | options |
///   +------+---------+--------+------+---------+------+-----+--------+----+------+---------+
///     u8     u32       u48      u48    u48       u40    u40   12 B    varint sized  by flag
///   then  meta count varint | meta size varint | meta | field count varint | fields
///
/// options, each only when its flag is set: abs_start u48 (else: created), auth_at u48 (else:
/// created), the oldest version of forgotten deletions varint, spent keys (count u8, 18 B each).
/// meta:   name (see FieldNames), value size varint, value
/// fields: name, version varint, value size + 1 varint (0: deleted at that version), value
struct SessionView {
  static constexpr uint8_t kByPut = 1;
  static constexpr uint8_t kAbsStart = 2;
  static constexpr uint8_t kAuthAt = 4;
  static constexpr uint8_t kForgotten = 8;
  static constexpr uint8_t kSpent = 16;
  /// Its user's index is ordered by last use, so a slide must be told to it.
  static constexpr uint8_t kOrdered = 32;

  static constexpr size_t kVersionAt = 1;
  static constexpr size_t kSerialAt = 5;
  static constexpr size_t kSeenAt = 11;
  static constexpr size_t kIdleAt = 23;

  uint8_t flags = 0;
  uint32_t version = 0;
  uint64_t serial = 0;  // its number in the order of making; a mark of a later one covers it
  TimeMs seen = 0;
  TimeMs created = 0;
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  SessionHandle handle;
  uint32_t ns = 0;  // a Namespace's id, local to the process
  std::string_view user;
  TimeMs abs_start = 0;
  TimeMs auth_at = 0;
  uint32_t forgotten = 0;  // deletions up to this version are no longer known one by one
  std::string_view spent;  // SessionKey::kBytes each, oldest first
  uint32_t meta_count = 0;
  uint32_t field_count = 0;  // deleted ones included
  std::string_view meta;
  std::string_view fields;

  [[nodiscard]] bool anonymous() const { return user.empty(); }
  [[nodiscard]] TimeMs abs() const { return abs_start + abs_ms; }
  [[nodiscard]] size_t spent_count() const { return spent.size() / SessionKey::kBytes; }
  [[nodiscard]] SessionKey spent_key(size_t i) const {
    return SessionKey::FromBytes(spent.substr(i * SessionKey::kBytes));
  }
};

/// Reads the value of a kSession entry. Views point into it. O(1).
[[nodiscard]] SessionView ViewSession(const Entry& entry);

/// The parts that change in place.
void StoreSeen(Entry& entry, TimeMs seen);
void StoreIdle(Entry& entry, TimeMs idle_ms);
void StoreSerial(Entry& entry, uint64_t serial);
void StoreOrdered(Entry& entry, bool ordered);

/// One meta or field of a session.
struct SessionItem {
  std::string_view name;
  std::string_view value;
  uint32_t version = 0;          // fields only
  bool deleted = false;          // fields only: `version` deleted it
  std::string_view stored_name;  // as it stands in the value; empty: not stored yet
};

/// Visit in the order in which names were first set.
void ForEachMeta(const SessionView& session, const FieldNames& names,
                 FunctionRef<void(const SessionItem&)> visit);
/// Deleted ones included.
void ForEachField(const SessionView& session, const FieldNames& names,
                  FunctionRef<void(const SessionItem&)> visit);

/// Items by name, in order. A few are searched one by one, many through a tree.
class SessionItems {
 public:
  void Clear();
  void Append(const SessionItem& item);
  /// The item of `name`, or nullptr.
  [[nodiscard]] SessionItem* Find(std::string_view name);
  /// The item of `name`, appended when there is none.
  SessionItem& Upsert(std::string_view name);
  /// Removes those for which `gone` is true.
  void RemoveIf(FunctionRef<bool(const SessionItem&)> gone);

  [[nodiscard]] std::vector<SessionItem>& all() { return items_; }
  [[nodiscard]] const std::vector<SessionItem>& all() const { return items_; }
  /// Bytes of the names and values that are not deleted: what max-bytes bounds.
  [[nodiscard]] uint64_t Bytes() const;

 private:
  std::vector<SessionItem> items_;
  std::map<std::string_view, size_t> places_;  // kept from kSearched items on
  static constexpr size_t kSearched = 32;
};

/// A session taken apart, to be changed and put together again.
struct SessionDraft {
  SessionView head;  // meta, fields and their counts are ignored
  std::string spent;
  SessionItems meta;
  SessionItems fields;

  /// Starts from a stored session, whose bytes must outlive the draft's use.
  void Load(const SessionView& session, const FieldNames& names);
  void Clear();

  /// Drops the oldest deletions when their names take too much room, remembering how far.
  void ForgetDeletions(FieldNames& names);

  /// Appends the value; counts the names that were not stored before.
  void Encode(FieldNames& names, std::string& out) const;
};

/// Takes back the uses of all names of a session that goes.
void ReleaseNames(const SessionView& session, FieldNames& names);

}  // namespace cloakroom
