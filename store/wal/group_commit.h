#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/scheduler.h"
#include "store/op/ack_level.h"
#include "store/op/log_room.h"
#include "store/op/op.h"
#include "store/wal/wal_writer.h"

namespace cloakroom {

/// When what is written is synced; the names of option appendfsync.
enum class SyncPolicy : uint8_t {
  kAlways,       // at once
  kEverySecond,  // at most once a second
  kNever,        // only at a change of segments, and at the end
};

/// Takes the records of a turn to the disk together: one write, and at most one sync, for all of
/// them, while the loop goes on. Knows how far the log has come.
///
///     Append, Append, ... EndTurn        records gather in `pending`
///     -> write under way -> kOs          one at a time; meanwhile the next records gather
///     -> sync under way  -> kDisk        one at a time, over all that was written before it began
///
/// Everything is told from the loop, never from within a call; it must not be destroyed by who is
/// told. At one time there is one write and one sync at most: of two syncs of a file the kernel may
/// tell either one of a failure.
class GroupCommit {
 public:
  struct Options {
    WalWriter::Options log;
    SyncPolicy policy = SyncPolicy::kEverySecond;
    /// With so many bytes not written yet it is Congested.
    uint64_t pending_bytes_max = uint64_t{64} << 20;
  };
  struct Events {
    /// A level has risen, or whether it is Congested has changed, or what MakeRoom says.
    std::function<void()> changed;
    /// A sync failed, and nothing is known of what was written. No level rises any more: say so
    /// and stop.
    std::function<void(const Error& error)> failed;
  };

  GroupCommit(Clock& clock, Scheduler& scheduler, Disk& disk, Options options, Events events);
  ~GroupCommit();

  /// Goes on behind what recovery has found, with record `last` + 1; `last` is at least that of the
  /// log, and more when an image is newer. Blocks.
  [[nodiscard]] Result<void> StartNow(const WalEnd& end, uint64_t last);

  /// Takes a record. O(size of the ops): a copy and a checksum.
  ///   precondition  header.sequence follows the one before
  void Append(const RecordHeader& header, std::string_view ops);
  /// A reply waits for record `sequence` to be at kDisk, whatever the policy: it is synced with the
  /// write that takes it.
  void NeedDisk(uint64_t sequence);
  /// Hands over what was taken. Costs a few microseconds when something was.
  void EndTurn();

  /// The newest record that has come as far as `level`: kMemory, kOs or kDisk. Never goes back.
  [[nodiscard]] uint64_t Reached(AckLevel level) const;

  /// Whether a command that adds about `bytes` to the log may be executed. False while the disk is
  /// full or fails to write, once what was reserved ahead runs short: refuse it (MISCONF). What is
  /// appended nevertheless waits in memory for the disk to come back. O(1).
  [[nodiscard]] bool CanAccept(uint64_t bytes) const;
  /// Whether a record of `bytes` can be written with what is reserved, so that it never waits for
  /// space. `kept`: and something stays for what nobody can refuse. O(1).
  [[nodiscard]] bool HasRoom(uint64_t bytes, bool kept = true) const;
  /// As HasRoom; when there is too little, has more reserved by EndTurn. What cannot be had is not
  /// asked of the disk again for a second.
  [[nodiscard]] LogRoom MakeRoom(uint64_t bytes);
  /// Why MakeRoom said kNo, for a person.
  [[nodiscard]] const std::string& denied_reason() const;
  /// What refuses writes, for a person; empty while nothing does.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  /// The disk cannot keep up: so much waits that nothing more should be executed until `changed`.
  [[nodiscard]] bool Congested() const;

  /// Writes and syncs all there is, and tells. When the disk refuses, it tells that instead of
  /// trying again. Nothing may be appended any more.
  void Stop(std::function<void(Result<void> result)> done);

  void set_policy(SyncPolicy policy);
  /// The files: sizes, and what may be dropped.
  [[nodiscard]] WalWriter& writer() { return writer_; }
  [[nodiscard]] const WalWriter& writer() const { return writer_; }
  /// Bytes that were appended and are not written.
  [[nodiscard]] uint64_t PendingBytes() const { return pending_.size() + batch_bytes_; }
  /// Memory of records on their way to the disk.
  [[nodiscard]] size_t BufferBytes() const {
    return pending_.capacity() + spare_.capacity() + batch_memory_;
  }
  /// Since when a sync is under way, by the monotonic clock; nothing: none is.
  [[nodiscard]] std::optional<int64_t> SyncingSinceUs() const;

 private:
  void Advance();
  void WriteIfPossible();
  void WritePending(bool and_sync);
  void Written(Result<void> result, std::string bytes, bool and_sync);
  void NextSegment();
  void SyncIfDue();
  void BeginSync();
  void Synced(Result<void> result, uint64_t up_to);
  void StopIfDone();
  void Stopped(Result<void> result);
  void NoteRoom();
  void NoteAsked();
  void Refuse(std::string reason);
  void Accept();
  void Retry();
  void Fail(Error error);
  [[nodiscard]] bool WantsDisk() const;

  Clock& clock_;
  Options options_;
  Events events_;
  WalWriter writer_;
  uint32_t salt_;
  std::unique_ptr<Timer> sync_timer_;
  std::unique_ptr<Timer> retry_timer_;

  std::string pending_;       // frames not handed over yet
  std::string spare_;         // the memory of the last batch
  std::string failed_;        // a batch that could not be written; comes before `pending_`
  uint64_t batch_bytes_ = 0;  // of the batch that is being written, or failed
  size_t batch_memory_ = 0;   // of its bytes
  uint64_t batch_last_ = 0;   // its newest record

  uint64_t appended_ = 0;
  TimeMs appended_time_ = 0;
  uint64_t appended_epoch_ = 0;
  uint64_t written_ = 0;
  uint64_t synced_ = 0;
  uint64_t marked_ = 0;       // up to where the log says that it is durable
  uint64_t disk_wanted_ = 0;  // by replies

  bool syncing_ = false;
  int64_t sync_began_us_ = 0;
  int64_t segment_retry_us_ = 0;  // not before this
  bool write_failing_ = false;
  std::string refusal_;
  uint64_t asked_ = 0;           // the largest record that waits for space
  uint64_t denied_ = 0;          // the smallest for which there was none
  int64_t denied_until_us_ = 0;  // it is not tried again before
  bool dead_ = false;            // after a failed sync
  std::function<void(Result<void> result)> stopped_;
};

}  // namespace cloakroom
