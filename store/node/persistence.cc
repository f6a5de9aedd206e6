#include "store/node/persistence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/base/check.h"
#include "store/base/log.h"
#include "store/base/planted.h"
#include "store/env/disk_path.h"

namespace cloakroom {
namespace {

constexpr uint64_t kLoadBytes = uint64_t{1} << 20;  // of a slice
constexpr size_t kStepUnits = 64;                   // of a slice of an image
constexpr int64_t kTellUs = 2'000'000;              // between two lines about the progress
constexpr int64_t kRetryUs = 5'000'000;             // after an image that failed
constexpr int64_t kLogWaitUs = 10'000'000;          // of an image for the log
constexpr size_t kMemoryShare = 20;                 // of what is in use, for an image to wait
constexpr size_t kEndedMax = 64;                    // jobs whose end is remembered
constexpr size_t kSweepUnits = 4096;                // after each slice of the log

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

Persistence::Persistence(Clock& clock, Random& random, Scheduler& scheduler, Disk& disk,
                         Shard& shard, Options options)
    : clock_(clock),
      random_(random),
      scheduler_(scheduler),
      disk_(disk),
      shard_(shard),
      options_(std::move(options)) {
  random_.Fill(history_.data(), history_.size());
  saved_us_ = clock_.MonotonicUs();
  status_.last_save_ms = clock_.WallMs();
}

Persistence::~Persistence() { shard_.SetJournal(nullptr, AckLevel::kMemory); }

std::string Persistence::LogDirectory() const {
  return options_.directory + "/" + options_.log_name;
}

ImageHeader Persistence::HeaderNow() const {
  const RecordHeader newest = shard_.newest();
  return {history_, newest.sequence, newest.epoch, newest.time_ms};
}

AckLevel Persistence::Promised() const {
  if (!options_.log) return AckLevel::kMemory;
  return options_.sync == SyncPolicy::kAlways ? AckLevel::kDisk : AckLevel::kOs;
}

// The start

Result<void> Persistence::Open() {
  TRY_VOID(FinishReplacing());
  auto recovery =
      std::make_unique<Recovery>(disk_, Recovery::Options{.directory = options_.directory,
                                                          .log_directory = LogDirectory(),
                                                          .until = options_.until,
                                                          .now = clock_.WallMs()});
  TRY_VOID(recovery->Open());
  recovery_ = std::move(recovery);
  shard_.set_loading(true);
  load_began_us_ = load_told_us_ = clock_.MonotonicUs();
  status_.loading_since_ms = clock_.WallMs();
  return {};
}

Result<bool> Persistence::Load() {
  CHECK(loading());
  const auto continue_behind = [this](const RecordHeader& newest) { shard_.Continue(newest); };
  const auto replay = [this](const RecordHeader& header, std::string_view ops) {
    shard_.Replay(header, ops);
    ++status_.loaded_records;
  };
  const Recovery::Target target{shard_.keys(), continue_behind, replay};
  TRY(const bool more, recovery_->Step(kLoadBytes, target));
  // What died on the way need not wait in memory for the end.
  static_cast<void>(shard_.keys().Sweep(shard_.newest().time_ms, kSweepUnits));
  status_.loaded_bytes = recovery_->read_bytes();
  status_.total_bytes = recovery_->size_bytes();
  if (const int64_t now_us = clock_.MonotonicUs(); more && now_us - load_told_us_ >= kTellUs) {
    load_told_us_ = now_us;
    Log(LogLevel::kNotice, "Loading: {} of {} MB", status_.loaded_bytes >> 20,
        status_.total_bytes >> 20);
  }
  if (more) return true;
  TRY_VOID(Loaded());
  return false;
}

Result<void> Persistence::LoadNow() {
  TRY_VOID(Open());
  bool more = true;
  while (more) {
    TRY(more, Load());
  }
  return {};
}

Result<void> Persistence::Loaded() {
  // What was given up must not be taken for what comes now, though the numbers are the same.
  if (recovery_->goes_back()) TRY_VOID(MarkNewHistory(disk_, options_.directory));
  TRY(const bool new_history, HasNewHistoryMark(disk_, options_.directory));
  TRY(const Recovered recovered, recovery_->Finish());
  recovery_.reset();
  shard_.set_loading(false);
  status_.loaded_entries = recovered.entries - recovered.expired;
  status_.loaded_expired = recovered.expired;
  const double seconds = Seconds(clock_.MonotonicUs() - load_began_us_);
  const uint64_t all = recovered.entries + recovered.records;
  if (all > 0)
    Log(LogLevel::kNotice,
        "Loaded {} entries of an image and {} records of the log in {:.3f} s: {:.0f} a second",
        recovered.entries, recovered.records, seconds,
        static_cast<double>(all) / std::max(seconds, 1e-6));
  TRY(ImageList files, ListImages(disk_, options_.directory));
  images_ = std::move(files.images);
  if (!images_.empty()) status_.image_bytes = images_.front().bytes;
  changes_at_save_ = 0;
  // A server without a log goes on where nobody can follow: a lineage of its own.
  if (recovered.history && options_.log && !new_history) history_ = *recovered.history;
  if (recovered.went_back)
    Log(LogLevel::kNotice, "Went back to record {} of {} ms", recovered.newest.sequence,
        recovered.newest.time_ms);
  if (new_history) {
    TRY_VOID(SaveNow());
    TRY_VOID(RemoveNewHistoryMark(disk_, options_.directory));
  }
  started_ = true;
  return options_.log ? StartLog(recovered) : Result<void>();
}

Result<void> Persistence::StartWithState(uint64_t entries, uint64_t expired) {
  started_ = true;
  status_.loaded_entries = entries;
  status_.loaded_expired = expired;
  if (!options_.log) return {};
  TRY_VOID(SaveNow());
  Recovered imported;
  imported.image_sequence = shard_.newest().sequence;
  return StartLog(imported);
}

Result<void> Persistence::StartLog(const Recovered& recovered) {
  TRY_VOID(MakeDirectoryDurably(disk_, LogDirectory()));
  GroupCommit::Options options;
  options.log.directory = LogDirectory();
  options.log.history = history_;
  options.log.segment_bytes = options_.log_segment_bytes;
  options.log.reserve_bytes = options_.log_reserve_bytes;
  options.log.keep_bytes = options_.log_keep_bytes;
  options.log.keep_ms = options_.log_keep_ms;
  options.policy = options_.sync;
  auto log = std::make_unique<GroupCommit>(
      clock_, scheduler_, disk_, std::move(options),
      GroupCommit::Events{[this] { events_.changed(); },
                          [this](const Error& error) { events_.failed(error); }});
  TRY_VOID(log->StartNow(recovered.log, shard_.newest().sequence));
  log_ = std::move(log);
  // Of what stands in the log already, so much is in no image.
  log_bytes_at_save_ =
      recovered.image_sequence > 0 && recovered.records == 0 ? log_->writer().bytes() : 0;
  shard_.SetJournal(log_.get(), Promised());
  return {};
}

// Images

bool Persistence::LogHas(uint64_t sequence) const {
  return !log_ || log_->Reached(AckLevel::kDisk) >= sequence;
}

/// What has begun keeps what changes meanwhile. So it begins when the log has shown that the disk
/// takes something: it has what was there when the image was asked for.
bool Persistence::Step() {
  if (!job_ || (shard_.loading() && !Planted(Plant::kImageInSync))) return false;
  if (job_->saver == nullptr) {
    if (job_->sequence == 0) {
      job_->sequence = shard_.newest().sequence;
      shard_.NeedDisk(job_->sequence);
    }
    if (shard_.feed_captures()) job_->log_awaited_us = clock_.MonotonicUs();
    // Nor while an old image is being removed: it may have the name of this one.
    if (!LogHas(job_->sequence) || shard_.feed_captures() || removing_) return false;
    BeginJob(*job_);
  }
  // Were the log to end before the image, it could not go on behind the image before this one.
  if (!LogHas(job_->sequence)) return false;
  return job_->saver->Step(kStepUnits);
}

/// No client waits for an image's sake, so what waits in memory for the disk has its bound here.
void Persistence::LookAfterJob() {
  Job& job = *job_;
  if (!LogHas(job.sequence) && clock_.MonotonicUs() - job.log_awaited_us >= kLogWaitUs) {
    const std::string refusal = log_->refusal();
    return GiveUpJob(fmt::format("the log has not come to disk as far as the image within {} s{}{}",
                                 kLogWaitUs / 1'000'000, refusal.empty() ? "" : ": ", refusal));
  }
  if (job.saver == nullptr) return;
  job.memory_peak_bytes = std::max(job.memory_peak_bytes, job.saver->MemoryBytes());
  const uint64_t behind = job.saver->BehindBytes();
  const uint64_t most =
      std::max<uint64_t>(options_.image_behind_bytes, shard_.Measure().Used() / kMemoryShare);
  if (behind <= most) return;
  GiveUpJob(fmt::format("the disk is too slow for it: {} bytes wait in memory, at most {} may",
                        behind, most));
}

void Persistence::GiveUpJob(std::string_view reason) {
  job_->given_up = true;
  Saved(Fail(Code::kUnavailable, "given up, for {}", reason));
}

bool Persistence::SaveIsDue() const {
  if (RefusesWrites() || replacing_) return true;  // until one succeeds
  const uint64_t changes = shard_.changes() - changes_at_save_;
  const TimeMs since_ms = (clock_.MonotonicUs() - saved_us_) / 1000;
  for (const SaveRule& rule : options_.save_rules)
    if (changes >= rule.changes && since_ms >= rule.after_ms) return true;
  if (!log_ || options_.log_growth_percent == 0) return false;
  const uint64_t grown =
      log_->writer().bytes() - std::min(log_->writer().bytes(), log_bytes_at_save_);
  return grown >= options_.log_bytes_min &&
         grown >= status_.image_bytes / 100 * options_.log_growth_percent;
}

void Persistence::Housekeep() {
  if (shard_.loading() && !Planted(Plant::kImageInSync))
    return;  // and while a full sync is under way: what is there is no state
  BeginScheduled();
  if (job_) return LookAfterJob();
  if (clock_.MonotonicUs() < not_before_us_ || !SaveIsDue()) return;
  if (const auto begun = BeginImage(); begun)
    Log(LogLevel::kNotice, "{} changes since the last image: saving",
        shard_.changes() - changes_at_save_);
}

Result<uint64_t> Persistence::BeginImage() { return Begin({}, false); }

Result<bool> Persistence::ScheduleImage() {
  if (job_) {
    scheduled_ = true;
    return false;
  }
  TRY_VOID(BeginImage());
  return true;
}

void Persistence::BeginScheduled() {
  if (!scheduled_ || job_) return;
  scheduled_ = false;
  static_cast<void>(BeginImage());  // there is nothing in its way
}

Result<uint64_t> Persistence::BeginBackup(std::string path) { return Begin(std::move(path), true); }

/// The image itself is begun by Step: a command may ask for one in the midst of an EXEC, whose
/// record is still open.
Result<uint64_t> Persistence::Begin(std::string path, bool backup) {
  if (loading() || (shard_.loading() && !Planted(Plant::kImageInSync)))
    return Fail(Code::kLoading, "");
  if (job_) return Fail(Code::kUnavailable, "Background save already in progress");
  Job& job = job_.emplace();
  job.id = next_job_++;
  job.backup = backup;
  job.path = std::move(path);
  job.began_ms = clock_.WallMs();
  job.began_us = job.log_awaited_us = clock_.MonotonicUs();
  events_.changed();
  return job.id;
}

void Persistence::BeginJob(Job& job) {
  job.sequence = shard_.newest().sequence;
  job.changes = shard_.changes();
  if (!job.backup) job.path = options_.directory + "/" + ImageName(job.sequence);
  job.saver =
      std::make_unique<ImageSaver>(disk_, shard_.keys(), HeaderNow(),
                                   ImageSaver::Options{.path = job.path,
                                                       .zstd_level = options_.zstd_level,
                                                       .wake = [this] { events_.changed(); }},
                                   [this](Result<ImageInfo> result) { Saved(std::move(result)); });
  job.log_awaited_us = clock_.MonotonicUs();
  shard_.NeedDisk(job.sequence);
}

void Persistence::Saved(Result<ImageInfo> result) {
  const Job job = *std::exchange(job_, std::nullopt);
  status_.last_memory_bytes = job.memory_peak_bytes;
  if (job.backup) {
    status_.last_backup = job.path;
    status_.last_backup_good = result.has_value();
    if (result)
      Log(LogLevel::kNotice, "Backup {}: {} entries, {} bytes", job.path, result->entries,
          result->bytes);
    else
      Log(LogLevel::kWarning, "Backup {} failed: {}", job.path, result.error().message);
  } else {
    ImageSaved(job, result);
  }
  Result<void> ended;
  if (!result) ended = tl::unexpected(result.error());
  ended_.push_back({job.id, std::move(ended)});
  if (ended_.size() > kEndedMax) ended_.pop_front();
  BeginScheduled();
  events_.job_done();
}

void Persistence::ImageSaved(const Job& job, const Result<ImageInfo>& result) {
  const int64_t took_us = clock_.MonotonicUs() - job.began_us;
  status_.last_took_ms = took_us / 1000;
  // After one that the disk has failed only a good one helps.
  gave_up_ = job.given_up && !RefusesWrites();
  status_.last_save_good = result.has_value();
  status_.failed_in_a_row = result ? 0 : status_.failed_in_a_row + 1;
  NoteFailure();
  if (!result) {
    not_before_us_ = clock_.MonotonicUs() + kRetryUs;
    Log(LogLevel::kWarning, "The image {} could not be saved: {}",
        job.path.empty() ? "that was asked for" : job.path, result.error().message);
    return;
  }
  Log(LogLevel::kNotice, "Image {}: {} entries, {} bytes, in {:.3f} s", job.path, result->entries,
      result->bytes, Seconds(took_us));
  ++status_.saves;
  status_.last_save_ms = clock_.WallMs();
  status_.last_save_sequence = result->sequence;
  status_.image_bytes = result->bytes;
  saved_us_ = job.began_us;
  changes_at_save_ = job.changes;
  if (log_) log_bytes_at_save_ = log_->writer().bytes();
  std::erase_if(images_, [&](const ImageFile& file) { return file.path == job.path; });
  images_.insert(images_.begin(), {job.path, result->sequence, result->bytes});
  if (replacing_) NoteReplaced();
  RemoveOldImages();
}

/// An image that was given up for the memory it took is no reason to hold up anybody.
bool Persistence::RefusesWrites() const {
  return !status_.last_save_good && !gave_up_ && options_.stop_writes_on_failure &&
         !options_.save_rules.empty();
}

/// While images fail that somebody relies on, nothing more may change. As Redis has it.
void Persistence::NoteFailure() {
  shard_.RefuseWrites(RefusesWrites()
                          ? "Redis is configured to save RDB snapshots, but it's currently "
                            "unable to persist to disk. Commands that may modify the data set "
                            "are disabled, because this instance is configured to report errors "
                            "during writes if RDB snapshotting fails "
                            "(stop-writes-on-bgsave-error option). Please check the Redis logs "
                            "for details about the RDB error."
                          : "");
}

/// Those beyond the number that is kept, the oldest first and one at a time; then the log that only
/// they needed.
void Persistence::RemoveOldImages() {
  if (removing_) return;
  if (images_.size() > std::max<uint32_t>(options_.images_kept, 1)) {
    removing_ = true;
    disk_.Remove(images_.back().path, [this, path = images_.back().path](Result<void> result) {
      removing_ = false;
      if (!result) Log(LogLevel::kWarning, "{}", result.error().message);
      std::erase_if(images_, [&](const ImageFile& file) { return file.path == path; });
      RemoveOldImages();
    });
    return;
  }
  if (log_ && !images_.empty())
    log_->writer().DropBefore(images_.back().sequence + 1, shard_.newest().time_ms);
}

std::optional<Result<void>> Persistence::JobResult(uint64_t job) const {
  for (const Ended& ended : ended_)
    if (ended.id == job) return ended.result;
  if (job_ && job_->id == job) return std::nullopt;
  return Fail(Code::kUnavailable, "the save ended so long ago that its result is forgotten");
}

Result<void> Persistence::SaveNow() {
  if (shard_.loading()) return Fail(Code::kLoading, "");
  shard_.GiveUpFeedCapture();
  const bool replaces = job_.has_value();
  if (replaces) {
    ended_.push_back({job_->id, Fail(Code::kUnavailable, "another save took its place")});
    job_.reset();
  }
  Job job;
  job.path = options_.directory + "/" + ImageName(shard_.newest().sequence);
  job.changes = shard_.changes();
  job.began_ms = clock_.WallMs();
  job.began_us = clock_.MonotonicUs();
  const Result<ImageInfo> result =
      SaveImageNow(disk_, shard_.keys(), HeaderNow(), job.path, options_.zstd_level);
  ImageSaved(job, result);
  if (replaces) events_.job_done();
  if (!result) return tl::unexpected(result.error());
  return {};
}

void Persistence::SetOptions(const Options& options) {
  const RecoverUntil until = options_.until;
  options_ = options;
  options_.until = until;
  if (log_) {
    log_->set_policy(options.sync);
    log_->writer().set_keep(options.log_keep_bytes, options.log_keep_ms);
    shard_.set_promised(Promised());
  }
  NoteFailure();
  if (!loading()) RemoveOldImages();
}

void Persistence::Stop(std::function<void(Result<void> result)> done) {
  if (log_)
    log_->Stop(std::move(done));
  else
    done({});
}

}  // namespace cloakroom
