#pragma once

#include <optional>
#include <string>

#include "redis_compat/server/settings.h"
#include "store/base/result.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/random.h"
#include "store/node/persistence.h"
#include "store/node/shard.h"

namespace cloakroom {

/// What the command line asks for beyond options: to be done with the data directory before, or
/// instead of, serving.
struct DataRequest {
  std::string restore;     // a backup that an empty directory begins with
  std::string import_rdb;  // the same with a dump file
  RecoverUntil until;
  // Instead of serving.
  std::string export_rdb;  // writes the state, or that of `until`, as a dump file
  bool check_log = false;
  std::optional<uint64_t> truncate_log_at;

  [[nodiscard]] bool is_tool() const { return only_reads() || truncate_log_at.has_value(); }
  /// A tool that changes nothing in the data directory, so that it may be a read-only one.
  [[nodiscard]] bool only_reads() const { return !export_rdb.empty() || check_log; }
};

/// "1795481431278" or "2026-11-25 10:30:00" (UTC, with or without T, milliseconds and Z) is a time,
/// a number below 10^12 a sequence number.
[[nodiscard]] Result<RecoverUntil> ParseRecoverUntil(const std::string& text);

/// Whether what is asked for can be done together.
///   errors  kInvalid  two things exclude each other, or one would be ignored
[[nodiscard]] Result<void> CheckDataRequest(const DataRequest& request);

/// Puts the backup at `path` into a data directory that holds nothing.
///   errors  kInvalid   the directory holds an image or a log
///           kDamaged   it is no backup, or not whole
[[nodiscard]] Result<void> RestoreBackup(Disk& disk, const Settings& settings,
                                         const std::string& path);

/// What a dump file brought.
struct ImportedDump {
  uint64_t keys = 0;
  uint64_t expired_keys = 0;  // that it held beside those
};

/// Takes a dump file into the empty `shard`, if one was asked for or lies in an empty directory.
/// Returns what it brought; nothing: there was none to take.
///   errors  kInvalid  one was asked for and the directory is not empty; or beside one that was not
///                     lies Redis's own log, which may be newer; or it holds keys of types that
///                     there are none of, fields with deadlines, functions or data of modules: they
///                     are named
[[nodiscard]] Result<std::optional<ImportedDump>> ImportDump(Disk& disk, Clock& clock,
                                                             const Settings& settings,
                                                             const std::string& asked_path,
                                                             Shard& shard);

/// Does what `request` asks for instead of serving; what there is to say goes to standard output.
/// Errors: what is wrong with the directory's contents, too.
[[nodiscard]] Result<void> RunDataTool(Disk& disk, Clock& clock, Random& random,
                                       const Settings& settings, const DataRequest& request);

}  // namespace cloakroom
