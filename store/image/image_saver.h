#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "store/base/result.h"
#include "store/env/disk.h"
#include "store/image/image_loader.h"
#include "store/image/image_scan.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Takes an image of a keyspace and writes it to a file, while the keyspace goes on. The file has
/// another name (kUnfinishedSuffix) until it is whole and durable; then it takes the place of what
/// stood at its path. So at any moment, a power cut included, the path holds the whole old file or
/// the whole new one.
class ImageSaver {
 public:
  struct Options {
    std::string path;
    int zstd_level = kZstdLevel;  // 0: not packed
    std::function<void()> wake;   // called on the loop when Step has work again
  };
  /// Called once, on the loop and never from within Step; the saver may be destroyed in it. After
  /// an error the unfinished file is gone, and what stood at the path still stands there.
  using Done = std::function<void(Result<ImageInfo> result)>;

  /// Begins; as ImageScan.
  ImageSaver(Disk& disk, Keyspace& keys, const ImageHeader& header, Options options, Done done);
  /// Gives up when it is not done: the unfinished file goes, now or when the disk has come so far.
  /// Until then another one of the same path may fail, with kNotFound: it is to be tried again.
  ~ImageSaver();
  ImageSaver(const ImageSaver&) = delete;
  ImageSaver& operator=(const ImageSaver&) = delete;

  /// Goes on for about `units` (ImageScan::Step), and hands bytes to the disk. To be called once or
  /// more in a turn, while there is time. False: nothing to do until `wake` is called, for the disk
  /// is behind or the image is scanned.
  bool Step(size_t units);

  [[nodiscard]] uint64_t entries() const { return info_.entries; }
  [[nodiscard]] uint64_t entries_expected() const { return expected_; }
  /// Finished bytes that the disk does not have. The scan waits for the disk, but changes add to
  /// them all the same: while it stalls, nothing but the caller limits them.
  [[nodiscard]] size_t BehindBytes() const;
  /// About what the image takes in memory, those included.
  [[nodiscard]] size_t MemoryBytes() const;
  /// Bytes that the disk has.
  [[nodiscard]] uint64_t written_bytes() const { return offset_; }

 private:
  [[nodiscard]] std::string Unfinished() const;
  void Open();
  void Opened(Result<DiskFilePtr> file);
  void WriteIfPossible();
  void Written(Result<void> result, size_t bytes);
  void Rename();
  void Fail(Error error);
  void Tell(Result<ImageInfo> result);
  void Wake();
  template <typename Call>
  [[nodiscard]] auto WhileAlive(Call call) const;

  Disk& disk_;
  Options options_;
  Done done_;
  ImageInfo info_;
  std::unique_ptr<ImageScan> scan_;  // until it is done
  uint64_t expected_ = 0;
  std::string pending_;  // of the scan, not handed to the disk yet
  DiskFilePtr file_;
  size_t writing_bytes_ = 0;  // of the write under way
  uint64_t offset_ = 0;
  uint64_t synced_ = 0;  // up to where the last write with a sync went
  bool writing_ = false;
  bool ended_ = false;        // the last write is under way, or done
  bool was_refused_ = false;  // Step has returned false since Wake
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The same at once, blocking: for SAVE, a server's end and tools.
[[nodiscard]] Result<ImageInfo> SaveImageNow(Disk& disk, Keyspace& keys, const ImageHeader& header,
                                             const std::string& path, int zstd_level = kZstdLevel);

}  // namespace cloakroom
