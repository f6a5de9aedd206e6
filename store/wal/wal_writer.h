#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/disk.h"
#include "store/wal/wal_recovery.h"
#include "store/wal/wal_segment.h"
#include "store/wal/wal_tail.h"

namespace cloakroom {

/// The log's files as they grow: segments, the space reserved ahead in the newest, and what of all
/// that is not synced yet. It knows no records, only bytes; GroupCommit decides what is written and
/// synced when. Callbacks come from the loop; none comes after it is destroyed.
class WalWriter {
 public:
  struct Options {
    std::string directory;
    HistoryId history{};
    /// A segment that has grown so long is followed by the next; a batch is never split.
    uint64_t segment_bytes = uint64_t{64} << 20;
    /// So much space at least is to stand ready behind what is written.
    uint64_t reserve_bytes = uint64_t{4} << 20;
    /// Dropped segments are kept while those after them hold less than this, or while their newest
    /// record is younger. 0: not for that.
    uint64_t keep_bytes = 0;
    TimeMs keep_ms = 0;
  };
  using Done = DiskFile::Done;
  using WriteDone = DiskFile::WriteDone;

  /// `room_changed` is called when space was reserved, or could not be.
  WalWriter(Disk& disk, Options options, std::function<void()> room_changed);
  ~WalWriter();
  WalWriter(const WalWriter&) = delete;
  WalWriter& operator=(const WalWriter&) = delete;

  /// Begins the segment of record `first`, durably, behind what recovery has found. Blocks.
  [[nodiscard]] Result<void> StartNow(const WalEnd& end, uint64_t first);

  // The write path. Of these a Sync may be under way beside one of the others.

  /// Puts `batch` behind what is written. With kSync the newest segment is then synced.
  ///   precondition  not busy(); with kSync also OnlyNewestUnsynced(), and no Sync under way
  void Write(std::string batch, DiskFile::Then then, WriteDone done);
  /// Whether a Write or NextSegment is under way.
  [[nodiscard]] bool busy() const { return busy_; }

  /// The newest segment is long enough, and the one before it is durable.
  [[nodiscard]] bool WantsNextSegment() const;
  /// Ends the newest segment and begins one for record `first`, with space for `bytes`. When it
  /// fails, the newest goes on.
  void NextSegment(uint64_t first, uint64_t synced, TimeMs newest_time, uint64_t bytes, Done done);

  /// Makes durable what was written before, in whichever segment, and the names. One at a time.
  /// Any error means a failed sync.
  void Sync(Done done);
  [[nodiscard]] bool OnlyNewestUnsynced() const { return older_ == nullptr && !names_unsynced_; }

  // Space.

  /// Has at least reserve_bytes ready beyond `ahead` bytes that are still to be written, and if it
  /// can be had `asked` more.
  void Reserve(uint64_t ahead, uint64_t asked = 0);
  /// What the last Reserve was asked for and could not have, although it has the rest; 0: nothing.
  [[nodiscard]] uint64_t denied() const { return denied_; }
  [[nodiscard]] const std::string& denied_reason() const { return denied_reason_; }
  /// Ready behind what is written; a Write under way counts as not written. While the next segment
  /// is being made, what is ready in both.
  [[nodiscard]] uint64_t RoomBytes() const;
  [[nodiscard]] bool reserving() const { return reserving_; }
  /// The last Reserve failed. It is tried again by the next, and when a segment has gone.
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] const std::string& full_reason() const { return full_reason_; }

  /// Records before `sequence` are needed no more: drops the segments that hold only such, as far
  /// as they need not be kept. `now` as the records' time.
  void DropBefore(uint64_t sequence, TimeMs now);
  void set_keep(uint64_t keep_bytes, TimeMs keep_ms);

  /// Of all segments, without what is reserved.
  [[nodiscard]] uint64_t bytes() const { return older_bytes_ + offset_; }
  /// The first record that is still there.
  [[nodiscard]] uint64_t first() const { return segments_.front().first; }
  [[nodiscard]] size_t segments() const { return segments_.size(); }
  /// Where record `sequence` lies, or will; nothing: it was dropped.
  [[nodiscard]] std::optional<WalTail::Place> Find(uint64_t sequence) const;
  [[nodiscard]] const HistoryId& history() const { return options_.history; }

 private:
  struct Segment {
    std::string path;
    uint64_t first = 0;
    uint64_t bytes = 0;      // of the newest: 0
    TimeMs time_before = 0;  // of the newest record before it
  };
  struct NewSegment;
  struct SyncRun;

  /// `call`, unless we are gone by then.
  template <typename Call>
  [[nodiscard]] auto WhileAlive(Call call) const;
  [[nodiscard]] std::string PathOf(uint64_t first) const;
  struct Wish;
  void ReserveTo(uint64_t end, const Wish& wish);
  [[nodiscard]] bool ReservesLess(uint64_t end, const Wish& wish, const Error& error);
  void ReserveFirst();
  void WriteHead();
  void Adopt();
  void Abandon(Error error);
  void EndMaking(Result<void> result);
  void Remove();

  Disk& disk_;
  Options options_;
  std::function<void()> room_changed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  std::deque<Segment> segments_;  // the newest last
  uint64_t older_bytes_ = 0;
  DiskFilePtr newest_;
  DiskFilePtr older_;  // the one before, until it is durable
  bool names_unsynced_ = false;
  uint64_t offset_ = 0;  // where the next batch goes
  bool busy_ = false;
  std::unique_ptr<NewSegment> making_;

  uint64_t allocated_ = 0;  // end of the space reserved in the newest
  bool can_reserve_ = true;
  bool reserving_ = false;
  bool full_ = false;
  uint64_t ahead_ = 0;  // as Reserve was last told
  std::string full_reason_;
  uint64_t denied_ = 0;
  std::string denied_reason_;

  std::deque<std::string> removing_;  // oldest first; the first is under way
};

}  // namespace cloakroom
