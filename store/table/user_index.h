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
#include "store/table/table.h"

namespace cloakroom {

/// Where a session stands among those of its user: by last use, and among those used in one
/// millisecond by when they were made.
using SeenSerial = std::pair<TimeMs, uint64_t>;

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

  void Add(const UserSession& session);
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
/// the sessions, but for the mark. An entry's key is the namespace's id (varint) and the user; its
/// deadline is the mark's end; its value
///
///   flags u8 | marked_at u48, if marked | keys, 18 B each; or a pointer to ManySessions
class UserIndex {
 public:
  /// More sessions than this are kept in order; with half as many they are packed again.
  static constexpr size_t kFewMax = 32;

  explicit UserIndex(uint64_t hash_seed);
  ~UserIndex();
  UserIndex(const UserIndex&) = delete;
  UserIndex& operator=(const UserIndex&) = delete;

  struct User {
    bool known = false;
    TimeMs marked_at = 0;   // 0: never, or long ago
    TimeMs mark_until = 0;  // exclusive
    std::string_view few;   // packed keys; empty when `many` is set
    const ManySessions* many = nullptr;

    [[nodiscard]] size_t few_count() const { return few.size() / SessionKey::kBytes; }
    [[nodiscard]] SessionKey few_key(size_t i) const {
      return SessionKey::FromBytes(few.substr(i * SessionKey::kBytes));
    }
  };
  /// Views are valid until the next change.
  [[nodiscard]] User Find(uint32_t ns, std::string_view user) const;

  enum class Added { kPacked, kOrdered, kFull };
  /// kFull: nothing was done, the packed form is full; call Order and add again.
  Added Add(uint32_t ns, std::string_view user, const UserSession& session);
  /// Puts `sessions`, in order, in the place of the packed ones.
  void Order(uint32_t ns, std::string_view user, const std::vector<UserSession>& sessions,
             uint64_t made_at);
  /// Packs ordered sessions again when they have become few; returns their keys, or none.
  std::vector<SessionKey> Pack(uint32_t ns, std::string_view user);

  /// False when the session is not in the index (a mark set it aside).
  bool Remove(uint32_t ns, std::string_view user, const SessionKey& key,
              const SessionHandle& handle);
  /// A slide of a session whose user's index is ordered.
  void Moved(uint32_t ns, std::string_view user, const SessionHandle& handle, TimeMs seen);

  /// Remembers that all sessions were revoked at `time`, until `until`.
  void Mark(uint32_t ns, std::string_view user, TimeMs time, TimeMs until);
  /// Takes the ordered sessions away, in O(1); nullptr when the user has none such.
  std::unique_ptr<ManySessions> Detach(uint32_t ns, std::string_view user);

  /// Forgets marks that ended by `now`; false when more are due.
  bool Sweep(TimeMs now, size_t budget);
  [[nodiscard]] TimeMs NextDue() const { return table_.NextDue(); }
  bool Compact(size_t budget) { return table_.Compact(budget); }
  /// Frees up to `budget` users; true when none is left. For an index that was set aside. Ordered
  /// sessions are handed to `take`: freeing those of one user may be too much for one slice.
  bool Drain(size_t budget, FunctionRef<void(std::unique_ptr<ManySessions>)> take);

  [[nodiscard]] size_t size() const { return table_.size(); }
  [[nodiscard]] Table::Memory memory() const;

  /// Visits every user, in no order. O(users).
  void ForEach(
      FunctionRef<void(uint32_t ns, std::string_view user, const User& sessions)> visit) const;

 private:
  [[nodiscard]] KeyRef Ref(uint32_t ns, std::string_view user) const;
  [[nodiscard]] static Position Locate(const void* seed, std::string_view key);
  /// Writes a whole value, making the entry when there is none; erases it when nothing is left.
  void Write(const KeyRef& key, Entry* entry, TimeMs marked_at, bool ordered,
             std::string_view rest);

  uint64_t seed_;
  mutable std::string key_;  // of the newest Ref
  std::string value_;        // scratch
  Table table_;
  size_t ordered_sessions_ = 0;
  size_t ordered_users_ = 0;
};

}  // namespace cloakroom
