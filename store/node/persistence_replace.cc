// Another state takes the place of what is kept: a mark in the directory says so, until the new one
// is there as a whole.

#include <utility>

#include "store/base/log.h"
#include "store/base/planted.h"
#include "store/env/disk_path.h"
#include "store/node/persistence.h"

namespace cloakroom {
namespace {

std::string MarkPath(const std::string& directory) { return directory + "/replaced"; }

}  // namespace

Result<void> Persistence::BeginReplacing() {
  TRY(const DiskFilePtr mark, disk_.OpenNow(MarkPath(options_.directory), Disk::Mode::kCreate));
  TRY_VOID(mark->SyncNow());
  TRY_VOID(disk_.SyncDirectoryNow(options_.directory));
  shard_.set_disk_void(true);
  if (job_) {
    ended_.push_back({job_->id, Fail(Code::kUnavailable, "the state was replaced meanwhile")});
    job_.reset();
    events_.job_done();
  }
  scheduled_ = false;
  shard_.SetJournal(nullptr, AckLevel::kMemory);
  log_.reset();
  replacing_ = true;
  return {};
}

Result<void> Persistence::EndReplacing() {
  TRY_VOID(RemoveAll());
  random_.Fill(history_.data(), history_.size());
  images_.clear();
  if (!options_.log && options_.save_rules.empty()) {  // nothing is kept here
    replacing_ = false;
    shard_.set_disk_void(false);
    return disk_.RemoveNow(MarkPath(options_.directory));
  }
  if (options_.log) {
    Recovered state;
    state.newest = state.log.newest = shard_.newest();
    state.image_sequence = state.newest.sequence;
    TRY_VOID(StartLog(state));
  }
  static_cast<void>(ScheduleImage());
  return {};
}

/// What is left over of a replacement that did not come to its end.
Result<void> Persistence::FinishReplacing() {
  const Result<DiskFilePtr> mark = disk_.OpenNow(MarkPath(options_.directory), Disk::Mode::kRead);
  if (!mark)
    return mark.error().code == Code::kNotFound ? Result<void>() : tl::unexpected(mark.error());
  Log(LogLevel::kWarning,
      "A full sync did not come to its end: what is left of the states before and after it goes");
  if (!Planted(Plant::kSyncMarkIgnored)) TRY_VOID(RemoveAll());
  TRY_VOID(disk_.RemoveNow(MarkPath(options_.directory)));
  return disk_.SyncDirectoryNow(options_.directory);
}

Result<void> Persistence::RemoveAll() {
  // First what is not finished: an image may be about to get its name, and what is not there
  // cannot.
  TRY(const std::vector<std::string> files, disk_.ListNow(options_.directory));
  for (const std::string& name : files)
    if (name.ends_with(kUnfinishedSuffix))
      TRY_VOID(disk_.RemoveNow(options_.directory + "/" + name));
  TRY(const ImageList images, ListImages(disk_, options_.directory));
  for (const ImageFile& image : images.images) TRY_VOID(disk_.RemoveNow(image.path));
  const Result<std::vector<std::string>> names = disk_.ListNow(LogDirectory());
  if (!names)
    return names.error().code == Code::kNotFound ? Result<void>() : tl::unexpected(names.error());
  for (const std::string& name : *names)
    if (ParseWalSegmentName(name)) TRY_VOID(disk_.RemoveNow(LogDirectory() + "/" + name));
  TRY_VOID(disk_.SyncDirectoryNow(LogDirectory()));
  return disk_.SyncDirectoryNow(options_.directory);
}

/// The first image of the new state is safe. Blocks for a moment: were the mark removed later, it
/// could be that of the next full sync.
void Persistence::NoteReplaced() {
  const auto remove = [this]() -> Result<void> {
    TRY_VOID(disk_.RemoveNow(MarkPath(options_.directory)));
    return disk_.SyncDirectoryNow(options_.directory);
  };
  if (const Result<void> removed = remove(); !removed) {
    Log(LogLevel::kWarning, "{}", removed.error().message);
    return;
  }
  replacing_ = false;
  shard_.set_disk_void(false);
  events_.changed();
}

}  // namespace cloakroom
