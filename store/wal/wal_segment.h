#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/wal/wal_format.h"

namespace cloakroom {

/// A segment as it lies in its directory.
struct WalSegment {
  std::string path;
  uint64_t first = 0;  // as its name says
  uint64_t size_bytes = 0;
  bool has_header = false;  // whether `header` was found
  WalHeader header;
  bool empty = false;  // no byte but zeros after the header, or at all
};

/// The segments in `directory`, oldest first; none when there is no such directory.
///   errors  kUnavailable  a newer build wrote one
///           kDamaged      one is not what its name says
///           kIo           reading failed
[[nodiscard]] Result<std::vector<WalSegment>> ListWalSegments(Disk& disk,
                                                              const std::string& directory);

/// Reads one segment, through a window of at most 256 KiB or one frame, whichever is larger;
/// blocks.
class WalSegmentReader {
 public:
  [[nodiscard]] static Result<WalSegmentReader> Open(Disk& disk, const std::string& path);

  enum class Found : uint8_t {
    kFrame,
    kEnd,       // the end of the file, or nothing but zeros up to it
    kCutOff,    // a frame that would reach beyond the end of the file
    kNoRecord,  // bytes that are no frame
    kBadSum,    // what looks like one, but is not what was written
  };

  /// Looks at the frame at `offset` <= size_bytes(). On kFrame, `ops` is valid until the next call.
  [[nodiscard]] Result<Found> Read(uint64_t offset, uint32_t salt, WalFrame& frame,
                                   std::string_view& ops);

  /// The bytes from `offset` on: `size`, or as many as there are. Valid until the next call.
  [[nodiscard]] Result<std::string_view> Bytes(uint64_t offset, uint64_t size);
  [[nodiscard]] Result<bool> ZerosFrom(uint64_t offset);
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
  WalSegmentReader(DiskFilePtr file, uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}

  DiskFilePtr file_;
  uint64_t size_bytes_;
  std::string window_;
  uint64_t window_at_ = 0;
};

}  // namespace cloakroom
