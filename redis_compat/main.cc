// cloakroom-server: the one place where the machine, the shard and the server meet.

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis_compat/data_files.h"
#include "redis_compat/log_file.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/versions.h"
#include "redis_compat/server/config_file.h"
#include "redis_compat/server/config_text.h"
#include "redis_compat/server/server.h"
#include "store/base/log.h"
#include "store/uv/uv_clock.h"
#include "store/uv/uv_disk.h"
#include "store/uv/uv_huge_pages.h"
#include "store/uv/uv_loop.h"
#include "store/uv/uv_network.h"
#include "store/uv/uv_process.h"
#include "store/uv/uv_random.h"

// One thread needs one arena, for blocks of all sizes: those beyond 8 MB would else have one of
// their own, which gives memory back to the kernel while free() waits. What was freed goes back
// within a second or two; the server's housekeeping sees to that even when nothing allocates.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf =
    "narenas:1,oversize_threshold:0,background_thread:false,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

namespace cloakroom {
namespace {

constexpr const char* kHelp =
    "Usage: cloakroom-server [config-file | -] [--option value ...]\n"
    "       cloakroom-server -v | --version\n"
    "       cloakroom-server -h | --help\n"
    "\n"
    "A config file has one option a line, as in redis.conf; - reads it from standard input.\n"
    "Options on the command line come after those of the file.\n"
    "\n"
    "A data directory (--dir) that holds nothing may begin with what is elsewhere:\n"
    "       --restore FILE               a backup, as BACKUP wrote it\n"
    "       --import-rdb FILE            a dump.rdb of Redis or Valkey; one that lies in the\n"
    "                                    directory is taken by itself\n"
    "or one that does may go back, as far as the log is kept (log-keep):\n"
    "       --recover-until TIME|SEQUENCE    a time as unix milliseconds, or in UTC as\n"
    "                                    '2026-11-25 10:30:00'\n"
    "Instead of serving, one of:\n"
    "       --export-rdb FILE            writes the state, or with --recover-until an earlier "
    "one,\n"
    "                                    as a dump.rdb for redis-server 7; changes nothing\n"
    "       --check-log                  says what the log holds, and where it is damaged\n"
    "       --truncate-log-at SEQUENCE   gives up that record and all after it\n"
    "\n"
    "Examples:\n"
    "       cloakroom-server\n"
    "       cloakroom-server /etc/cloakroom.conf --port 7000\n"
    "       cloakroom-server --port 0 --unixsocket /run/cloakroom.sock --unixsocketperm 770\n"
    "       cloakroom-server --requirepass secret --bind 10.0.0.1 -::1 --loglevel verbose\n";

/// What the command line asks for.
struct Invocation {
  Config config;
  DataRequest data;
  std::string config_file;  // absolute; empty: none, or standard input
};

std::string AbsolutePath(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  std::string absolute = resolved != nullptr ? resolved : path;
  std::free(resolved);
  return absolute;
}

/// The same of a file that need not be there yet.
std::string AbsoluteNewPath(const std::string& path) {
  if (path.starts_with('/')) return path;
  return AbsolutePath(".") + "/" + path;
}

/// Takes the words out of `arguments` that are no options of the server.
Result<void> TakeDataRequest(std::vector<std::string>& arguments, DataRequest& request) {
  std::vector<std::string> rest;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--check-log") {
      request.check_log = true;
      continue;
    }
    const bool known = word == "--restore" || word == "--import-rdb" || word == "--export-rdb" ||
                       word == "--recover-until" || word == "--truncate-log-at";
    if (!known) {
      rest.push_back(word);
      continue;
    }
    if (++i == arguments.size()) return Fail(Code::kInvalid, "{} needs a value", word);
    const std::string& value = arguments[i];
    if (word == "--restore") request.restore = AbsolutePath(value);
    if (word == "--import-rdb") request.import_rdb = AbsolutePath(value);
    if (word == "--export-rdb") request.export_rdb = AbsoluteNewPath(value);
    if (word == "--recover-until") {
      TRY(request.until, ParseRecoverUntil(value));
    }
    int64_t number = 0;
    if (word != "--truncate-log-at") continue;
    if (!ParseInteger(value, number) || number <= 0)
      return Fail(Code::kInvalid, "--truncate-log-at '{}' is no sequence number", value);
    request.truncate_log_at = static_cast<uint64_t>(number);
  }
  arguments = std::move(rest);
  return CheckDataRequest(request);
}

Result<Invocation> ReadCommandLine(std::vector<std::string> arguments) {
  Invocation invocation;
  TRY_VOID(TakeDataRequest(arguments, invocation.data));
  std::string text;
  if (!arguments.empty() && (arguments[0] == "-" || !arguments[0].starts_with('-'))) {
    TRY(text, ReadConfigFile(arguments[0]));
    if (arguments[0] != "-") invocation.config_file = AbsolutePath(arguments[0]);
    arguments.erase(arguments.begin());
  }
  TRY(const std::string more, ArgumentsToConfigText(arguments));
  text += "\n" + more;
  TRY_VOID(ApplyConfigText(
      text, [](const std::string& pattern) { return ReadIncludedFiles(pattern); },
      invocation.config));
  return invocation;
}

Result<void> Daemonize() {
  const pid_t child = fork();
  if (child < 0) return Fail(Code::kUnavailable, "Can't fork: {}", std::strerror(errno));
  if (child > 0) _exit(0);
  setsid();
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) return Fail(Code::kUnavailable, "Can't open /dev/null: {}", std::strerror(errno));
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  if (null > STDERR_FILENO) close(null);
  return {};
}

/// Of two processes on one data directory, each would destroy the other's files: even a start that
/// keeps nothing cuts a torn tail. But those that keep nothing may share one. It need not be
/// writable for them, nor for a tool that only reads: then who can write there is kept out where
/// the file of the lock is there to be locked.
Result<void> LockDirectory(const Settings& settings, const DataRequest& request) {
  const bool shares =
      !request.is_tool() && !settings.persistence.log && settings.persistence.save_rules.empty();
  const std::string path = settings.persistence.directory + "/cloakroom.lock";
  int kind = shares ? LOCK_SH : LOCK_EX;
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0 && (shares || request.only_reads()) &&
      (errno == EACCES || errno == EROFS || errno == EPERM)) {
    file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    kind = LOCK_SH;  // for more, some file systems want a file that can be written
  }
  if (file < 0) return Fail(Code::kIo, "cannot open {}: {}", path, std::strerror(errno));
  // Held until the process ends.
  if (flock(file, kind | LOCK_NB) == 0) return {};
  return Fail(Code::kUnavailable,
              "another cloakroom-server uses this data directory ({} is locked): name another one "
              "with --dir",
              AbsolutePath(path));
}

/// The file that tells others our process id, for as long as we run.
class PidFile {
 public:
  explicit PidFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::FILE* const file = std::fopen(path_.c_str(), "w");
    if (file == nullptr) {
      Log(LogLevel::kWarning, "Failed to write PID file '{}': {}", path_, std::strerror(errno));
      path_.clear();
      return;
    }
    std::fprintf(file, "%d\n", static_cast<int>(getpid()));
    std::fclose(file);
  }
  ~PidFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;
};

/// Directory, log and background, in the order in which each may rely on the one before.
Result<void> PrepareProcess(const Settings& settings, const DataRequest& request) {
  if (!settings.dir.empty() && chdir(settings.dir.c_str()) != 0)
    return Fail(Code::kInvalid, "Can't chdir to '{}': {}", settings.dir, std::strerror(errno));
  if (settings.daemonize) TRY_VOID(Daemonize());
  TRY_VOID(LockDirectory(settings, request));
  TRY_VOID(OpenLog(settings.log_file));
  SetLogLevel(settings.log_level);
  std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of one write
  std::signal(SIGHUP, SIG_IGN);
  return {};
}

/// Until the loop looks at signals: nobody is served yet, and what is on disk survives any end. As
/// the first process of a container we would else not be ended at all.
void EndAtOnceOnSignal() {
  const auto end = [](int /*signal*/) { _exit(0); };
  std::signal(SIGTERM, end);
  std::signal(SIGINT, end);
}

std::string Where(const Settings& settings) {
  if (settings.port == 0) return "the unix socket " + settings.unix_socket;
  std::string where = fmt::format("port {}", settings.port);
  if (!settings.unix_socket.empty()) where += " and the unix socket " + settings.unix_socket;
  return where;
}

Result<void> Serve(Invocation invocation) {
  const Settings settings = invocation.config.settings();
  UvLoop loop;
  UvClock clock;
  UvRandom random;
  UvNetwork network(loop);
  UvProcess process;
  UvDisk disk(loop);
  if (invocation.data.is_tool()) return RunDataTool(disk, clock, random, settings, invocation.data);
  EndAtOnceOnSignal();
  const UvHugePages huge_pages(loop);
  Registry registry;
  RegisterAllModules(registry);
  Shard shard(clock, random,
              {.databases = settings.databases, .backlog_bytes_max = 0});  // see Replication
  if (!invocation.data.restore.empty())
    TRY_VOID(RestoreBackup(disk, settings, invocation.data.restore));
  TRY(const std::optional<ImportedDump> imported,
      ImportDump(disk, clock, settings, invocation.data.import_rdb, shard));
  Persistence::Options kept = settings.persistence;
  kept.until = invocation.data.until;
  Persistence persistence(clock, random, loop, disk, shard, std::move(kept));
  if (imported) TRY_VOID(persistence.StartWithState(imported->keys, imported->expired_keys));
  Replication replication({clock, random, loop, network, &disk}, shard, &persistence, {});
  Server server({clock, random, loop, network, process, &disk},
                {std::move(invocation.config), std::move(invocation.config_file),
                 AbsolutePath("/proc/self/exe"), AbsolutePath(".")},
                registry, shard, &persistence, &replication);
  Result<void> ended;
  server.OnFailed([&](const Error& error) {
    ended = tl::unexpected(error);
    loop.Stop();
  });
  server.OnReady([&settings] {
    Log(LogLevel::kNotice, "Ready to accept connections on {}", Where(settings));
  });
  TRY_VOID(server.Start());

  const PidFile pid_file(settings.pid_file);
  const auto on_signal = [&server](const char* name) {
    return [&server, name] {
      Log(LogLevel::kWarning, "Received {} scheduling shutdown...", name);
      server.StopSaved();
    };
  };
  loop.OnSignal(SIGTERM, on_signal("SIGTERM"));
  loop.OnSignal(SIGINT, on_signal("SIGINT"));
  server.OnStopped([&loop] { loop.Stop(); });
  loop.Run();
  if (ended) Log(LogLevel::kWarning, "Cloakroom is now ready to exit, bye bye...");
  return ended;
}

int Main(std::vector<std::string> arguments) {
  if (arguments.size() == 1 && (arguments[0] == "-v" || arguments[0] == "--version")) {
    std::printf("Cloakroom server v=%s (as Redis %s) bits=%zu\n", kCloakroomVersion.data(),
                kRedisVersion.data(), sizeof(void*) * 8);
    return 0;
  }
  if (arguments.size() == 1 && (arguments[0] == "-h" || arguments[0] == "--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  Result<Invocation> invocation = ReadCommandLine(std::move(arguments));
  if (!invocation) {
    std::fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Cloakroom %s) ***\n%s\n",
                 kCloakroomVersion.data(), invocation.error().message.c_str());
    return 1;
  }
  if (const Result<void> ready = PrepareProcess(invocation->config.settings(), invocation->data);
      !ready) {
    std::fprintf(stderr, "%s\n", ready.error().message.c_str());
    return 1;
  }
  if (!invocation->data.is_tool())
    Log(LogLevel::kNotice, "Cloakroom {} starting, pid {}", kCloakroomVersion, getpid());
  if (const Result<void> served = Serve(*std::move(invocation)); !served) {
    Log(LogLevel::kWarning, "{}", served.error().message);
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace cloakroom

int main(int argc, char** argv) {
  return cloakroom::Main(std::vector<std::string>(argv + 1, argv + argc));
}
