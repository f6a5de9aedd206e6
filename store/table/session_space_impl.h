#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/op/session_op.h"
#include "store/table/event_observer.h"
#include "store/table/session_draft.h"
#include "store/table/session_space.h"
#include "store/table/spent_token.h"

namespace cloakroom {

/// How a session ended, or will be found to have ended.
struct SessionEnding {
  SessionEnd reason = SessionEnd::kExpired;
  TimeMs tombstone_until = 0;
};

/// How the session in `entry` has ended by `now`; nothing while it lives. Marks of a higher serial
/// than `serial_max` are not heeded: so as long as the entry stands as it did at an earlier moment,
/// this tells how it had ended then. `namespaces` are those of its space.
[[nodiscard]] std::optional<SessionEnding> EndingOf(const Namespaces& namespaces,
                                                    const Entry& entry, const SessionView& session,
                                                    TimeMs now, uint64_t serial_max);

class SessionCapture;

/// The parts of a SessionSpace; its functions stand in session_space.cc (reading),
/// session_apply.cc and session_marks.cc (ops), session_sweep.cc (endings and freeing).
struct SessionSpace::Impl {
  explicit Impl(uint64_t hash_seed);

  // Reading.
  [[nodiscard]] SessionView View(const Entry& entry) const {
    return ViewSession(entry, namespaces.shapes());
  }
  /// How the session in `entry` has ended by `now`; nothing while it lives.
  [[nodiscard]] std::optional<SessionEnding> EndOf(const Entry& entry, const SessionView& session,
                                                   TimeMs now) const {
    return EndingOf(namespaces, entry, session, now, UINT64_MAX);
  }
  [[nodiscard]] bool Covered(const SessionView& session) const {
    return namespaces.At(session.ns).Covering(session.user, session.order()) != nullptr;
  }
  /// What the index has of the user, but ordered sessions that a mark of the namespace covers.
  [[nodiscard]] UserIndex::User UserOf(const Namespace& ns, std::string_view user) const;
  /// Visits the sessions of a user who has few, dead and covered ones included. `visit` must not
  /// mutate anything.
  void ForEachFew(const Namespace& ns, std::string_view user,
                  FunctionRef<void(Entry&, const SessionView&)> visit) const;
  /// The live ones of them.
  [[nodiscard]] std::vector<UserSession> LiveFew(const Namespace& ns, std::string_view user,
                                                 TimeMs now) const;
  [[nodiscard]] bool LivesAt(const SessionKey& key, TimeMs now) const;
  /// Visits sessions that expired by `now`, are not freed, and that no mark covers.
  void ForEachUnswept(TimeMs now, FunctionRef<void(const SessionView&)> visit) const;

  /// The users of all sessions in memory, with their namespaces. O(all).
  [[nodiscard]] std::set<std::pair<uint32_t, std::string>> Owners() const;

  // Ops.
  void Put(const RecordHeader& header, const SessionPutOp& op);
  void Slide(const SessionSlideOp& op);
  void Merge(const SessionMergeOp& op);
  void Rotate(const RecordHeader& header, const SessionRotateOp& op);
  void MarkUser(const RecordHeader& header, const SessionMarkUserOp& op);
  void TrimUser(const RecordHeader& header, const SessionTrimUserOp& op);
  void MarkNamespace(const RecordHeader& header, const SessionMarkNamespaceOp& op);

  /// The live session at `key`. Precondition: there is one.
  [[nodiscard]] Entry* Live(const SessionKey& key) const;
  /// Frees what is dead at `key`; returns the live session there, or nullptr.
  [[nodiscard]] Entry* ClearPlace(const SessionKey& key, TimeMs now);
  /// Writes `draft` into `entry`, or into a new one, and sets its deadline.
  Entry* Store(const SessionKey& key, Entry* entry);
  /// Gives a session that a mark spares the newest serial.
  void Renumber(const SessionKey& key);
  /// False: the user has a session of the same handle or order, which no ops lead to.
  [[nodiscard]] bool AddToIndex(const SessionKey& key, Entry* entry);
  /// Puts the sessions of a user in order when they are no longer few. False: as above.
  [[nodiscard]] bool OrderMany(const Namespace& ns, std::string_view user);
  void RemoveFromIndex(const SessionKey& key, const SessionView& session);

  /// Tells the observer what becomes of a session: before the change, while the view is good.
  void Tell(const SessionView& session, SessionChange change) const {
    if (observer == nullptr) [[likely]]
      return;
    observer->SessionChanged(namespaces.At(session.ns).name, session.handle(), change);
  }

  // Endings.
  /// Marks the ordered sessions of a user up to `last`, all but `spared` of them, by the newest
  /// serial, and takes the order away. Returns how many that ended. O(1), but for what is unswept.
  size_t SetAsideMany(Namespace& ns, std::string_view user, TimeMs time, TimeMs tombstone_until,
                      const SeenSerial& last, size_t spared);
  /// Buries the session at `key` as `ending` says, or as it ended before.
  void End(const SessionKey& key, const SessionEnding& ending, TimeMs now);
  /// Ends the session in `entry`: counts, index, names; leaves a tombstone until its time.
  void Bury(const KeyRef& key, Entry* entry, const SessionEnding& ending, TimeMs now);
  /// Erases a tombstone, whether its time has come or somebody takes its place.
  void EraseTombstone(const KeyRef& key, Entry* entry);
  /// Turns the spent tokens of buried sessions into tombstones. Apart from Bury, because a table
  /// that fires due entries must not lose others meanwhile.
  void EndSpentTokens(TimeMs now);
  bool SweepSetAside(TimeMs now, size_t& budget);
  bool SweepMarked(TimeMs now, size_t& budget);
  bool SweepFlushed(size_t& budget);

  uint64_t seed;
  std::unique_ptr<Table> sessions;  // sessions, tombstones, spent tokens
  std::unique_ptr<UserIndex> users;
  size_t tombstones = 0;  // in `sessions`, of ended sessions: spent tokens of live ones are none
  Namespaces namespaces;
  /// Numbers the sessions and the marks as they are made, in one row: a mark covers the sessions of
  /// smaller serials. Counted by the ops alone, so it is the same on every role.
  uint64_t serial = 0;

  /// Ordered sessions that a mark took away from their user, to be buried in slices.
  struct SetAside {
    uint32_t ns = 0;
    std::string user;
    uint64_t serial = 0;  // of the user's mark; 0: a namespace's mark covers them
    std::unique_ptr<ManySessions> sessions;
  };
  std::deque<SetAside> set_aside;

  // The walk over all sessions for the namespaces' marks up to a serial.
  bool walking = false;
  uint64_t walk_cursor = 0;
  uint64_t walk_serial = 0;

  struct Flushed {
    std::unique_ptr<Table> sessions;
    std::unique_ptr<UserIndex> users;
    std::deque<SetAside> set_aside;
    std::unique_ptr<Namespaces> namespaces;  // what the sessions are read with
    [[nodiscard]] bool captured() const { return sessions->captured() || users->captured(); }
  };
  std::deque<Flushed> flushed;
  SessionCapture* capture = nullptr;  // of `sessions`, if there is one
  EventObserver* observer = nullptr;

  std::vector<std::pair<SessionKey, TimeMs>> ended_spent;  // key, tombstone's end

  // Scratch, kept for its memory.
  SessionDraft draft;
  std::string value;
  std::vector<std::string_view> words;
};

}  // namespace cloakroom
