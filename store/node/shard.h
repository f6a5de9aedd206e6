#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/clock.h"
#include "store/env/random.h"
#include "store/node/evictor.h"
#include "store/op/ack_level.h"
#include "store/op/log_room.h"
#include "store/op/op_log.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"
#include "store/table/memory_budget.h"

namespace cloakroom {

class GroupCommit;
/// The commit path of one shard: time, log, keyspace. One command's batch, or all of an EXEC, is
/// one record.
class Shard {
 public:
  struct Options {
    uint32_t databases = 16;
    uint64_t backlog_bytes_max = 1 << 20;
  };
  Shard(Clock& clock, Random& random, const Options& options);
  ~Shard();

  /// Reads the clock once for a turn: now() = max(wall clock, newest record's time), never back;
  /// while the wall clock is behind it runs on by the monotonic one.
  void BeginTurn();
  [[nodiscard]] TimeMs now() const;

  /// Applies `batch` and appends it to the log; clears it. Inside an open record the ops are
  /// applied now and logged when the record closes. Returns the record's sequence number; for an
  /// empty batch, which leaves no record, that of the newest one.
  uint64_t Commit(WriteBatch& batch);

  /// Between these, commits make up one record (EXEC), or none when nothing was written. Not
  /// nested; no turn begins and nothing is swept meanwhile.
  void OpenRecord();
  void CloseRecord();

  // The log on disk.

  /// Applies a record that was made before: by recovery, in order.
  ///   precondition  header.sequence follows the newest, no record is open
  void Replay(const RecordHeader& header, std::string_view ops);
  /// Goes on behind `newest`, whose state the keyspace holds: that of an image.
  void Continue(const RecordHeader& newest);
  /// Applies the next record of the primary that is followed: as Replay, and logs it.
  void Follow(const RecordHeader& header, std::string_view ops);
  /// While a primary is followed nothing is logged by itself, and nothing evicted.
  void set_following(bool following);
  [[nodiscard]] bool following() const;
  /// A primary begins an epoch later than the newest record's: logs a record without ops.
  void BeginEpoch(uint64_t epoch);
  /// The keyspace holds another state now, of which `newest` was the last record. No record is
  /// open, and there is no journal.
  void Restart(const RecordHeader& newest);

  /// Too few replicas follow for writes to be taken: min-replicas-to-write.
  void set_lacks_replicas(bool lacks);
  [[nodiscard]] bool lacks_replicas() const;
  /// A replica that is so far behind that reads are refused: replica-max-lag.
  void set_stale(bool stale);
  [[nodiscard]] bool stale() const;
  /// Whether any of this is so, or a primary is followed: one look for each command.
  [[nodiscard]] bool guarded() const;

  /// A replica's image is being taken: no other can be. `give_up` ends it at once.
  void SetFeedCapture(std::function<void()> give_up);
  [[nodiscard]] bool feed_captures() const;
  void GiveUpFeedCapture();

  /// The header of the newest record; sequence 0: there was none.
  [[nodiscard]] RecordHeader newest() const;
  /// From now on every record goes to `journal` too, which must go on behind the newest and outlive
  /// the shard or the next call. `promised` is the level that replies wait for unless a policy says
  /// otherwise. nullptr and kMemory: the log is in memory alone.
  void SetJournal(GroupCommit* journal, AckLevel promised);
  /// Changes that level alone. Unlike the other it may be called while a record is open.
  void set_promised(AckLevel promised);
  [[nodiscard]] AckLevel promised() const;
  [[nodiscard]] bool has_journal() const;
  /// Hands the turn's records to the disk. Costs a few microseconds when there are any.
  void EndTurn();
  /// A reply waits for record `sequence` to reach the disk, whatever appendfsync says.
  void NeedDisk(uint64_t sequence);
  /// Whether a command that brings about `bytes` may change anything; false while the disk takes no
  /// more, or RefuseWrites says so. Why is in refusal().
  [[nodiscard]] bool CanAccept(uint64_t bytes) const;
  /// Whether the log has space for `bytes` of ops more, those of an open record included, so that
  /// they never wait for it. An open record may take what is kept for what nobody can refuse. O(1).
  [[nodiscard]] bool HasLogRoom(uint64_t bytes) const;
  /// As HasLogRoom; when there is too little, asks for more: see GroupCommit::MakeRoom.
  [[nodiscard]] LogRoom MakeLogRoom(uint64_t bytes);
  /// False while CanAccept is true of anything.
  [[nodiscard]] bool Refuses() const;
  [[nodiscard]] std::string refusal() const;
  /// Why MakeLogRoom said kNo.
  [[nodiscard]] std::string log_denial() const;
  /// While `reason` is not empty no write is accepted.
  void RefuseWrites(std::string reason);
  /// The state is not whole yet: nothing may read or change it.
  void set_loading(bool loading);
  /// While the directory is marked as holding no whole state, what is in the log counts for
  /// nothing: a start would begin empty. Reached says so.
  void set_disk_void(bool is_void);
  [[nodiscard]] bool loading() const;
  /// While held, the log's time stands still: records get that of the newest one, so nothing dies
  /// of its deadline, and nothing is evicted. Reads hide by now() as ever. For a shard that follows
  /// somebody who tells what ends, such as a Redis.
  void set_time_held(bool held);
  [[nodiscard]] bool time_held() const;
  /// The disk is so far behind that nothing more should be executed until it has caught up.
  [[nodiscard]] bool Congested() const;
  /// The newest record that changed something: what a read depends on. Those that only tell the
  /// time are none; an open one counts as soon as it has ops.
  [[nodiscard]] uint64_t last_change() const;
  /// How many changes were made since the process started: keys written, or records without any.
  [[nodiscard]] uint64_t changes() const;

  /// The memory limit and what is done to keep it. 0 bytes: none.
  struct MemoryOptions {
    uint64_t limit_bytes = 0;
    Evictor::Options eviction;
    AccessClock::Options access;
  };
  void SetMemoryOptions(const MemoryOptions& options);
  /// Outside the tables the process has allocated so much.
  void SetOutsideBytes(size_t bytes);
  [[nodiscard]] MemoryBudget& budget();
  [[nodiscard]] Evictor& evictor();
  /// Reads the tables anew; free to be called at any time.
  const MemoryBudget& Measure();

  /// Before a command that may grow: evicts until memory is within its limit, as far as the turn's
  /// time allows. False: the command must be refused.
  [[nodiscard]] bool MakeRoom();

  enum class Room {
    kYes,    // commit it
    kAgain,  // something was evicted: what the handler read may be gone, run it again
    kLater,  // so much must go that it takes more turns: run it again in the next
    kNo,     // it cannot fit
  };
  /// Before a batch is committed that budget().Fits does not let pass.
  ///   credit    bytes outside the tables that go as the command ends (its own words)
  ///   reserved  0 at first; then as the last call left it
  [[nodiscard]] Room Reserve(const WriteBatch& batch, size_t credit, size_t& reserved);
  /// Whether it fits as it is, or goes beyond the limit by no more than `slack`. Evicts nothing.
  [[nodiscard]] bool HasRoomFor(const WriteBatch& batch, size_t slack);
  /// Goes on evicting for a command that was told kLater, `bytes` being what it had reserved.
  /// False: run it now.
  [[nodiscard]] bool GoesOnWaiting(size_t bytes);

  /// Logs the time when a deadline passed and nothing was written since, or a second went by
  /// without a record; then frees what is dead by the log, about `budget` units, and evicts while
  /// the turn's time for that lasts. Returns false when more is left to do now.
  bool Sweep(size_t budget);

  /// Before commands read: ends what is due by now, about `budget` units, so that nobody finds it
  /// gone before it has ended. Next to nothing when nothing is due.
  void EndDue(size_t budget);

  [[nodiscard]] Keyspace& keys();
  [[nodiscard]] const Keyspace& keys() const;
  [[nodiscard]] OpLog& log();
  /// The sequence number up to which records have reached `level`. Without a journal none ever
  /// reaches another level than kMemory.
  [[nodiscard]] uint64_t Reached(AckLevel level) const;

 private:
  [[nodiscard]] Evictor::Made EvictFor(size_t bytes);
  [[nodiscard]] Evictor::Made RunEvictor(size_t bytes);
  [[nodiscard]] bool SweepDead(size_t budget);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
