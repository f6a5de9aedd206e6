#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/disk.h"
#include "store/image/image_files.h"
#include "store/image/image_loader.h"
#include "store/table/keyspace.h"
#include "store/wal/wal_recovery.h"

namespace cloakroom {

/// To which point a recovery goes; by default as far as there is anything.
struct RecoverUntil {
  std::optional<uint64_t> sequence;  // the last record that is kept
  std::optional<TimeMs> time_ms;     // no record of a later time is kept
};

/// What a recovery has found, and where the log goes on.
struct Recovered {
  RecordHeader newest;               // sequence 0: there was nothing
  std::optional<HistoryId> history;  // of the newest state; nothing: there was none
  WalEnd log;
  uint64_t image_sequence = 0;  // of the image that was loaded; 0: none
  uint64_t image_bytes = 0;
  uint64_t entries = 0;    // loaded from it
  uint64_t expired = 0;    // of those, with a deadline at or before `now`
  uint64_t records = 0;    // replayed behind it
  bool went_back = false;  // records or images behind `until` were given up
};

/// Brings back the state that a directory holds: the newest good image, and the log behind it. In
/// slices, so that the loop can answer meanwhile; blocks while it works.
///
/// A damaged image is passed over, with a log line, for the one before, and in the end set aside.
/// One that cannot be read is passed over as well where the log reaches as far as it does; it stays
/// where it is, for another start may read it. Damage of the log, or a log that does not reach back
/// to the image, is an error that changes nothing.
class Recovery {
 public:
  struct Options {
    std::string directory;      // of images
    std::string log_directory;  // of the log
    RecoverUntil until;
    bool read_only = false;  // nothing on disk is changed, and Finish is not called
    TimeMs now = 0;          // for Recovered::expired
  };
  /// What the state is made in.
  struct Target {
    Keyspace& keys;
    /// The state of an image is there: the record `newest` was the last that it holds.
    FunctionRef<void(const RecordHeader& newest)> loaded;
    /// Applies one more record.
    FunctionRef<void(const RecordHeader& header, std::string_view ops)> replay;
  };

  Recovery(Disk& disk, Options options) : disk_(&disk), options_(std::move(options)) {}

  /// Looks at what there is. Removes what an image left that was never finished.
  ///   errors  kDamaged      no image can be read
  ///           kOutOfRange   `until` lies before the oldest image and log
  ///           kUnavailable  a newer build wrote something
  ///           kIo           reading failed
  [[nodiscard]] Result<void> Open();

  /// Goes on for about `bytes` of image or log. False: all is there, see Finish.
  ///   errors  as Open, and those of WalRecovery and ImageLoader
  [[nodiscard]] Result<bool> Step(uint64_t bytes, const Target& target);

  /// Whether Finish will give up records or images behind `until`.
  [[nodiscard]] bool goes_back() const { return result_.went_back || !later_.empty(); }

  /// Makes the log ready to be continued, as WalRecovery::Finish; sets those images aside that were
  /// passed over, or lie behind `until`.
  [[nodiscard]] Result<Recovered> Finish();

  /// The last record that is there by now.
  [[nodiscard]] const RecordHeader& newest() const { return result_.newest; }

  /// How many bytes were read, of about how many.
  [[nodiscard]] uint64_t read_bytes() const;
  [[nodiscard]] uint64_t size_bytes() const;

 private:
  [[nodiscard]] Result<void> OpenImage();
  [[nodiscard]] Result<void> OpenLog();
  [[nodiscard]] Result<bool> StepImage(uint64_t bytes, const Target& target);
  [[nodiscard]] Result<bool> StepLog(uint64_t bytes, const Target& target);
  [[nodiscard]] Result<void> CheckHistory() const;
  [[nodiscard]] bool Keeps(const RecordHeader& header) const;
  [[nodiscard]] Result<void> PassOver(const ImageFile& file, const Error& error);
  [[nodiscard]] Result<void> CheckEnd();
  [[nodiscard]] Result<void> SetImagesAside();

  Disk* disk_;
  Options options_;
  std::vector<ImageFile> images_;     // that may be loaded, newest first
  std::vector<ImageFile> later_;      // that lie behind `until`
  std::vector<std::string> damaged_;  // that were passed over
  std::vector<ImageFile> unread_;     // that could not be read, and were passed over
  std::optional<ImageLoader> image_;
  ImageFile image_file_;
  uint64_t image_read_bytes_ = 0;
  uint64_t image_size_bytes_ = 0;
  std::optional<WalRecovery> log_;
  std::optional<Error> damage_;  // or failure, of the newest image that was passed over
  std::optional<HistoryId> image_history_;
  Recovered result_;
};

/// Whether `directory` holds no image, and `log_directory` no log.
[[nodiscard]] Result<bool> HoldsNothing(Disk& disk, const std::string& directory,
                                        const std::string& log_directory);

}  // namespace cloakroom
