#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/random.h"
#include "store/env/scheduler.h"
#include "store/image/image_files.h"
#include "store/image/image_saver.h"
#include "store/image/recovery.h"
#include "store/node/persistence_status.h"
#include "store/node/shard.h"
#include "store/wal/group_commit.h"

namespace cloakroom {

/// An image is due when so many changes were made and so much time went by since the last.
struct SaveRule {
  TimeMs after_ms = 0;
  uint64_t changes = 0;
};

/// An image or a backup that is wanted, or under way. (A member of Persistence in all but place:
/// clang does not see that an optional of such a member can be made.)
struct PersistenceJob {
  uint64_t id = 0;
  bool backup = false;
  std::string path;
  uint64_t sequence = 0;  // of the newest record that it holds; before there is a saver, of the
                          // record that the log has to have on disk first
  uint64_t changes = 0;   // made when it began
  TimeMs began_ms = 0;
  int64_t began_us = 0;
  int64_t log_awaited_us = 0;  // since when it has waited for the log
  size_t memory_peak_bytes = 0;
  bool given_up = false;
  std::unique_ptr<ImageSaver> saver;
};

/// Keeps a shard on disk: brings its state back at the start, then writes its log and its images,
/// and decides when. One directory holds the images, and in a directory of its own the log.
class Persistence {
 public:
  struct Options {
    std::string directory = ".";
    std::string log_name = "appendonlydir";  // of the log's directory, in the other
    bool log = true;
    SyncPolicy sync = SyncPolicy::kEverySecond;
    uint64_t log_segment_bytes = uint64_t{64} << 20;  // as WalWriter::Options
    uint64_t log_reserve_bytes = uint64_t{4} << 20;
    uint64_t log_keep_bytes = 0;  // of what an image has made superfluous; 0: nothing
    TimeMs log_keep_ms = 0;
    uint32_t images_kept = 2;
    int zstd_level = kZstdLevel;  // 0: images are not compressed
    std::vector<SaveRule> save_rules;
    /// An image is due when the log behind the last one is longer than this, and than that image by
    /// so many per cent. 0 per cent: never for that.
    uint64_t log_bytes_min = uint64_t{64} << 20;
    uint32_t log_growth_percent = 100;
    /// An image of which more than this waits for the disk, and more than a twentieth of the memory
    /// in use, is given up.
    uint64_t image_behind_bytes = uint64_t{64} << 20;
    /// While the last image has failed, and there are rules when to save, no write is accepted.
    bool stop_writes_on_failure = true;
    RecoverUntil until;
  };
  struct Events {
    /// Something has come further: replies may leave, commands may go on, there is work for Step.
    std::function<void()> changed;
    /// An image that somebody waits for is done.
    std::function<void()> job_done;
    /// A sync of the log failed: nothing is known of what was written. Say so and stop.
    std::function<void(const Error& error)> failed;
  };

  Persistence(Clock& clock, Random& random, Scheduler& scheduler, Disk& disk, Shard& shard,
              Options options);
  ~Persistence();
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  void SetEvents(Events events) { events_ = std::move(events); }

  // The start.

  /// Looks at what is on disk; from now on the shard is loading.
  ///   errors  those of Recovery::Open
  [[nodiscard]] Result<void> Open();
  /// Loads a slice of a few milliseconds. False: all is there, and the log is being kept.
  ///   errors  those of Recovery; then nothing on disk was changed
  [[nodiscard]] Result<bool> Load();
  [[nodiscard]] bool loading() const { return recovery_ != nullptr; }
  /// Both at once, for tools and tests.
  [[nodiscard]] Result<void> LoadNow();

  /// Instead of Open and Load: the shard holds a state that was imported into it, and the directory
  /// holds nothing. For the status: how many `entries` that are, and how many had `expired`.
  [[nodiscard]] Result<void> StartWithState(uint64_t entries = 0, uint64_t expired = 0);
  [[nodiscard]] bool started() const { return started_; }

  // Another state takes the place of this one: a replica's full sync.

  /// Stops log and image; from here on a start finds nothing. Blocks.
  ///   errors  those of the disk
  [[nodiscard]] Result<void> BeginReplacing();
  /// The shard holds the new state: what was kept goes, and the new one is kept: a log behind it
  /// now, an image soon. Until that is there a start finds nothing. Blocks.
  [[nodiscard]] Result<void> EndReplacing();
  /// By which the files of the log and its images know each other.
  [[nodiscard]] const HistoryId& history() const { return history_; }
  /// The log on disk, or nullptr.
  [[nodiscard]] GroupCommit* log() { return log_.get(); }
  [[nodiscard]] std::string LogDirectory() const;
  /// An image is being taken.
  [[nodiscard]] bool captures() const { return job_ && job_->saver != nullptr; }

  // While serving.

  /// A slice of the image that is being taken. To be called each turn; false: there is nothing more
  /// to do now.
  bool Step();
  /// Looks at the rules; to be called some ten times a second.
  void Housekeep();

  /// Has the next Step begin an image; returns the number of the job, for JobResult.
  ///   errors  kUnavailable  one is under way, or the state is still being loaded
  [[nodiscard]] Result<uint64_t> BeginImage();
  /// The same, but while one is under way, once that has ended. True: it was begun now.
  ///   errors  kLoading  the state is still being loaded
  [[nodiscard]] Result<bool> ScheduleImage();
  /// The same as BeginImage into a file at `path`, apart from the images of the directory.
  [[nodiscard]] Result<uint64_t> BeginBackup(std::string path);
  /// Whether the server gives files of its own such names: no backup may have one.
  [[nodiscard]] static bool IsOwnName(std::string_view name) {
    return ParseImageName(name).has_value() || name.ends_with(kUnfinishedSuffix);
  }
  /// How the job ended; nothing while it is under way, or when it is too long ago.
  [[nodiscard]] std::optional<Result<void>> JobResult(uint64_t job) const;
  /// An image now, without the loop: for tools, and for the end of the process, after Stop: the log
  /// must not end before the image.
  [[nodiscard]] Result<void> SaveNow();

  /// What can change while serving: all but the names, whether there is a log, and `until`.
  void SetOptions(const Options& options);
  [[nodiscard]] const Options& options() const { return options_; }

  /// Writes and syncs the log to its end, and tells. Nothing may be committed any more.
  void Stop(std::function<void(Result<void> result)> done);

  [[nodiscard]] PersistenceStatus status() const;
  /// CONFIG RESETSTAT: what the status counts of images begins at 0 again.
  void ResetCounters();
  /// Memory of records and of an image on their way to the disk: it comes and goes, and no memory
  /// limit counts it.
  [[nodiscard]] size_t BufferBytes() const;

 private:
  using Job = PersistenceJob;
  struct Ended {
    uint64_t id = 0;
    Result<void> result;
  };

  [[nodiscard]] Result<void> FinishReplacing();
  [[nodiscard]] Result<void> RemoveAll();
  void NoteReplaced();
  [[nodiscard]] ImageHeader HeaderNow() const;
  [[nodiscard]] AckLevel Promised() const;
  [[nodiscard]] Result<void> Loaded();
  [[nodiscard]] Result<void> StartLog(const Recovered& recovered);
  [[nodiscard]] Result<uint64_t> Begin(std::string path, bool backup);
  void BeginJob(Job& job);
  void BeginScheduled();
  void Saved(Result<ImageInfo> result);
  void ImageSaved(const Job& job, const Result<ImageInfo>& result);
  void RemoveOldImages();
  [[nodiscard]] bool RefusesWrites() const;
  void NoteFailure();
  void LookAfterJob();
  void GiveUpJob(std::string_view reason);
  [[nodiscard]] bool LogHas(uint64_t sequence) const;
  [[nodiscard]] bool SaveIsDue() const;

  Clock& clock_;
  Random& random_;
  Scheduler& scheduler_;
  Disk& disk_;
  Shard& shard_;
  Options options_;
  Events events_;
  HistoryId history_{};

  bool started_ = false;    // all is loaded
  bool replacing_ = false;  // the next image is that of a new state
  std::unique_ptr<Recovery> recovery_;
  int64_t load_began_us_ = 0;
  int64_t load_told_us_ = 0;
  PersistenceStatus status_;  // what is not asked of the parts

  std::unique_ptr<GroupCommit> log_;
  std::vector<ImageFile> images_;  // newest first
  bool removing_ = false;

  std::optional<Job> job_;
  bool scheduled_ = false;  // an image is to follow it
  uint64_t next_job_ = 1;
  std::deque<Ended> ended_;
  uint64_t changes_at_save_ = 0;
  int64_t saved_us_ = 0;       // when the last good image began, or the process
  bool gave_up_ = false;       // the last image, although the disk had not failed it
  int64_t not_before_us_ = 0;  // after a failure: not tried again before
  uint64_t log_bytes_at_save_ = 0;
};

}  // namespace cloakroom
