#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/random_bits.h"
#include "store/base/time.h"
#include "store/op/op.h"
#include "store/op/op_reader.h"
#include "store/op/session_key.h"
#include "store/op/session_policy.h"
#include "store/table/memory_budget.h"
#include "store/table/namespaces.h"
#include "store/table/session_value.h"
#include "store/table/table.h"
#include "store/table/user_index.h"

namespace cloakroom {

class EventObserver;

/// The sessions of a shard, beside its databases. Keyspace::Apply alone calls the mutators;
/// everybody else reads, with `now` passed in. What expired, or what a mark covers, is never shown,
/// whether or not its memory has come back. Pointers and views are valid until the next mutation.
class SessionSpace {
 public:
  explicit SessionSpace(uint64_t hash_seed);
  ~SessionSpace();
  SessionSpace(const SessionSpace&) = delete;
  SessionSpace& operator=(const SessionSpace&) = delete;

  /// Applies one op of a kind from kSessionFirst up.
  void Apply(const RecordHeader& header, const Op& op);
  /// Ends every session; policies stay. O(namespaces), the memory comes back by Sweep.
  void FlushAll();

  /// Frees what is dead at `now`, about `budget` units of work; false when more is left.
  bool Sweep(TimeMs now, size_t budget);
  /// As Keyspace::PackStill.
  void PackStill();
  /// The earliest time at which something falls due, or kNoDeadline.
  [[nodiscard]] TimeMs NextDue() const;
  [[nodiscard]] Table::Memory memory() const;
  /// The same by part.
  struct Parts {
    Table::Memory sessions;
    Table::Memory user_index;
    size_t dictionary_bytes = 0;  // namespaces, names of fields, shapes
  };
  [[nodiscard]] Parts MemoryParts() const;
  /// The tables, without the dictionaries of namespaces. O(1), but for spaces being freed.
  [[nodiscard]] MemoryUse Use() const;

  void set_observer(EventObserver* observer);  // nullptr: none, costs nothing

  /// What a token is good for.
  enum class TokenState : uint8_t {
    kUnknown,  // never seen, or forgotten
    kEnded,    // its session ended so short a while ago that nobody may take its place
    kSpent,    // rotated away, and its grace is over, while the session lives: a reuse
    kLive,
  };
  struct Found {
    TokenState state = TokenState::kUnknown;
    bool old_token = false;        // kLive: shown by a token within its grace
    SessionKey key;                // kLive, kSpent: where the session is now
    const Entry* entry = nullptr;  // kLive, kSpent: the session
    SessionView view;              // the same, read
    SessionNonce nonce;            // old_token: gives the successor
  };
  /// O(1), one lookup, two for a spent token.
  [[nodiscard]] Found Find(const SessionKey& token, TimeMs now) const;
  void PrefetchBucket(const SessionKey& token) const;
  void PrefetchEntry(const SessionKey& token) const;

  /// nullptr when it has had no session and no policy.
  [[nodiscard]] const Namespace* FindNamespace(std::string_view name) const;
  [[nodiscard]] const Namespace& NamespaceOf(const SessionView& session) const;
  [[nodiscard]] const SessionPolicy& PolicyOf(const Namespace* ns) const;

  /// A user's live sessions. Those of one user are few, or kept in order: each call costs
  /// O(results + log n), and CountOfUser O(sessions that expired and are not yet freed).
  [[nodiscard]] size_t CountOfUser(const Namespace& ns, std::string_view user, TimeMs now) const;
  /// Last seen first, at most `limit`, those up to `after` in that order left out.
  [[nodiscard]] std::vector<UserSession> NewestOfUser(const Namespace& ns, std::string_view user,
                                                      TimeMs now, const SeenSerial* after,
                                                      size_t limit) const;
  /// Least recently seen first, at most `limit`, `except` left out.
  [[nodiscard]] std::vector<UserSession> OldestOfUser(const Namespace& ns, std::string_view user,
                                                      TimeMs now, const SessionKey* except,
                                                      size_t limit) const;
  [[nodiscard]] std::optional<SessionKey> FindHandle(const Namespace& ns, std::string_view user,
                                                     const SessionHandle& handle, TimeMs now) const;
  /// When all sessions of the user were last revoked, as far as that is remembered; else 0.
  [[nodiscard]] TimeMs RevokedAt(const Namespace& ns, std::string_view user, TimeMs now) const;

  /// Table::Scan over the live sessions.
  uint64_t Scan(uint64_t cursor, TimeMs now,
                FunctionRef<void(const Entry&, const SessionView&)> visit) const;

  /// For eviction: the sessions without a user that are not freed yet, some dead ones among them.
  /// O(namespaces).
  [[nodiscard]] size_t StoredAnonymous() const;
  /// Told of a live session without a user, and when it was last used: by its last recorded use, or
  /// to the end of the second in which its entry's clock says it was.
  using VisitAnonymous = FunctionRef<void(const Entry&, TimeMs used)>;
  [[nodiscard]] static TimeMs LastUse(const Entry& entry, const SessionView& session, TimeMs now);
  /// Visits about `count` of them, drawn at random; false when they are too few for that.
  bool DrawAnonymous(TimeMs now, size_t count, DrawBits draw, VisitAnonymous visit) const;
  /// Visits those in some buckets from `cursor` on, at most `steps` of them, and moves it; a walk
  /// over all ends at 0. Returns the steps taken.
  size_t WalkAnonymous(TimeMs now, size_t steps, uint64_t& cursor, VisitAnonymous visit) const;
  /// About what the tombstones of ended sessions take. O(1).
  [[nodiscard]] size_t TombstoneBytes() const;

  struct Counts {
    uint64_t live = 0;
    uint64_t anonymous = 0;
    uint64_t bytes = 0;
  };
  /// Of one namespace, or with nullptr of all. O(namespaces + what expired and is not yet freed).
  [[nodiscard]] Counts CountsOf(const Namespace* ns, TimeMs now) const;
  [[nodiscard]] SessionCounters CountersOf(const Namespace* ns) const;
  /// A spent token was shown. Counting is not state, so readers may do it.
  void CountReuse(const Namespace& ns) const { ++ns.counters.reuse; }

  /// Emits the state as of `now`, one line a fact, in no order: two spaces that applied the same
  /// ops give the same lines, however far each has come with freeing. O(all).
  void Describe(TimeMs now, FunctionRef<void(std::string_view line)> emit) const;
  /// What of the index does not agree with one built from scratch, or nothing. O(all), for tests.
  [[nodiscard]] std::vector<std::string> Inconsistencies() const;
  /// Every entry as it lies in memory, dead ones included.
  void ForEachEntry(FunctionRef<void(const Entry&)> visit) const;

 private:
  friend class SessionCapture;
  friend class SessionLoader;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
