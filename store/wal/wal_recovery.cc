#include "store/wal/wal_recovery.h"

#include <algorithm>
#include <utility>

#include "store/base/log.h"
#include "store/base/planted.h"
#include "store/env/disk_path.h"
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

/// Gives back the space that the process before had reserved behind its last record: on a full disk
/// it is what this one needs to begin.
Result<void> GiveUpReserved(Disk& disk, WalReader::Place end, std::vector<WalSegment>& segments) {
  if (end.segment >= segments.size()) return {};
  WalSegment& last = segments[end.segment];
  if (last.empty || last.size_bytes <= end.offset) return {};
  TRY(const DiskFilePtr file, disk.OpenNow(last.path, Disk::Mode::kWrite));
  TRY_VOID(file->TruncateNow(end.offset));
  last.size_bytes = end.offset;
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

uint64_t BytesFrom(const std::vector<WalSegment>& segments, WalReader::Place place) {
  uint64_t bytes = segments[place.segment].size_bytes - place.offset;
  for (size_t i = place.segment + 1; i < segments.size(); ++i) bytes += segments[i].size_bytes;
  return bytes;
}

}  // namespace

WalRecovery::WalRecovery(Disk& disk, std::string directory, WalReader reader)
    : disk_(&disk), directory_(std::move(directory)), reader_(std::move(reader)) {
  from_ = reader_.next();
  for (const WalSegment& segment : reader_.segments()) size_bytes_ += segment.size_bytes;
}

Result<WalRecovery> WalRecovery::Open(Disk& disk, std::string directory, uint64_t from) {
  TRY(WalReader reader, WalReader::Open(disk, directory, from));
  return WalRecovery(disk, std::move(directory), std::move(reader));
}

Result<bool> WalRecovery::Step(uint64_t bytes, Visit visit) {
  RecordHeader header;
  std::string_view ops;
  for (uint64_t done = 0; done < bytes;) {
    TRY(const bool more, reader_.Next(header, ops));
    end_.newest = reader_.newest();
    if (!more && Planted(Plant::kTailReplayedTwice) && end_.records > 0 && !again_) {
      again_ = true;
      const uint64_t first = reader_.segments().back().first;
      TRY(reader_, WalReader::Open(*disk_, directory_, std::max(from_, first)));
      continue;
    }
    if (!more) return false;
    if (!visit(header, ops)) {
      cut_ = reader_.record_place();
      end_.newest = reader_.before();
      return false;
    }
    ++end_.records;
    done += kWalFrameBytes + ops.size();
    read_bytes_ += kWalFrameBytes + ops.size();
  }
  return true;
}

Result<WalEnd> WalRecovery::Finish() {
  if (const auto& torn = reader_.torn()) {
    cut_ = {torn->segment, torn->offset};
    Log(LogLevel::kWarning, "The log's tail is torn: {} at offset {}: {}. {} bytes are dropped.",
        reader_.segments()[torn->segment].path, torn->offset, torn->reason,
        BytesFrom(reader_.segments(), *cut_));
  }
  end_.history = reader_.history();
  end_.segments = reader_.segments();
  if (cut_) {
    TRY_VOID(Cut(*disk_, directory_, end_.segments, *cut_));
    end_.segments.resize(cut_->segment + (cut_->offset > kWalHeaderBytes ? 1 : 0));
    if (cut_->offset > kWalHeaderBytes) end_.segments.back().size_bytes = cut_->offset;
  }
  if (reader_.segments().empty() && reader_.leftovers().empty()) return end_;
  if (!cut_) TRY_VOID(GiveUpReserved(*disk_, reader_.place(), end_.segments));
  TRY_VOID(RemoveEmpty(*disk_, reader_.leftovers(), end_.segments));
  TRY_VOID(SyncLast(*disk_, directory_, end_.segments, reader_.proven() >= end_.newest.sequence));
  return end_;
}

Result<WalEnd> RecoverWal(Disk& disk, const std::string& directory, uint64_t from,
                          WalRecovery::Visit visit) {
  TRY_VOID(MakeDirectoryDurably(disk, directory));
  TRY(WalRecovery recovery, WalRecovery::Open(disk, directory, from));
  bool more = true;
  while (more) {
    TRY(more, recovery.Step(UINT64_MAX, visit));
  }
  return recovery.Finish();
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
