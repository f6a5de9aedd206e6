#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/base/coding.h"
#include "store/base/crc32c.h"
#include "store/wal/wal_recovery.h"
#include "tests/support/sim_disk.h"

// The input is how to read (a byte of flags, a byte for the first record wanted), the size of a
// first segment (16 bits), then that segment and another. Flags 1 and 2 mend the checksums of
// headers and of frames, which no fuzzer guesses.
namespace cloakroom {
namespace {

constexpr size_t kFirstAt = 32;
constexpr size_t kHistoryAt = 16;

uint32_t SaltOf(const std::string& segment) {
  HistoryId history{};
  std::copy_n(segment.data() + kHistoryAt, history.size(), history.data());
  return WalSalt(history);
}

void MendHeader(std::string& segment) {
  if (segment.size() < kWalHeaderBytes) return;
  const std::string_view summed = std::string_view(segment).substr(0, kWalHeaderBytes - 4);
  StoreInt(segment.data() + kWalHeaderBytes - 4, Crc32c(summed));
}

void MendFrames(std::string& segment) {
  if (segment.size() < kWalHeaderBytes) return;
  size_t at = kWalHeaderBytes;
  while (at + kWalFrameBytes <= segment.size()) {
    const WalFrame frame = DecodeWalFrame(std::string_view(segment).substr(at));
    if (frame.size_bytes > segment.size() - at - kWalFrameBytes) return;
    const size_t size = kWalFrameBytes + frame.size_bytes;
    StoreInt(segment.data() + at,
             Crc32c(std::string_view(segment).substr(at + 4, size - 4), SaltOf(segment)));
    at += size;
  }
}

void Put(Disk& disk, std::string segment, unsigned flags) {
  if (segment.empty()) return;
  if ((flags & 1) != 0) MendHeader(segment);
  if ((flags & 2) != 0) MendFrames(segment);
  uint64_t first = 1;
  if (segment.size() >= kFirstAt + 8) first = LoadInt<uint64_t>(segment.data() + kFirstAt);
  const std::string path = "/log/" + WalSegmentName(std::max<uint64_t>(first, 1));
  CHECK((*disk.OpenNow(path, Disk::Mode::kCreate))->WriteNow(0, segment).has_value());
}

using Records = std::vector<std::pair<uint64_t, std::string>>;

Result<WalEnd> Recover(Disk& disk, uint64_t from, Records& records) {
  return RecoverWal(disk, "/log", from, [&](const RecordHeader& header, std::string_view ops) {
    records.emplace_back(header.sequence, ops);
    return true;
  });
}

}  // namespace
}  // namespace cloakroom

// Whatever the files hold: recovery ends, hands out records in order from the one that is wanted,
// and what it has left is a good log with the same records.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cloakroom;
  if (size < 4) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const unsigned flags = data[0];
  const uint64_t from = uint64_t{data[1]} + 1;
  const size_t first_size = std::min<size_t>(LoadInt<uint16_t>(input.data() + 2), size - 4);
  ManualClock clock;
  SimDisk disk(clock, 1);
  CHECK(disk.MakeDirectoryNow("/log").has_value());
  Put(disk, std::string(input.substr(4, first_size)), flags);
  Put(disk, std::string(input.substr(4 + first_size)), flags);

  const Result<WalReport> report = CheckWal(disk, "/log");
  Records records;
  const Result<WalEnd> end = Recover(disk, from, records);
  for (size_t i = 0; i < records.size(); ++i) CHECK(records[i].first == from + i);
  if (end) {
    CHECK(end->records == records.size());
    Records again;
    const Result<WalEnd> same = Recover(disk, from, again);
    // When none was handed out, the segment where it began to read may be gone.
    CHECK(records.empty() ||
          (same && again == records && same->newest.sequence == end->newest.sequence));
  } else if (report && end.error().code == Code::kDamaged) {
    // What --check-log names as the way out is one.
    const std::string& message = end.error().message;
    const size_t at = message.rfind("--truncate-log-at ");
    if (at == message.npos) return 0;
    const uint64_t cut = std::stoull(message.substr(at + 18));
    if (TruncateWalAt(disk, "/log", cut)) {
      records.clear();
      CHECK(cut < from || Recover(disk, from, records).has_value());
    }
  }
  return 0;
}
