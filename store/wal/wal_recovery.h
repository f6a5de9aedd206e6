#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_segment.h"

namespace cloakroom {

/// What a recovery found: where the writer goes on.
struct WalEnd {
  RecordHeader newest;               // sequence 0: there was no record at all
  uint64_t records = 0;              // handed out
  std::optional<HistoryId> history;  // nothing: no segment is there
  std::vector<WalSegment> segments;  // that are kept, oldest first
};

/// Hands out the records from `from` >= 1 on, in order, and makes the log ready to be continued:
/// a torn tail is cut, with a log line, and all that was handed out is synced. When `visit` returns
/// false, the log is cut before that record: for going back to a point in time. Makes `directory`
/// if it is missing. Blocks.
///   errors  those of WalReader, then nothing was changed; and of the disk
[[nodiscard]] Result<WalEnd> RecoverWal(
    Disk& disk, const std::string& directory, uint64_t from,
    FunctionRef<bool(const RecordHeader& header, std::string_view ops)> visit);

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
