#include "store/image/recovery.h"

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/op/op_reader.h"

namespace cloakroom {
namespace {

/// Apply relies on the form of its ops. A checksum tells damage, but not an op of a newer build.
Result<void> CheckOps(const RecordHeader& header, std::string_view ops) {
  OpReader reader(ops);
  Op op;
  while (reader.Next(op)) {
  }
  if (reader.ok()) return {};
  return Fail(Code::kDamaged,
              "record {} of the log holds something that this build does not know; nothing was "
              "changed",
              header.sequence);
}

}  // namespace

bool Recovery::Keeps(const RecordHeader& header) const {
  const RecoverUntil& until = options_.until;
  return (!until.sequence || header.sequence <= *until.sequence) &&
         (!until.time_ms || header.time_ms <= *until.time_ms);
}

Result<void> Recovery::Open() {
  TRY(ImageList found, ListImages(*disk_, options_.directory));
  if (options_.read_only) found.unfinished.clear();
  for (const std::string& path : found.unfinished) {
    Log(LogLevel::kNotice, "Removing {}, an image that was never finished", path);
    TRY_VOID(disk_->RemoveNow(path));
  }
  images_ = std::move(found.images);
  return OpenImage();
}

/// The newest image that may be loaded, or none: then the log must begin at the beginning.
Result<void> Recovery::OpenImage() {
  while (!images_.empty()) {
    const ImageFile file = images_.front();
    images_.erase(images_.begin());
    Result<ImageLoader> loader = ImageLoader::Open(*disk_, file.path, options_.now);
    if (!loader) {
      TRY_VOID(PassOver(file, loader.error()));
      continue;
    }
    const ImageHeader& header = loader->header();
    if (!Keeps({header.sequence, header.epoch, header.time_ms})) {
      later_.push_back(file);
      continue;
    }
    image_file_ = file;
    image_size_bytes_ = loader->size_bytes();
    image_.emplace(*std::move(loader));
    return {};
  }
  return OpenLog();
}

Result<void> Recovery::PassOver(const ImageFile& file, const Error& error) {
  if (error.code != Code::kDamaged && error.code != Code::kIo) return tl::unexpected(error);
  Log(LogLevel::kWarning, "{}: passed over for the image before", error.message);
  if (!damage_) damage_ = error;
  if (error.code == Code::kDamaged)
    damaged_.push_back(file.path);
  else
    unread_.push_back(file);
  return {};
}

Result<bool> Recovery::Step(uint64_t bytes, const Target& target) {
  return image_ ? StepImage(bytes, target) : StepLog(bytes, target);
}

Result<bool> Recovery::StepImage(uint64_t bytes, const Target& target) {
  Result<bool> more = image_->Step(target.keys, bytes);
  if (!more) {
    TRY_VOID(PassOver(image_file_, more.error()));
    image_.reset();
    image_size_bytes_ = 0;
    target.keys.Reset();
    TRY_VOID(OpenImage());
    return true;
  }
  image_read_bytes_ = image_->read_bytes();
  if (*more) return true;
  const ImageHeader& header = image_->header();
  image_history_ = header.history;
  result_.newest = {header.sequence, header.epoch, header.time_ms};
  result_.image_sequence = header.sequence;
  result_.image_bytes = image_->size_bytes();
  result_.entries = image_->entries();
  result_.expired = image_->expired();
  target.loaded(result_.newest);
  image_.reset();
  TRY_VOID(OpenLog());
  return true;
}

Result<void> Recovery::OpenLog() {
  const uint64_t from = result_.newest.sequence + 1;
  Result<WalRecovery> log = WalRecovery::Open(*disk_, options_.log_directory, from);
  if (!log) {
    if (damage_) return Fail(log.error().code, "{}; and {}", damage_->message, log.error().message);
    return tl::unexpected(log.error());
  }
  const auto& segments = log->reader().segments();
  const bool any = std::any_of(segments.begin(), segments.end(),
                               [](const WalSegment& segment) { return !segment.empty; });
  // Without the log's beginning, and without an image, nothing says what was there before.
  if (from == 1 && !any && damage_) return tl::unexpected(*damage_);
  if (from == 1 && !any && !later_.empty())
    return Fail(Code::kOutOfRange,
                "nothing is kept of the time to go back to: the oldest image is {}. Nothing was "
                "changed",
                later_.back().path);
  log_.emplace(*std::move(log));
  return {};
}

Result<bool> Recovery::StepLog(uint64_t bytes, const Target& target) {
  std::optional<Error> wrong;
  TRY(const bool more, log_->Step(bytes, [&](const RecordHeader& header, std::string_view ops) {
    if (!Keeps(header)) {
      result_.went_back = true;
      return false;
    }
    auto good = CheckOps(header, ops);
    if (good && result_.records == 0) good = CheckHistory();
    if (good && header.sequence != result_.newest.sequence + 1)
      good = Fail(Code::kDamaged, "record {} of the log follows record {}", header.sequence,
                  result_.newest.sequence);
    if (!good) {
      wrong = std::move(good).error();
      return false;
    }
    target.replay(header, ops);
    result_.newest = header;
    ++result_.records;
    return true;
  }));
  if (wrong) return tl::unexpected(*std::move(wrong));
  // Nobody goes back to an empty state on purpose.
  if (result_.went_back && result_.newest.sequence == 0)
    return Fail(Code::kOutOfRange,
                "the time or record to go back to lies before all that is kept. Nothing "
                "was changed");
  if (!more) TRY_VOID(CheckEnd());
  return more;
}

/// At the end of the log: whether it makes up for the images that could not be read, and comes as
/// far as was asked for.
Result<void> Recovery::CheckEnd() {
  const RecoverUntil& until = options_.until;
  const RecordHeader& newest = result_.newest;
  for (const ImageFile& file : unread_) {
    if (file.sequence <= newest.sequence) continue;
    if (!result_.went_back && (!until.sequence || file.sequence <= *until.sequence))
      return Fail(Code::kIo,
                  "{}; without it there is nothing behind record {}. Nothing was changed",
                  damage_->message, newest.sequence);
    later_.push_back(file);
  }
  if (result_.went_back) return {};
  // A number that was meant for a time must not bring back what it was to undo.
  if (until.sequence && newest.sequence < *until.sequence)
    return Fail(Code::kOutOfRange,
                "record {} is not there: the newest is {}, of unix time {} ms. Nothing was changed "
                "(a time is given in milliseconds, or as a date)",
                *until.sequence, newest.sequence, newest.time_ms);
  if (until.time_ms && newest.time_ms < *until.time_ms && later_.empty())
    Log(LogLevel::kWarning, "There is no record as late as {} ms, the newest is {}, of {} ms",
        *until.time_ms, newest.sequence, newest.time_ms);
  return {};
}

/// At the first record behind an image: whether the two belong together.
Result<void> Recovery::CheckHistory() const {
  const WalReader& reader = log_->reader();
  const WalSegment& segment = reader.segments()[reader.place().segment];
  if (!image_history_ || segment.header.history == *image_history_) return {};
  return Fail(Code::kDamaged,
              "{} does not belong to {}: it has another history. Nothing was changed; move the one "
              "away that does not belong there",
              segment.path, image_file_.path);
}

Result<Recovered> Recovery::Finish() {
  CHECK(!options_.read_only);
  TRY(result_.log, log_->Finish());
  const bool replayed = result_.records > 0;
  result_.history = replayed || !image_history_ ? result_.log.history : image_history_;
  // What the log says of a time before the image is of no account.
  if (result_.log.newest.sequence < result_.newest.sequence) result_.log.newest = result_.newest;
  TRY_VOID(SetImagesAside());
  return result_;
}

/// What lies behind the point that was gone back to must not be loaded by the next start; and what
/// is damaged must not count as an image that is kept: the log goes back to the oldest of those.
Result<void> Recovery::SetImagesAside() {
  if (later_.empty() && damaged_.empty()) return {};
  for (const std::string& path : damaged_) {
    Log(LogLevel::kWarning, "{} is damaged: renamed to {}.damaged", path, path);
    TRY_VOID(disk_->RenameNow(path, path + ".damaged"));
  }
  for (const ImageFile& file : later_) {
    result_.went_back = true;
    Log(LogLevel::kNotice, "{} lies behind the point that was gone back to: renamed to {}.undone",
        file.path, file.path);
    TRY_VOID(disk_->RenameNow(file.path, file.path + ".undone"));
  }
  return disk_->SyncDirectoryNow(options_.directory);
}

uint64_t Recovery::read_bytes() const {
  return image_read_bytes_ + (log_ ? log_->read_bytes() : 0);
}

uint64_t Recovery::size_bytes() const {
  return std::max(image_size_bytes_ + (log_ ? log_->size_bytes() : 0), read_bytes());
}

Result<bool> HoldsNothing(Disk& disk, const std::string& directory,
                          const std::string& log_directory) {
  TRY(const ImageList found, ListImages(disk, directory));
  if (!found.images.empty()) return false;
  TRY(const std::vector<WalSegment> segments, ListWalSegments(disk, log_directory));
  return std::all_of(segments.begin(), segments.end(),
                     [](const WalSegment& segment) { return segment.empty; });
}

}  // namespace cloakroom
