#include "store/wal/wal_break.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace cloakroom {
namespace {

// Below it no file system loses a part of what it wrote at once.
constexpr uint64_t kSectorBytes = 512;
// Before a search gives up, it may sum so many times the bytes it walks over.
constexpr uint64_t kSumsPerByte = 4;
constexpr uint64_t kSumsMin = uint64_t{1} << 20;

/// What a search through a segment found.
struct Traces {
  uint64_t synced = 0;  // the highest that a mark says
  uint64_t record = 0;  // the first whole record at or after the one that is missing; 0: none
  uint64_t record_at = 0;
  std::optional<uint64_t> frame_at;  // the first whole frame of either kind
  bool gave_up = false;
};

/// Looks for frames at every byte from `offset` on.
Result<Traces> Search(WalSegmentReader& reader, uint64_t offset, uint32_t salt, uint64_t sequence) {
  Traces traces;
  uint64_t sums_left = kSumsMin + kSumsPerByte * reader.size_bytes();
  // A log of so many bytes has no more records than this.
  const uint64_t sequence_max = sequence + 2 * (reader.size_bytes() / kWalFrameBytes) + 2;
  while (offset + kWalFrameBytes <= reader.size_bytes()) {
    TRY(const std::string_view head, reader.Bytes(offset, kWalFrameBytes));
    const WalFrame frame = DecodeWalFrame(head);
    const uint64_t claims = frame.mark ? frame.synced : frame.header.sequence;
    const uint64_t room = reader.size_bytes() - offset - kWalFrameBytes;
    const bool likely = frame.mark ? claims > 0 && frame.size_bytes == 0 : claims >= sequence;
    if (!likely || claims > sequence_max || frame.size_bytes > room) {
      ++offset;
      continue;
    }
    const uint64_t size = kWalFrameBytes + frame.size_bytes;
    if (size > sums_left) {
      traces.gave_up = true;
      return traces;
    }
    sums_left -= size;
    TRY(const std::string_view whole, reader.Bytes(offset, size));
    if (!WalFrameHolds(whole, salt)) {
      ++offset;
      continue;
    }
    if (!traces.frame_at) traces.frame_at = offset;
    if (frame.mark) traces.synced = std::max(traces.synced, frame.synced);
    if (!frame.mark && traces.record == 0) {
      traces.record = claims;
      traces.record_at = offset;
    }
    offset += size;
  }
  return traces;
}

/// Whether a sector is missing in [offset, end): zeros from where it or the range begins.
Result<bool> HasLostSector(WalSegmentReader& reader, uint64_t offset, uint64_t end) {
  while (offset < end) {
    const uint64_t sector_end =
        std::min((offset / kSectorBytes + 1) * kSectorBytes, reader.size_bytes());
    if (sector_end > end) break;  // the frame behind the range is in it: it is there
    TRY(const std::string_view bytes, reader.Bytes(offset, sector_end - offset));
    if (bytes.find_first_not_of('\0') == bytes.npos) return true;
    offset = sector_end;
  }
  return false;
}

/// The salt of a segment whose own header is lost is that of the one before.
uint32_t SaltOf(const std::vector<WalSegment>& segments, size_t index) {
  for (size_t i = index + 1; i-- > 0;)
    if (segments[i].has_header) return WalSalt(segments[i].header.history);
  return WalSalt({});
}

void NoteRecord(const Traces& traces, const std::string& path, WalBreak& found) {
  if (traces.record == 0 || found.next != 0) return;
  found.next = traces.record;
  found.next_path = path;
  found.next_offset = traces.record_at;
}

}  // namespace

Result<void> ExamineWalBreak(Disk& disk, const std::vector<WalSegment>& segments, uint64_t synced,
                             WalBreak& found) {
  const size_t index = found.segment;
  TRY(WalSegmentReader reader, WalSegmentReader::Open(disk, segments[index].path));
  TRY(const Traces here, Search(reader, found.offset, SaltOf(segments, index), found.needed));
  NoteRecord(here, segments[index].path, found);
  synced = std::max(synced, here.synced);
  bool behind = here.frame_at.has_value() || here.gave_up;
  found.damaged = here.gave_up;
  size_t later = 0;  // segments that hold something
  for (size_t i = index + 1; i < segments.size(); ++i) {
    // The writer begins a third segment only when the first is durable.
    if (segments[i].empty) continue;
    if (++later == 2) found.damaged = true;
    if (later > 1) break;
    TRY(WalSegmentReader next, WalSegmentReader::Open(disk, segments[i].path));
    TRY(const Traces there, Search(next, 0, SaltOf(segments, i), found.needed));
    NoteRecord(there, segments[i].path, found);
    synced = std::max(synced, there.synced);
    behind = behind || there.frame_at.has_value() || there.gave_up;
    found.damaged = found.damaged || there.gave_up;
  }
  if (synced >= found.needed) found.damaged = true;
  if (found.damaged) return {};
  uint64_t end = here.frame_at.value_or(reader.size_bytes());
  if (found.offset == 0 && !segments[index].has_header) {
    // A header is whole, or its sector is missing, or it was the last that was written. Without it
    // nobody can tell whether what follows are frames.
    TRY(const bool last,
        reader.ZerosFrom(std::min<uint64_t>(kWalHeaderBytes, reader.size_bytes())));
    behind = behind || !last;
    end = std::min(kSectorBytes, reader.size_bytes());
  }
  if (!behind) return {};
  TRY(const bool lost, HasLostSector(reader, found.offset, end));
  // What the next segment shows to be missing may also have been behind the end of this file.
  const bool behind_end = found.cut_off || found.offset == reader.size_bytes();
  found.damaged = !lost && !(behind_end && !here.frame_at);
  return {};
}

}  // namespace cloakroom
