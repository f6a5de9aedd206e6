#include "redis_compat/data_files.h"

#include <chrono>
#include <cstdio>
#include <utility>

#include "redis_compat/modules/versions.h"
#include "store/base/log.h"
#include "store/base/number.h"
#include "store/env/disk_path.h"
#include "store/image/image_files.h"
#include "store/image/image_loader.h"
#include "store/image/rdb_export.h"
#include "store/image/rdb_import.h"
#include "store/image/rdb_reader.h"
#include "store/image/recovery.h"
#include "store/table/session_space.h"
#include "store/wal/wal_recovery.h"

namespace cloakroom {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr int64_t kTimesFrom = 1'000'000'000'000;  // what is less is a sequence number
constexpr int64_t kTellUs = 2'000'000;             // between two lines about the progress
constexpr size_t kSweepUnits = 4096;               // after each piece of a log

std::string LogDirectory(const Settings& settings) {
  return settings.persistence.directory + "/" + settings.persistence.log_name;
}

Result<bool> IsEmpty(Disk& disk, const Settings& settings) {
  return HoldsNothing(disk, settings.persistence.directory, LogDirectory(settings));
}

/// Hands out the file's bytes, from its beginning.
Result<void> ReadPieces(DiskFile& file, FunctionRef<Result<void>(std::string_view piece)> take) {
  std::string piece(kPieceBytes, '\0');
  for (uint64_t at = 0;;) {
    TRY(const size_t got, file.ReadNow(at, piece));
    if (got == 0) return {};
    TRY_VOID(take(std::string_view(piece).substr(0, got)));
    at += got;
  }
}

/// A file that is there whole or not at all: what was not finished is removed.
class NewFile {
 public:
  NewFile(NewFile&&) = default;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (file_ == nullptr) return;
    file_.reset();
    static_cast<void>(disk_->RemoveNow(temporary_));
  }
  static Result<NewFile> Create(Disk& disk, const std::string& path) {
    NewFile made(disk, path);
    TRY(made.file_, disk.OpenNow(made.temporary_, Disk::Mode::kCreate));
    return made;
  }
  [[nodiscard]] Result<void> Append(std::string_view bytes) {
    TRY_VOID(file_->WriteNow(size_bytes_, bytes));
    size_bytes_ += bytes.size();
    return {};
  }
  [[nodiscard]] Result<void> Finish() {
    TRY_VOID(file_->SyncNow());
    TRY_VOID(disk_->RenameNow(temporary_, path_));
    file_.reset();
    return disk_->SyncDirectoryNow(DirectoryOf(path_));
  }

 private:
  NewFile(Disk& disk, const std::string& path)
      : disk_(&disk), path_(path), temporary_(path + ".tmp") {}

  Disk* disk_;
  std::string path_;
  std::string temporary_;
  DiskFilePtr file_;
  uint64_t size_bytes_ = 0;
};

/// A dump file on disk.
class DumpFile final : public RdbOutput {
 public:
  explicit DumpFile(NewFile& file) : file_(file) {}
  Result<void> Write(std::string_view bytes) override { return file_.Append(bytes); }

 private:
  NewFile& file_;
};

/// The files of a Redis's append-only log that lie in the data directory, "a, b"; empty: none do.
Result<std::string> NameRedisLog(Disk& disk, const Settings& settings) {
  constexpr std::string_view kEnds[] = {".aof", ".manifest", ".base.rdb"};
  std::string named;
  for (const std::string& directory : {settings.persistence.directory, LogDirectory(settings)}) {
    const Result<std::vector<std::string>> names = disk.ListNow(directory);
    if (!names && names.error().code == Code::kNotFound) continue;
    if (!names) return tl::unexpected(names.error());
    for (const std::string& name : *names) {
      if (std::none_of(std::begin(kEnds), std::end(kEnds),
                       [&name](std::string_view end) { return name.ends_with(end); }))
        continue;
      named += fmt::format("{}{}/{}", named.empty() ? "" : ", ", directory, name);
    }
  }
  return named;
}

/// In an empty directory: whether the dump file at `path`, or no file at all, is what to begin with
/// although a Redis may have written its state into a log of its own since.
Result<void> JudgeRedisLog(Disk& disk, const Settings& settings, const std::string& path,
                           bool is_there, bool asked) {
  TRY(const std::string named, NameRedisLog(disk, settings));
  if (named.empty()) return {};
  const std::string what = fmt::format(
      "the data directory holds the append-only file of a Redis, which cannot be read here: {}",
      named);
  constexpr std::string_view kHow =
      "start redis-server on the directory as before, send it SAVE, which writes all it has into "
      "its dump file, stop it, and move the append-only file away";
  if (is_there && !asked)
    return Fail(
        Code::kInvalid,
        "{}. It may be newer than {}, so nothing was imported. For a fresh dump file {}; or "
        "take this one as it is, with --import-rdb",
        what, path, kHow);
  if (is_there)
    Log(LogLevel::kWarning, "{}. It may be newer than {}, which is taken as it was asked for", what,
        path);
  else
    Log(LogLevel::kWarning, "{}. The server starts EMPTY. To take over what is in it, {}", what,
        kHow);
  return {};
}

/// Tells, and where that is asked for refuses, what of a dump file belongs to no key.
Result<void> JudgeCode(const RdbReader::Counters& counters, bool skip) {
  if (counters.functions == 0 && counters.module_data == 0) return {};
  const std::string what =
      fmt::format("{} libraries of functions and {} pieces of data of modules (beside the keys)",
                  counters.functions, counters.module_data);
  if (!skip)
    return Fail(Code::kInvalid,
                "the dump file holds {}, which there is no use for here. Nothing was imported; "
                "--import-other-types skip leaves them out",
                what);
  Log(LogLevel::kWarning, "Left out: {}", what);
  return {};
}

/// The same of its keys.
Result<void> JudgeImport(const RdbImport::Report& report, bool skip) {
  if (report.fields_with_deadline > 0 && !skip)
    return Fail(Code::kInvalid,
                "the dump file holds {} hash fields with a deadline of their own, the first in key "
                "{}, which would live for ever. Nothing was imported; --import-other-types skip "
                "leaves them out",
                report.fields_with_deadline, report.key_with_fields);
  if (report.fields_with_deadline > 0)
    Log(LogLevel::kWarning, "Left out: {} hash fields with a deadline of their own",
        report.fields_with_deadline);
  if (report.other_keys == 0) return {};
  const std::string others = DescribeOthers(report);
  if (!skip)
    return Fail(Code::kInvalid,
                "the dump file holds keys that there is no type for here: {}. Nothing was "
                "imported; --import-other-types skip leaves them out",
                others);
  Log(LogLevel::kWarning, "Left out: {}", others);
  return {};
}

Result<ImportedDump> ReadDump(DiskFile& file, Clock& clock, const Settings& settings,
                              Shard& shard) {
  const int64_t began_us = clock.MonotonicUs();
  shard.BeginTurn();
  RdbImport import(shard.keys(), {.now = shard.now()}, [&shard](WriteBatch& batch) -> Result<void> {
    shard.Commit(batch);
    return {};
  });
  RdbReader reader(import);
  TRY(const uint64_t size_bytes, file.SizeNow());
  uint64_t read_bytes = 0;
  int64_t told_us = began_us;
  Log(LogLevel::kNotice, "Importing a dump file of {} MB", size_bytes >> 20);
  Result<void> read = ReadPieces(file, [&](std::string_view piece) -> Result<void> {
    TRY_VOID(reader.Feed(piece));
    read_bytes += piece.size();
    if (const int64_t now_us = clock.MonotonicUs(); now_us - told_us >= kTellUs) {
      told_us = now_us;
      Log(LogLevel::kNotice, "Importing: {} of {} MB", read_bytes >> 20, size_bytes >> 20);
    }
    return {};
  });
  TRY_VOID(read);
  TRY_VOID(reader.Finish());
  TRY_VOID(import.Finish());
  TRY_VOID(JudgeImport(import.report(), settings.import_skips_other_types));
  TRY_VOID(JudgeCode(reader.counters(), settings.import_skips_other_types));
  Log(LogLevel::kNotice, "Imported {} keys in {:.3f} s; {} had expired", import.report().keys,
      static_cast<double>(clock.MonotonicUs() - began_us) / 1e6, import.report().expired_keys);
  return ImportedDump{import.report().keys, import.report().expired_keys};
}

/// Brings the state back into the empty `shard`, and leaves the directory as it is. Returns the
/// last record that it has.
Result<RecordHeader> LoadReadOnly(Disk& disk, const Settings& settings, const RecoverUntil& until,
                                  Shard& shard) {
  Recovery recovery(disk, {.directory = settings.persistence.directory,
                           .log_directory = LogDirectory(settings),
                           .until = until,
                           .read_only = true});
  const auto loaded = [&shard](const RecordHeader& newest) { shard.Continue(newest); };
  const auto replay = [&shard](const RecordHeader& header, std::string_view ops) {
    shard.Replay(header, ops);
  };
  shard.set_loading(true);
  TRY_VOID(recovery.Open());
  for (bool more = true; more;) {
    TRY(more, recovery.Step(kPieceBytes, Recovery::Target{shard.keys(), loaded, replay}));
    // What died on the way need not wait in memory for the end.
    static_cast<void>(shard.keys().Sweep(shard.newest().time_ms, kSweepUnits));
  }
  shard.set_loading(false);
  return recovery.newest();
}

Result<void> ExportDump(Disk& disk, Clock& clock, Random& random, const Settings& settings,
                        const DataRequest& request) {
  const std::string& path = request.export_rdb;
  Shard shard(clock, random, {.databases = settings.databases, .backlog_bytes_max = 0});
  TRY(const RecordHeader newest, LoadReadOnly(disk, settings, request.until, shard));
  shard.BeginTurn();
  TRY(NewFile file, NewFile::Create(disk, path));
  DumpFile output(file);
  RdbWriter writer(output, {.redis_version = kRedisVersion, .now = shard.now()});
  const uint64_t left_out = WriteState(writer, shard.keys(), shard.now());
  TRY_VOID(writer.Finish());
  TRY_VOID(file.Finish());
  size_t keys = 0;
  for (uint32_t db = 0; db < shard.keys().databases(); ++db) keys += shard.keys().Size(db);
  const uint64_t sessions = shard.keys().sessions().CountsOf(nullptr, shard.now()).live - left_out;
  std::string said = fmt::format("{}: {} keys, {} sessions, as of record {}", path, keys, sessions,
                                 newest.sequence);
  if (left_out > 0)
    said += fmt::format(
        "\n{} sessions were left out: each would be a hash in database 0 whose name a key there "
        "has",
        left_out);
  std::puts(said.c_str());
  return {};
}

/// "2026-11-25 10:30:00.123" -> unix milliseconds.
std::optional<TimeMs> ParseTime(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int used = 0;
  char separator = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2u%c%2d:%2d:%2d%n", &year, &month, &day, &separator,
                  &hour, &minute, &second, &used) != 7 ||
      (separator != ' ' && separator != 'T'))
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(used));
  int64_t ms = 0;
  if (rest.starts_with('.')) {
    if (rest.size() < 4 || !ParseInteger(std::string(1, '1').append(rest.substr(1, 3)), ms))
      return std::nullopt;
    ms -= 1000;
    rest.remove_prefix(4);
  }
  if (!rest.empty() && rest != "Z") return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  const auto all = days + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                   std::chrono::seconds(second) + std::chrono::milliseconds(ms);
  return std::chrono::duration_cast<std::chrono::milliseconds>(all).count();
}

}  // namespace

Result<RecoverUntil> ParseRecoverUntil(const std::string& text) {
  RecoverUntil until;
  int64_t number = 0;
  if (ParseInteger(text, number) && number > 0) {
    if (number < kTimesFrom)
      until.sequence = static_cast<uint64_t>(number);
    else
      until.time_ms = number;
    return until;
  }
  until.time_ms = ParseTime(text);
  if (until.time_ms) return until;
  return Fail(
      Code::kInvalid,
      "--recover-until '{}' is neither a sequence number, nor unix milliseconds, nor a time "
      "such as '2026-11-25 10:30:00' (UTC)",
      text);
}

Result<void> RestoreBackup(Disk& disk, const Settings& settings, const std::string& path) {
  TRY(const bool empty, IsEmpty(disk, settings));
  if (!empty)
    return Fail(Code::kInvalid,
                "--restore: the data directory holds an image or a log already. Nothing was "
                "changed; move them away, or name an empty directory with --dir");
  TRY(const ImageInfo info, CheckImage(disk, path));
  TRY(const DiskFilePtr file, disk.OpenNow(path, Disk::Mode::kRead));
  TRY(NewFile copy,
      NewFile::Create(disk, settings.persistence.directory + "/" + ImageName(info.sequence)));
  TRY_VOID(ReadPieces(*file, [&copy](std::string_view piece) { return copy.Append(piece); }));
  // Whoever the backup was taken of may have gone on.
  TRY_VOID(MarkNewHistory(disk, settings.persistence.directory));
  TRY_VOID(copy.Finish());
  Log(LogLevel::kNotice, "Restored {}: {} entries, as of record {}", path, info.entries,
      info.sequence);
  return {};
}

Result<std::optional<ImportedDump>> ImportDump(Disk& disk, Clock& clock, const Settings& settings,
                                               const std::string& asked_path, Shard& shard) {
  const std::string path =
      asked_path.empty() ? settings.persistence.directory + "/" + settings.dump_file : asked_path;
  TRY(const bool empty, IsEmpty(disk, settings));
  if (!empty && !asked_path.empty())
    return Fail(Code::kInvalid,
                "--import-rdb: the data directory holds an image or a log already. Nothing was "
                "changed; move them away, or name an empty directory with --dir");
  Result<DiskFilePtr> file = disk.OpenNow(path, Disk::Mode::kRead);
  const bool absent = !file && asked_path.empty() && file.error().code == Code::kNotFound;
  if (!file && !absent) return tl::unexpected(file.error());
  if (empty) TRY_VOID(JudgeRedisLog(disk, settings, path, !absent, !asked_path.empty()));
  if (absent) return std::nullopt;
  if (!empty) {
    Log(LogLevel::kNotice, "{} is ignored: the directory holds an image or a log, which are newer",
        path);
    return std::nullopt;
  }
  Result<ImportedDump> read = ReadDump(**file, clock, settings, shard);
  if (!read) return Fail(read.error().code, "{}: {}", path, read.error().message);
  return *read;
}

Result<void> CheckDataRequest(const DataRequest& request) {
  const auto both = [](const char* one, const char* other) {
    return Fail(Code::kInvalid, "{} and {} exclude each other", one, other);
  };
  const bool until = request.until.sequence || request.until.time_ms;
  const std::pair<const char*, bool> asked[] = {
      {"--restore", !request.restore.empty()},
      {"--import-rdb", !request.import_rdb.empty()},
      {"--export-rdb", !request.export_rdb.empty()},
      {"--check-log", request.check_log},
      {"--truncate-log-at", request.truncate_log_at.has_value()},
  };
  const char* first = nullptr;
  for (const auto& [name, given] : asked) {
    if (!given) continue;
    if (first != nullptr) return both(first, name);
    first = name;
  }
  if (until && first != nullptr && request.export_rdb.empty())
    return both(first, "--recover-until");
  return {};
}

Result<void> RunDataTool(Disk& disk, Clock& clock, Random& random, const Settings& settings,
                         const DataRequest& request) {
  const std::string log = LogDirectory(settings);
  if (request.check_log) {
    TRY(const WalReport report, CheckWal(disk, log));
    std::fputs(report.text.c_str(), stdout);
    if (!report.good) return Fail(Code::kDamaged, "the log is damaged");
  }
  if (request.truncate_log_at) {
    TRY_VOID(MarkNewHistory(disk, settings.persistence.directory));
    TRY(const std::string done, TruncateWalAt(disk, log, *request.truncate_log_at));
    std::printf("%s\n", done.c_str());
  }
  if (!request.export_rdb.empty()) return ExportDump(disk, clock, random, settings, request);
  return {};
}

}  // namespace cloakroom
