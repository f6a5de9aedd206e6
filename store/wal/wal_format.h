#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/op/op.h"

namespace cloakroom {

// The log's form on disk; FORMAT.md has it in pictures.

/// Drawn at random at an empty start and at each promotion: two logs agree only where it does.
using HistoryId = std::array<char, 16>;

/// What stands at the beginning of a segment.
struct WalHeader {
  HistoryId history{};
  uint64_t first = 0;      // sequence number of its first record
  uint64_t synced = 0;     // all records up to this one were durable when it was begun
  TimeMs newest_time = 0;  // of the newest record before it
};

inline constexpr uint32_t kWalVersion = 1;
inline constexpr size_t kWalHeaderBytes = 64;

[[nodiscard]] std::string EncodeWalHeader(const WalHeader& header);

/// Reads the header at the beginning of `bytes`.
///   errors  kUnavailable  a newer build wrote it
///           kDamaged      it is no header, or cut off, or not what was written
[[nodiscard]] Result<WalHeader> DecodeWalHeader(std::string_view bytes);

/// What follows the header: frames, each a record or a mark. A mark says up to which record the log
/// was durable when it was written: proof that what is missing before it was there.
struct WalFrame {
  bool mark = false;
  RecordHeader header;      // of a record
  uint64_t synced = 0;      // of a mark
  uint64_t size_bytes = 0;  // of the record's ops
};

inline constexpr size_t kWalFrameBytes = 36;  // before the ops

/// From what each sum of a segment's frames goes on, so that bytes of another log, or bytes that a
/// client had us store, are not taken for its frames.
[[nodiscard]] uint32_t WalSalt(const HistoryId& history);

/// Appends a record's frame. O(size of the ops), about a copy and a half.
void AppendWalRecord(std::string& out, uint32_t salt, const RecordHeader& header,
                     std::string_view ops);
/// Appends a mark; synced > 0.
void AppendWalMark(std::string& out, uint32_t salt, uint64_t synced);

/// What the first kWalFrameBytes of `bytes` say, unchecked; they must be there.
[[nodiscard]] WalFrame DecodeWalFrame(std::string_view bytes);
/// Whether `bytes`, a whole frame, are what was written.
[[nodiscard]] bool WalFrameHolds(std::string_view bytes, uint32_t salt);

/// "00000000000000000001.wal" for the segment that begins with record 1.
[[nodiscard]] std::string WalSegmentName(uint64_t first);
/// The other way; nothing for a file that is no segment.
[[nodiscard]] std::optional<uint64_t> ParseWalSegmentName(std::string_view name);

}  // namespace cloakroom
