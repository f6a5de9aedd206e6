#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_reader.h"
#include "store/wal/wal_segment.h"

namespace cloakroom {

/// What a recovery found: where the writer goes on.
struct WalEnd {
  RecordHeader newest;               // sequence 0: there was no record at all
  uint64_t records = 0;              // handed out
  std::optional<HistoryId> history;  // nothing: no segment is there
  std::vector<WalSegment> segments;  // that are kept, oldest first
};

/// Reads a log in slices and then makes it ready to be continued; blocks while it works. Nothing is
/// changed before Finish.
class WalRecovery {
 public:
  /// When it returns false, the log is to be cut before that record.
  using Visit = FunctionRef<bool(const RecordHeader& header, std::string_view ops)>;

  /// To hand out the records from `from` >= 1 on.
  ///   errors  those of WalReader
  [[nodiscard]] static Result<WalRecovery> Open(Disk& disk, std::string directory, uint64_t from);

  /// Hands out records, in order, about `bytes` of them. False: the last was handed out.
  ///   errors  those of WalReader
  [[nodiscard]] Result<bool> Step(uint64_t bytes, Visit visit);

  /// Once Step has returned false: cuts a torn tail, with a log line, or what `visit` refused, and
  /// syncs all that was handed out.
  [[nodiscard]] Result<WalEnd> Finish();

  /// How much of the log was read, of how much.
  [[nodiscard]] uint64_t read_bytes() const { return read_bytes_; }
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] const WalReader& reader() const { return reader_; }

 private:
  WalRecovery(Disk& disk, std::string directory, WalReader reader);

  Disk* disk_;
  std::string directory_;
  WalReader reader_;
  WalEnd end_;
  uint64_t from_ = 0;
  uint64_t read_bytes_ = 0;
  uint64_t size_bytes_ = 0;
  std::optional<WalReader::Place> cut_;
  bool again_ = false;  // a planted bug: the tail is replayed twice
};

/// All of it at once: MakeDirectoryDurably, Open, Step until the end, Finish.
[[nodiscard]] Result<WalEnd> RecoverWal(Disk& disk, const std::string& directory, uint64_t from,
                                        WalRecovery::Visit visit);

/// What --check-log prints: what is there, a line a segment, and where and why it breaks off.
struct WalReport {
  bool good = true;  // a start would accept it: no damage
  std::string text;
};
[[nodiscard]] Result<WalReport> CheckWal(Disk& disk, const std::string& directory);

/// Drops record `sequence` and all after it, whatever is left of them: what --truncate-log-at does.
/// Returns what was done, for a person. Blocks.
///   errors  kOutOfRange  the log ends before; nothing was changed
///           kDamaged     it begins later, or is damaged further ahead; nothing was changed
[[nodiscard]] Result<std::string> TruncateWalAt(Disk& disk, const std::string& directory,
                                                uint64_t sequence);

}  // namespace cloakroom
