#include "store/image/image_saver.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/env/disk_path.h"
#include "store/image/image_files.h"

namespace cloakroom {
namespace {

constexpr size_t kWriteBytes = 256 << 10;           // from which on a write is worth it
constexpr size_t kPendingMax = 4 << 20;             // beyond it the scan waits for the disk
constexpr uint64_t kSyncEach = uint64_t{32} << 20;  // so that the last sync has little to do

}  // namespace

template <typename Call>
auto ImageSaver::WhileAlive(Call call) const {
  return [alive = std::weak_ptr<bool>(alive_), call = std::move(call)](auto&&... args) mutable {
    if (!alive.expired()) call(std::forward<decltype(args)>(args)...);
  };
}

ImageSaver::ImageSaver(Disk& disk, Keyspace& keys, const ImageHeader& header, Options options,
                       Done done)
    : disk_(disk),
      options_(std::move(options)),
      done_(std::move(done)),
      scan_(std::make_unique<ImageScan>(keys, header,
                                        ImageScan::Options{.zstd_level = options_.zstd_level})),
      expected_(scan_->entries_expected()) {
  info_.sequence = header.sequence;
  info_.time_ms = header.time_ms;
  // A write of one that was given up may still be under way to a file of that name: it must not
  // reach this one's.
  disk_.Remove(Unfinished(), WhileAlive([this](const Result<void>& /*gone*/) { Open(); }));
}

void ImageSaver::Open() {
  // Should this be gone when the file is open, the file has to go as well.
  disk_.Open(Unfinished(), Disk::Mode::kCreate,
             [this, disk = &disk_, path = Unfinished(),
              alive = std::weak_ptr<bool>(alive_)](Result<DiskFilePtr> file) {
               if (!alive.expired()) return Opened(std::move(file));
               if (file) disk->Remove(path, [](const Result<void>& /*gone*/) {});
             });
}

ImageSaver::~ImageSaver() {
  if (done_ != nullptr && file_ != nullptr) {
    file_.reset();
    disk_.Remove(Unfinished(), [](const Result<void>& /*gone*/) {});
  }
}

std::string ImageSaver::Unfinished() const {
  return options_.path + std::string(kUnfinishedSuffix);
}

void ImageSaver::Opened(Result<DiskFilePtr> file) {
  if (!file) return Fail(std::move(file).error());
  file_ = *std::move(file);
  WriteIfPossible();
  Wake();
}

bool ImageSaver::Step(size_t units) {
  if (scan_ != nullptr) {
    const bool may_scan = pending_.size() < kPendingMax;
    const bool all = may_scan && scan_->Step(units);
    if (pending_.empty())
      pending_ = scan_->Take();
    else
      pending_ += scan_->Take();
    info_.entries = scan_->entries();
    if (all) scan_.reset();
    WriteIfPossible();
  }
  was_refused_ = scan_ == nullptr || pending_.size() >= kPendingMax;
  return !was_refused_;
}

void ImageSaver::Wake() {
  if (!was_refused_ || scan_ == nullptr || pending_.size() >= kPendingMax) return;
  was_refused_ = false;
  if (options_.wake) options_.wake();
}

void ImageSaver::WriteIfPossible() {
  if (file_ == nullptr || writing_ || ended_) return;
  const bool last = scan_ == nullptr;
  if (!last && pending_.size() < kWriteBytes) return;
  std::string bytes = std::exchange(pending_, {});
  writing_ = true;
  ended_ = last;
  const bool sync = last || offset_ + bytes.size() - synced_ >= kSyncEach;
  if (sync) synced_ = offset_ + bytes.size();
  const size_t size = writing_bytes_ = bytes.size();
  file_->Write(offset_, std::move(bytes), sync ? DiskFile::Then::kSync : DiskFile::Then::kNothing,
               [this, size](Result<void> result, const std::string& /*bytes*/) {
                 Written(std::move(result), size);
               });
}

void ImageSaver::Written(Result<void> result, size_t bytes) {
  writing_ = false;
  writing_bytes_ = 0;
  if (!result) return Fail(std::move(result).error());
  offset_ += bytes;
  if (ended_) return Rename();
  WriteIfPossible();
  Wake();
}

size_t ImageSaver::BehindBytes() const {
  return pending_.size() + writing_bytes_ + (scan_ == nullptr ? 0 : scan_->pending_bytes());
}

size_t ImageSaver::MemoryBytes() const {
  return pending_.capacity() + writing_bytes_ + (scan_ == nullptr ? 0 : scan_->memory_bytes());
}

void ImageSaver::Rename() {
  info_.bytes = offset_;
  disk_.Rename(Unfinished(), options_.path, WhileAlive([this](Result<void> renamed) {
                 if (!renamed) return Fail(std::move(renamed).error());
                 file_.reset();
                 disk_.SyncDirectory(DirectoryOf(options_.path),
                                     WhileAlive([this](Result<void> synced) {
                                       if (!synced) return Tell(tl::unexpected(synced.error()));
                                       Tell(info_);
                                     }));
               }));
}

void ImageSaver::Fail(Error error) {
  scan_.reset();
  pending_.clear();
  if (file_ == nullptr) return Tell(tl::unexpected(std::move(error)));
  file_.reset();
  disk_.Remove(Unfinished(),
               WhileAlive([this, error = std::move(error)](const Result<void>& /*gone*/) mutable {
                 Tell(tl::unexpected(std::move(error)));
               }));
}

void ImageSaver::Tell(Result<ImageInfo> result) {
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));  // this may be gone from here on
}

namespace {

Result<uint64_t> WriteNow(ImageScan& scan, DiskFile& file) {
  constexpr size_t kUnits = 4096;
  uint64_t offset = 0;
  for (bool more = true; more;) {
    more = !scan.Step(kUnits);
    if (more && scan.pending_bytes() < kWriteBytes) continue;
    const std::string bytes = scan.Take();
    TRY_VOID(file.WriteNow(offset, bytes));
    offset += bytes.size();
  }
  TRY_VOID(file.SyncNow());
  return offset;
}

}  // namespace

Result<ImageInfo> SaveImageNow(Disk& disk, Keyspace& keys, const ImageHeader& header,
                               const std::string& path, int zstd_level) {
  const std::string unfinished = path + std::string(kUnfinishedNowSuffix);
  ImageScan scan(keys, header, {.zstd_level = zstd_level});
  (void)disk.RemoveNow(unfinished);  // as in ImageSaver
  TRY(DiskFilePtr file, disk.OpenNow(unfinished, Disk::Mode::kCreate));
  const Result<uint64_t> bytes = WriteNow(scan, *file);
  file.reset();
  Result<void> named = bytes ? disk.RenameNow(unfinished, path) : tl::unexpected(bytes.error());
  if (!named) {
    (void)disk.RemoveNow(unfinished);
    return tl::unexpected(named.error());
  }
  TRY_VOID(disk.SyncDirectoryNow(DirectoryOf(path)));
  return ImageInfo{header.sequence, header.time_ms, *bytes, scan.entries()};
}

}  // namespace cloakroom
