#include "store/wal/wal_recovery.h"

#include <algorithm>
#include <utility>

#include "store/base/log.h"
#include "store/base/planted.h"
#include "store/wal/wal_reader.h"

namespace cloakroom {
namespace {

/// Drops all from `place` on. A power cut meanwhile leaves a log that ends there, or a longer one.
Result<void> Cut(Disk& disk, const std::string& directory, const std::vector<WalSegment>& segments,
                 WalReader::Place place) {
  for (size_t i = segments.size(); i-- > place.segment + 1;)
    TRY_VOID(disk.RemoveNow(segments[i].path));
  TRY_VOID(disk.SyncDirectoryNow(directory));
  const std::string& path = segments[place.segment].path;
  if (place.offset <= kWalHeaderBytes) {
    TRY_VOID(disk.RemoveNow(path));
    return disk.SyncDirectoryNow(directory);
  }
  TRY(const DiskFilePtr file, disk.OpenNow(path, Disk::Mode::kWrite));
  TRY_VOID(file->TruncateNow(place.offset));
  return file->SyncNow();
}

/// Removes what holds no record, from `segments` too.
Result<void> RemoveEmpty(Disk& disk, const std::vector<WalSegment>& leftovers,
                         std::vector<WalSegment>& segments) {
  for (const WalSegment& segment : leftovers) TRY_VOID(disk.RemoveNow(segment.path));
  for (const WalSegment& segment : segments)
    if (segment.empty) TRY_VOID(disk.RemoveNow(segment.path));
  std::erase_if(segments, [](const WalSegment& segment) { return segment.empty; });
  return {};
}

/// Writes what a file holds over itself. The kernel takes what it failed to sync for synced, and
/// still shows it to us: only what is written again is sure to reach the disk with the next sync.
Result<void> WriteAgain(DiskFile& file) {
  constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
  TRY(const uint64_t size, file.SizeNow());
  std::string piece;
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(kPieceBytes, size - at));
    TRY(const size_t got, file.ReadNow(at, piece));
    if (got < piece.size()) return Fail(Code::kIo, "the log became shorter while it was read");
    // Behind the records lie zeros that were never written.
    if (piece.find_first_not_of('\0') != piece.npos) TRY_VOID(file.WriteNow(at, piece));
  }
  return {};
}

/// The process before may have ended before it synced its last writes, or because it could not.
Result<void> SyncLast(Disk& disk, const std::string& directory,
                      const std::vector<WalSegment>& segments, bool proven) {
  const size_t doubtful = proven ? 0 : std::min<size_t>(segments.size(), 2);
  for (size_t i = segments.size() - doubtful; i < segments.size(); ++i) {
    TRY(const DiskFilePtr file, disk.OpenNow(segments[i].path, Disk::Mode::kWrite));
    TRY_VOID(WriteAgain(*file));
    TRY_VOID(file->SyncNow());
  }
  return disk.SyncDirectoryNow(directory);
}

Result<void> MakeDirectory(Disk& disk, const std::string& directory) {
  TRY_VOID(disk.MakeDirectoryNow(directory));
  const size_t slash = directory.rfind('/');
  if (slash == directory.npos) return disk.SyncDirectoryNow(".");
  return disk.SyncDirectoryNow(directory.substr(0, std::max<size_t>(slash, 1)));
}

uint64_t BytesFrom(const std::vector<WalSegment>& segments, WalReader::Place place) {
  uint64_t bytes = segments[place.segment].size_bytes - place.offset;
  for (size_t i = place.segment + 1; i < segments.size(); ++i) bytes += segments[i].size_bytes;
  return bytes;
}

}  // namespace

Result<WalEnd> RecoverWal(
    Disk& disk, const std::string& directory, uint64_t from,
    FunctionRef<bool(const RecordHeader& header, std::string_view ops)> visit) {
  TRY_VOID(MakeDirectory(disk, directory));
  TRY(WalReader reader, WalReader::Open(disk, directory, from));
  WalEnd end;
  std::optional<WalReader::Place> cut;
  bool again = false;
  RecordHeader header;
  std::string_view ops;
  while (true) {
    const WalReader::Place place = reader.place();
    const RecordHeader before = reader.newest();
    TRY(const bool more, reader.Next(header, ops));
    end.newest = reader.newest();
    if (!more && Planted(Plant::kTailReplayedTwice) && end.records > 0 && !again) {
      again = true;
      TRY(reader, WalReader::Open(disk, directory, std::max(from, reader.segments().back().first)));
      continue;
    }
    if (!more) break;
    if (!visit(header, ops)) {
      cut = place;
      end.newest = before;
      break;
    }
    ++end.records;
  }
  if (const auto& torn = reader.torn()) {
    cut = {torn->segment, torn->offset};
    Log(LogLevel::kWarning, "The log's tail is torn: {} at offset {}: {}. {} bytes are dropped.",
        reader.segments()[torn->segment].path, torn->offset, torn->reason,
        BytesFrom(reader.segments(), *cut));
  }
  end.history = reader.history();
  end.segments = reader.segments();
  if (cut) {
    TRY_VOID(Cut(disk, directory, end.segments, *cut));
    end.segments.resize(cut->segment + (cut->offset > kWalHeaderBytes ? 1 : 0));
    if (cut->offset > kWalHeaderBytes) end.segments.back().size_bytes = cut->offset;
  }
  TRY_VOID(RemoveEmpty(disk, reader.leftovers(), end.segments));
  TRY_VOID(SyncLast(disk, directory, end.segments, reader.proven() >= end.newest.sequence));
  return end;
}

Result<WalReport> CheckWal(Disk& disk, const std::string& directory) {
  WalReport report;
  TRY(const std::vector<WalSegment> all, ListWalSegments(disk, directory));
  const auto first = std::find_if(all.begin(), all.end(), [](const auto& s) { return !s.empty; });
  if (first == all.end()) {
    report.text = fmt::format("{}: no record\n", directory);
    return report;
  }
  TRY(WalReader reader, WalReader::Open(disk, directory, first->first));
  struct Line {
    size_t segment = 0;
    uint64_t records = 0;
    RecordHeader newest;
  };
  Line line;
  RecordHeader header;
  std::string_view ops;
  while (true) {
    const Result<bool> more = reader.Next(header, ops);
    const bool found = more && *more;
    if (line.records > 0 && (!found || reader.place().segment != line.segment)) {
      report.text +=
          fmt::format("{}: records {} to {}, the newest of unix time {} ms\n",
                      reader.segments()[line.segment].path, line.newest.sequence - line.records + 1,
                      line.newest.sequence, line.newest.time_ms);
      line = {};
    }
    if (!more) {
      report.good = false;
      report.text += more.error().message + "\n";
      return report;
    }
    if (!found) break;
    line = {reader.place().segment, line.records + 1, header};
  }
  if (const auto& torn = reader.torn())
    report.text +=
        fmt::format("the tail is torn: {} at offset {}: {}; the next start drops {} bytes\n",
                    reader.segments()[torn->segment].path, torn->offset, torn->reason,
                    BytesFrom(reader.segments(), {torn->segment, torn->offset}));
  else
    report.text += "no damage\n";
  return report;
}

Result<std::string> TruncateWalAt(Disk& disk, const std::string& directory, uint64_t sequence) {
  if (sequence == 0) return Fail(Code::kOutOfRange, "records are counted from 1");
  TRY(const WalReader whole, WalReader::Open(disk, directory, sequence));
  std::vector<WalSegment> segments = whole.segments();
  if (segments.empty()) return Fail(Code::kOutOfRange, "{} has no log", directory);
  // From the one before on: the log may break off there, with the same record.
  const size_t start = std::max<size_t>(whole.place().segment, 1) - 1;
  TRY(WalReader reader, WalReader::Open(disk, directory, segments[start].first));
  RecordHeader header;
  std::string_view ops;
  while (reader.next() < sequence) {
    const Result<bool> more = reader.Next(header, ops);
    if (more && *more) continue;
    if (more) return Fail(Code::kOutOfRange, "the log ends with record {}", reader.next() - 1);
    return tl::unexpected(more.error());
  }
  const WalReader::Place place = reader.place();
  const uint64_t bytes = BytesFrom(segments, place);
  const std::string path = segments[place.segment].path;
  TRY_VOID(Cut(disk, directory, segments, place));
  segments.resize(place.segment);
  TRY_VOID(RemoveEmpty(disk, reader.leftovers(), segments));
  return fmt::format("{}: cut at offset {}; record {} and all after it are dropped, {} bytes", path,
                     place.offset, sequence, bytes);
}

}  // namespace cloakroom
