#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_break.h"
#include "store/wal/wal_segment.h"

namespace cloakroom {

/// Reads the records of a log in order, over its segments; blocks; changes nothing.
class WalReader {
 public:
  /// To read from record `from` >= 1 on. A directory without a log has an empty one.
  ///   errors  as ListWalSegments; and
  ///           kDamaged  the log begins after `from`
  [[nodiscard]] static Result<WalReader> Open(Disk& disk, const std::string& directory,
                                              uint64_t from);

  /// The next record. `ops` is valid until the next call. False at the end of the log: where it
  /// ends, or where its tail is torn (see torn()).
  ///   errors  kDamaged  with the file, the offset, and what to do
  ///           kIo       reading failed
  [[nodiscard]] Result<bool> Next(RecordHeader& header, std::string_view& ops);

  /// The sequence number that comes next: `from` at first, then the one after the newest read.
  [[nodiscard]] uint64_t next() const { return next_; }
  /// Where the frame that comes next begins, or would.
  struct Place {
    size_t segment = 0;
    uint64_t offset = 0;
  };
  [[nodiscard]] Place place() const { return {index_, offset_}; }
  /// Where the record that Next handed out last begins, and the header of the one before it.
  [[nodiscard]] const Place& record_place() const { return record_place_; }
  [[nodiscard]] const RecordHeader& before() const { return before_; }
  /// Before `from` on too: whatever was read of it.
  [[nodiscard]] const RecordHeader& newest() const { return newest_; }
  /// The highest record that what was read, or a header, says to have been durable.
  [[nodiscard]] uint64_t proven() const { return proven_; }
  /// Once Next has returned false: where the tail was torn, if it was.
  [[nodiscard]] const std::optional<WalBreak>& torn() const { return torn_; }
  /// Once Next has failed: where the log is damaged.
  [[nodiscard]] const std::optional<WalBreak>& damage() const { return damage_; }
  /// Those that have at least a header or what should be one, oldest first.
  [[nodiscard]] const std::vector<WalSegment>& segments() const { return segments_; }
  /// Those that hold nothing at all: left over from a start, or from a full disk.
  [[nodiscard]] const std::vector<WalSegment>& leftovers() const { return leftovers_; }
  /// Of the newest segment that says it.
  [[nodiscard]] const std::optional<HistoryId>& history() const { return history_; }

 private:
  explicit WalReader(Disk& disk) : disk_(&disk) {}

  [[nodiscard]] Result<bool> Step(RecordHeader& header, std::string_view& ops, bool& more);
  [[nodiscard]] Result<bool> EndOfSegment();
  [[nodiscard]] Result<bool> Broken(std::string reason, bool cut_off);

  Disk* disk_;
  std::vector<WalSegment> segments_;
  std::vector<WalSegment> leftovers_;
  std::optional<HistoryId> history_;
  std::optional<WalSegmentReader> reader_;  // of segment index_, once it was opened
  size_t index_ = 0;
  uint64_t offset_ = 0;
  uint64_t expected_ = 0;  // the record at offset_
  uint64_t from_ = 0;
  uint64_t next_ = 0;
  uint64_t proven_ = 0;
  RecordHeader newest_;
  RecordHeader before_;
  Place record_place_;
  std::optional<WalBreak> torn_;
  std::optional<WalBreak> damage_;
  bool ended_ = false;
};

}  // namespace cloakroom
