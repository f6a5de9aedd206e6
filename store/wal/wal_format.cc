#include "store/wal/wal_format.h"

#include <algorithm>
#include <cstring>

#include "store/base/coding.h"
#include "store/base/crc32c.h"

namespace cloakroom {
namespace {

constexpr std::string_view kMagic = "CLOAKWAL";
constexpr size_t kVersionAt = 8;
constexpr size_t kHeaderSizeAt = 12;
constexpr size_t kHistoryAt = 16;
constexpr size_t kFirstAt = 32;
constexpr size_t kSyncedAt = 40;
constexpr size_t kTimeAt = 48;
constexpr size_t kHeaderSumAt = kWalHeaderBytes - 4;
// A later version may have a longer header, but this is common to all of them.
constexpr uint32_t kHeaderBytesMax = 4096;

constexpr size_t kSizeAt = 4;
constexpr size_t kSequenceAt = 12;
constexpr size_t kEpochAt = 20;
constexpr size_t kRecordTimeAt = 28;

constexpr std::string_view kSuffix = ".wal";
constexpr size_t kDigits = 20;

void EncodeFrame(char* out, uint64_t size, const RecordHeader& header) {
  StoreInt(out + kSizeAt, size);
  StoreInt(out + kSequenceAt, header.sequence);
  StoreInt(out + kEpochAt, header.epoch);
  StoreInt(out + kRecordTimeAt, header.time_ms);
}

}  // namespace

std::string EncodeWalHeader(const WalHeader& header) {
  std::string out(kWalHeaderBytes, '\0');
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  StoreInt(out.data() + kVersionAt, kWalVersion);
  StoreInt(out.data() + kHeaderSizeAt, static_cast<uint32_t>(kWalHeaderBytes));
  std::memcpy(out.data() + kHistoryAt, header.history.data(), header.history.size());
  StoreInt(out.data() + kFirstAt, header.first);
  StoreInt(out.data() + kSyncedAt, header.synced);
  StoreInt(out.data() + kTimeAt, header.newest_time);
  StoreInt(out.data() + kHeaderSumAt, Crc32c(std::string_view(out).substr(0, kHeaderSumAt)));
  return out;
}

Result<WalHeader> DecodeWalHeader(std::string_view bytes) {
  if (bytes.size() < kWalHeaderBytes || !bytes.starts_with(kMagic))
    return Fail(Code::kDamaged, "it does not begin as a log does");
  const auto version = LoadInt<uint32_t>(bytes.data() + kVersionAt);
  const auto size = LoadInt<uint32_t>(bytes.data() + kHeaderSizeAt);
  if (size < kWalHeaderBytes || size > kHeaderBytesMax || size > bytes.size())
    return Fail(Code::kDamaged, "its header is damaged");
  if (Crc32c(bytes.substr(0, size - 4)) != LoadInt<uint32_t>(bytes.data() + size - 4))
    return Fail(Code::kDamaged, "its header does not match its checksum");
  // After the sum: a flipped bit is no newer build.
  if (version > kWalVersion)
    return Fail(Code::kUnavailable,
                "a newer build wrote it, in format {}; this build reads formats up to {}", version,
                kWalVersion);
  if (version == 0 || size != kWalHeaderBytes)
    return Fail(Code::kDamaged, "its header is of no known form");
  WalHeader header;
  std::memcpy(header.history.data(), bytes.data() + kHistoryAt, header.history.size());
  header.first = LoadInt<uint64_t>(bytes.data() + kFirstAt);
  header.synced = LoadInt<uint64_t>(bytes.data() + kSyncedAt);
  header.newest_time = LoadInt<TimeMs>(bytes.data() + kTimeAt);
  if (header.synced >= header.first)
    return Fail(Code::kDamaged, "its header speaks of records that come after it");
  return header;
}

uint32_t WalSalt(const HistoryId& history) {
  return Crc32c(std::string_view(history.data(), history.size()));
}

void AppendWalRecord(std::string& out, uint32_t salt, const RecordHeader& header,
                     std::string_view ops) {
  std::array<char, kWalFrameBytes> head;
  EncodeFrame(head.data(), ops.size(), header);
  const uint32_t sum = Crc32c(std::string_view(head.data(), head.size()).substr(kSizeAt), salt);
  StoreInt(head.data(), Crc32c(ops, sum));
  out.append(head.data(), head.size());
  out.append(ops);
}

void AppendWalMark(std::string& out, uint32_t salt, uint64_t synced) {
  AppendWalRecord(out, salt, {.sequence = 0, .epoch = synced, .time_ms = 0}, {});
}

WalFrame DecodeWalFrame(std::string_view bytes) {
  WalFrame frame;
  frame.size_bytes = LoadInt<uint64_t>(bytes.data() + kSizeAt);
  frame.header.sequence = LoadInt<uint64_t>(bytes.data() + kSequenceAt);
  frame.header.epoch = LoadInt<uint64_t>(bytes.data() + kEpochAt);
  frame.header.time_ms = LoadInt<TimeMs>(bytes.data() + kRecordTimeAt);
  frame.mark = frame.header.sequence == 0;
  if (frame.mark) frame.synced = frame.header.epoch;
  return frame;
}

bool WalFrameHolds(std::string_view bytes, uint32_t salt) {
  return LoadInt<uint32_t>(bytes.data()) == Crc32c(bytes.substr(kSizeAt), salt);
}

std::string WalSegmentName(uint64_t first) { return fmt::format("{:020}{}", first, kSuffix); }

std::optional<uint64_t> ParseWalSegmentName(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t first = 0;
  for (const char c : name.substr(0, kDigits)) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (c < '0' || c > '9' || first > (UINT64_MAX - digit) / 10) return std::nullopt;
    first = first * 10 + digit;
  }
  return first == 0 ? std::nullopt : std::optional(first);
}

}  // namespace cloakroom
