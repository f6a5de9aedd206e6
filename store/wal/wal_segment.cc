#include "store/wal/wal_segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/planted.h"

namespace cloakroom {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{256} << 10;

bool AllZeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

Result<WalSegment> LookAt(Disk& disk, const std::string& path, uint64_t first) {
  TRY(WalSegmentReader reader, WalSegmentReader::Open(disk, path));
  WalSegment segment;
  segment.path = path;
  segment.first = first;
  segment.size_bytes = reader.size_bytes();
  // A newer build's header may be longer than ours.
  TRY(const std::string_view bytes, reader.Bytes(0, kWindowBytes));
  const Result<WalHeader> header = DecodeWalHeader(bytes);
  segment.has_header = header.has_value();
  if (!header && header.error().code == Code::kUnavailable)
    return Fail(Code::kUnavailable, "cannot read {}: {}", path, header.error().message);
  if (header) segment.header = *header;
  if (header && header->first != first)
    return Fail(Code::kDamaged, "{} begins with record {}: it is not the file that its name says",
                path, header->first);
  const uint64_t frames_at = header                                       ? kWalHeaderBytes
                             : AllZeros(bytes.substr(0, kWalHeaderBytes)) ? 0
                                                                          : UINT64_MAX;
  if (frames_at <= segment.size_bytes) {
    TRY(segment.empty, reader.ZerosFrom(frames_at));
  }
  return segment;
}

}  // namespace

Result<std::vector<WalSegment>> ListWalSegments(Disk& disk, const std::string& directory) {
  const Result<std::vector<std::string>> names = disk.ListNow(directory);
  if (!names && names.error().code == Code::kNotFound) return std::vector<WalSegment>();
  if (!names) return tl::unexpected(names.error());
  std::vector<WalSegment> segments;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> first = ParseWalSegmentName(name);
    if (!first) continue;
    TRY(WalSegment segment, LookAt(disk, fmt::format("{}/{}", directory, name), *first));
    segments.push_back(std::move(segment));
  }
  return segments;  // names of one length: their order is that of the numbers
}

Result<WalSegmentReader> WalSegmentReader::Open(Disk& disk, const std::string& path) {
  TRY(DiskFilePtr file, disk.OpenNow(path, Disk::Mode::kRead));
  TRY(const uint64_t size_bytes, file->SizeNow());
  return WalSegmentReader(std::move(file), size_bytes);
}

Result<std::string_view> WalSegmentReader::Bytes(uint64_t offset, uint64_t size) {
  CHECK(offset <= size_bytes_);
  size = std::min(size, size_bytes_ - offset);
  if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
    const uint64_t wanted = std::min(std::max(size, kWindowBytes), size_bytes_ - offset);
    window_.resize(wanted);
    TRY(const size_t got, file_->ReadNow(offset, window_));
    window_.resize(got);
    window_at_ = offset;
    if (got < size) return Fail(Code::kIo, "the log became shorter while it was read");
  }
  return std::string_view(window_).substr(offset - window_at_, size);
}

Result<bool> WalSegmentReader::ZerosFrom(uint64_t offset) {
  for (; offset < size_bytes_; offset += kWindowBytes) {
    TRY(const std::string_view bytes, Bytes(offset, kWindowBytes));
    if (!AllZeros(bytes)) return false;
  }
  return true;
}

Result<WalSegmentReader::Found> WalSegmentReader::Read(uint64_t offset, uint32_t salt,
                                                       WalFrame& frame, std::string_view& ops) {
  TRY(const std::string_view head, Bytes(offset, kWalFrameBytes));
  if (AllZeros(head)) {
    TRY(const bool end, ZerosFrom(offset));
    return end ? Found::kEnd : Found::kNoRecord;
  }
  if (head.size() < kWalFrameBytes) return Found::kCutOff;
  frame = DecodeWalFrame(head);
  if (frame.mark && (frame.size_bytes != 0 || frame.synced == 0)) return Found::kNoRecord;
  if (frame.size_bytes > size_bytes_ - offset - kWalFrameBytes) return Found::kCutOff;
  TRY(const std::string_view whole, Bytes(offset, kWalFrameBytes + frame.size_bytes));
  if (!WalFrameHolds(whole, salt) && !Planted(Plant::kTornRecordAccepted)) return Found::kBadSum;
  ops = whole.substr(kWalFrameBytes);
  return Found::kFrame;
}

}  // namespace cloakroom
