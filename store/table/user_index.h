#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/position.h"
#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/table/session_value.h"
#include "store/table/table.h"
#include "store/table/table_capture.h"
#include "store/table/user_refs.h"

namespace cloakroom {

/// One session as its user's index knows it.
struct UserSession {
  TimeMs seen = 0;
  uint64_t serial = 0;
  SessionHandle handle;
  SessionKey key;

  [[nodiscard]] SeenSerial order() const { return {seen, serial}; }
};

/// The sessions of a user who has many, by handle and by last use. Every call is O(log n).
class ManySessions {
 public:
  /// `made_at`: the newest serial when it was made. A later mark of the namespace covers all that
  /// is in it: whoever adds a session after such a mark sets it aside and begins anew.
  explicit ManySessions(uint64_t made_at) : made_at_(made_at) {}
  [[nodiscard]] uint64_t made_at() const { return made_at_; }

  /// False: there is one of the same handle or order.
  [[nodiscard]] bool Add(const UserSession& session);
  [[nodiscard]] bool Remove(const SessionHandle& handle);
  void Moved(const SessionHandle& handle, TimeMs seen);
  [[nodiscard]] const SessionKey* Find(const SessionHandle& handle) const;
  /// Takes any one away. Precondition: not empty.
  SessionKey TakeAny();
  [[nodiscard]] size_t size() const { return by_handle_.size(); }

  /// Walk from the last seen, or from the least recently seen, while `visit` returns true. From
  /// the last seen, those at or before `after` in that order are passed over.
  void NewestFirst(const SeenSerial* after, FunctionRef<bool(const UserSession&)> visit) const;
  void OldestFirst(FunctionRef<bool(const UserSession&)> visit) const;

  /// About what one session takes in the two trees.
  static constexpr size_t kBytesEach = 144;

 private:
  struct Named {
    SessionHandle handle;
    SessionKey key;
  };
  uint64_t made_at_;
  std::map<SessionHandle, SeenSerial> by_handle_;
  std::map<SeenSerial, Named> by_seen_;
};

/// (namespace, user) -> the user's sessions, and when all of them were last revoked. Derived from
/// the sessions, but for the mark. Of most users nothing but UserRefs knows. One who has many
/// sessions, or a mark, has an entry, whose key is the namespace's id (varint) and the user, whose
/// deadline is the mark's end, and whose value is
///
///   flags u8 | marked_at u48, if marked | a pointer to ManySessions, if ordered
class UserIndex {
 public:
  /// More sessions than this are kept in order; with half as many they are few again.
  static constexpr size_t kFewMax = 32;

  explicit UserIndex(uint64_t hash_seed);
  ~UserIndex();
  UserIndex(const UserIndex&) = delete;
  UserIndex& operator=(const UserIndex&) = delete;

  struct User {
    TimeMs marked_at = 0;                // 0: never, or long ago
    TimeMs mark_until = 0;               // exclusive
    const ManySessions* many = nullptr;  // none: the user's sessions are few
  };
  [[nodiscard]] User Find(uint32_t ns, std::string_view user) const;

  /// Where the sessions of a user who has few stand. There may be others' too, now and then.
  [[nodiscard]] std::vector<BriefPosition> Few(uint32_t ns, std::string_view user) const;
  /// Returns how many they are now, or a little more.
  size_t AddFew(uint32_t ns, std::string_view user, const SessionKey& key);
  void RemoveFew(uint32_t ns, std::string_view user, const SessionKey& key);
  [[nodiscard]] size_t few() const { return refs_.size(); }

  /// Puts `sessions` in order; from now on the user has many. Precondition: none of them is among
  /// the few. False, and nothing is changed: two of them have one handle or order.
  [[nodiscard]] bool Order(uint32_t ns, std::string_view user,
                           const std::vector<UserSession>& sessions, uint64_t made_at);
  /// Makes ordered sessions few again when they have become so; returns their keys, or none.
  std::vector<SessionKey> Unorder(uint32_t ns, std::string_view user);
  /// False: there is one of the same handle or order.
  [[nodiscard]] bool AddOrdered(uint32_t ns, std::string_view user, const UserSession& session);
  /// False when the session is not there (a mark set it aside).
  bool RemoveOrdered(uint32_t ns, std::string_view user, const SessionKey& key,
                     const SessionHandle& handle);
  /// An ordered session was used at `seen`.
  void Moved(uint32_t ns, std::string_view user, const SessionHandle& handle, TimeMs seen);
  /// Takes the ordered sessions away, in O(1); nullptr when the user has none such.
  std::unique_ptr<ManySessions> Detach(uint32_t ns, std::string_view user);

  /// Remembers that all sessions were revoked at `time`, until `until`.
  void Mark(uint32_t ns, std::string_view user, TimeMs time, TimeMs until);

  /// Forgets marks that ended by `now`; false when more are due.
  bool Sweep(TimeMs now, size_t budget);
  [[nodiscard]] TimeMs NextDue() const { return table_.NextDue(); }
  bool Compact(size_t budget);
  void PackStill() { table_.PackStill(); }
  /// Frees up to `budget` users; true when none is left. For an index that was set aside. Ordered
  /// sessions are handed to `take`: freeing those of one user may be too much for one slice.
  bool Drain(size_t budget, FunctionRef<void(std::unique_ptr<ManySessions>)> take);

  [[nodiscard]] Table::Memory memory() const;

  /// Captures the users who have a mark or many sessions, to be read with ReadMark.
  [[nodiscard]] std::unique_ptr<TableCapture> Capture(TableCapture::Sink& sink) {
    return std::make_unique<TableCapture>(table_, sink);
  }
  [[nodiscard]] bool captured() const { return table_.captured(); }
  struct UserMark {
    uint32_t ns = 0;
    std::string_view user;
    TimeMs marked_at = 0;  // 0: none
    TimeMs mark_until = 0;
  };
  [[nodiscard]] static UserMark ReadMark(const Entry& entry);

  /// Visits every user who has a mark or many sessions, in no order. O(those).
  void ForEach(
      FunctionRef<void(uint32_t ns, std::string_view user, const User& sessions)> visit) const;

 private:
  [[nodiscard]] KeyRef Ref(uint32_t ns, std::string_view user) const;
  [[nodiscard]] static Position Locate(const void* seed, std::string_view key);
  /// Writes a whole value, making the entry when there is none; erases it when nothing is left.
  void Write(const KeyRef& key, Entry* entry, TimeMs marked_at, ManySessions* many);

  uint64_t seed_;
  mutable std::string key_;  // of the newest Ref
  Table table_;
  UserRefs refs_;
  size_t ordered_sessions_ = 0;
  size_t ordered_users_ = 0;
};

}  // namespace cloakroom
