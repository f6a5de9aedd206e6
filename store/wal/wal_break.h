#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_segment.h"

namespace cloakroom {

/// Where a log cannot be read on: record `sequence` should begin there.
struct WalBreak {
  size_t segment = 0;  // index among the segments
  uint64_t offset = 0;
  uint64_t sequence = 0;
  uint64_t needed = 0;    // the first record that may not be lost: that one, or a later one
  std::string reason;     // "record 57 does not match its checksum"
  bool cut_off = false;   // it would reach beyond the end of the file
  bool damaged = false;   // else a torn tail: what comes from here on was never promised
  uint64_t next = 0;      // the first record behind it that is whole; 0: none
  std::string next_path;  // where that one is
  uint64_t next_offset = 0;
};

/// Tells a torn tail from damage, and says so in `found`, of which it takes the place.
///
/// What was written and not synced may be lost in a power cut, any sector of it: a later record may
/// survive an earlier one. So a valid record behind the break does not by itself mean damage. It is
/// damage when
///   - a mark, a header or a segment says that the missing record was durable once; or
///   - records behind it are whole, and what stands in its place is no lost sector: a sector that
///     never reached the disk reads as zeros from the end of the record before.
/// `synced` is the highest record that a header says to have been durable.
/// Reads the rest of the segment and all of the next. Never changes anything.
[[nodiscard]] Result<void> ExamineWalBreak(Disk& disk, const std::vector<WalSegment>& segments,
                                           uint64_t synced, WalBreak& found);

}  // namespace cloakroom
