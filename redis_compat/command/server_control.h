#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_compat/command/args.h"
#include "redis_compat/command/client_state.h"
#include "store/base/function_ref.h"
#include "store/base/result.h"
#include "store/base/time.h"
#include "store/node/persistence_status.h"
#include "store/node/replication_status.h"

namespace cloakroom {

/// One line of SLOWLOG GET.
struct SlowLogEntry {
  int64_t id = 0;
  int64_t unix_seconds = 0;
  int64_t duration_us = 0;
  std::vector<std::string> words;  // shortened, secrets taken out
  std::string client_address;
  std::string client_name;
};

/// What the event loop did since the start or CONFIG RESETSTAT. A turn is what it does between two
/// waits for the network: reading, executing, writing, upkeep.
struct LoopMetrics {
  uint64_t turns = 0;
  int64_t turn_sum_us = 0;
  int64_t turn_max_us = 0;
  int64_t turn_max_cpu_us = 0;  // of any turn, to some 50 us: without what others had of the core
  uint32_t turn_max_commands = 0;  // that the longest turn executed
  int64_t turn_max_upkeep_us = 0;  // and what upkeep took of it
  int64_t upkeep_sum_us = 0;       // freeing, compacting, housekeeping
  int64_t upkeep_max_us = 0;       // its longest slice
  int64_t sweep_sum_us = 0;        // of upkeep, freeing what has expired or was set aside
  uint64_t sweeps_cut = 0;         // slices of that which ended with more to do
};

/// What the process counts for INFO beyond commands and keyspace.
struct ServerMetrics {
  TimeMs started_ms = 0;
  uint64_t connections_received = 0;
  uint64_t connections_rejected = 0;
  uint64_t commands_processed = 0;
  uint64_t reads = 0;   // of connections, their ends included
  uint64_t writes = 0;  // of replies
  uint64_t net_input_bytes = 0;
  uint64_t net_output_bytes = 0;
  uint64_t error_replies = 0;
  uint64_t query_buffer_limit_disconnections = 0;
  uint64_t output_buffer_limit_disconnections = 0;
  uint64_t ops_per_sec = 0;
  double input_kbps = 0;
  double output_kbps = 0;
  uint64_t connected_clients = 0;
  uint64_t blocked_clients = 0;  // whose command waits for the end of a pause
  uint64_t max_clients = 0;
  uint64_t evicted_clients = 0;
  LoopMetrics loop;
};

/// Where the process's memory is, beyond what the keyspace knows of itself.
struct MemoryMetrics {
  uint64_t used = 0;     // what counts as used: see MemoryBudget
  uint64_t peak = 0;     // the most that it ever was, looked at ten times a second
  uint64_t startup = 0;  // when the server had just started
  uint64_t allocator_allocated = 0;
  uint64_t allocator_active = 0;
  uint64_t allocator_resident = 0;
  uint64_t resident = 0;
  uint64_t clients = 0;         // connections with their buffers and queues
  uint64_t shared_buffers = 0;  // that reads land in, and that replies are written to
  uint64_t log = 0;             // the backlog of records
  uint64_t system = 0;
  uint64_t cgroup_limit = 0;  // 0: none
};

/// Which clients CLIENT KILL ends.
struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<std::string> address;
  std::optional<std::string> local_address;
  std::optional<std::string> user;
  std::optional<std::string> type;  // normal, pubsub, master, replica
  std::optional<int64_t> max_age_s;
  std::optional<uint64_t> skip_id;
};

enum class PauseMode : uint8_t { kOff, kWrite, kAll };

/// Whether an image is saved before the process ends. kAsConfigured: when there are rules for
/// images, and no log that has it all.
enum class ShutdownSave : uint8_t { kAsConfigured, kYes, kNo };

/// What commands may ask of the process that serves them. Implemented by redis_compat/server and,
/// for tests, by a small double.
class ServerControl {
 public:
  virtual ~ServerControl() = default;

  // Options
  /// The value of option `name`, or nullopt when there is none such.
  [[nodiscard]] virtual std::optional<std::string> ConfigGet(std::string_view name) const = 0;
  /// All (name, value) whose names match a glob, for CONFIG GET.
  virtual void ConfigForEach(
      FunctionRef<void(std::string_view name, const std::string& value)> visit) const = 0;
  /// Sets all or none; the message of an error is Redis's.
  [[nodiscard]] virtual Result<void> ConfigSet(
      const std::vector<std::pair<std::string, std::string>>& settings) = 0;
  [[nodiscard]] virtual Result<void> ConfigRewrite() = 0;
  virtual void ResetStats() = 0;
  /// Compares in constant time. True as well when no password is set.
  [[nodiscard]] virtual bool PasswordRequired() const = 0;
  [[nodiscard]] virtual bool PasswordMatches(std::string_view password) const = 0;

  // Clients
  virtual void ForEachClient(FunctionRef<void(ClientState&)> visit) = 0;
  /// Closes those that match; returns how many. One's own connection closes after the reply.
  virtual size_t KillClients(const ClientFilter& filter, const ClientState& self) = 0;
  /// Sends a message to a client, but not to the one whose command is running.
  virtual void Push(ClientState& client, std::string_view message) = 0;
  virtual void Pause(PauseMode mode, TimeMs until_ms) = 0;  // never shortens a pause
  virtual void Unpause() = 0;
  [[nodiscard]] virtual PauseMode paused() const = 0;

  // Slow log and monitor
  [[nodiscard]] virtual int64_t SlowLogThresholdUs() const = 0;  // -1: off
  virtual void SlowLogAdd(SlowLogEntry entry) = 0;
  virtual void SlowLogForEach(
      FunctionRef<bool(const SlowLogEntry&)> visit) const = 0;  // newest first
  [[nodiscard]] virtual size_t SlowLogSize() const = 0;
  virtual void SlowLogReset() = 0;
  [[nodiscard]] virtual bool HasMonitors() const = 0;
  virtual void StartMonitor(ClientState& client) = 0;
  /// Sends `line` (with its + and CRLF) to every monitor.
  virtual void FeedMonitors(std::string_view line) = 0;

  // What is kept on disk
  [[nodiscard]] virtual PersistenceStatus Persisted() const = 0;
  /// Begins an image, or a backup in the file `name` of backup-dir. Returns the job's number.
  ///   errors  kUnavailable  one is under way; kInvalid  no such name is allowed
  [[nodiscard]] virtual Result<uint64_t> BeginSave() = 0;
  /// Begins an image now, or once the one under way has ended. True: now.
  [[nodiscard]] virtual Result<bool> ScheduleSave() = 0;
  [[nodiscard]] virtual Result<uint64_t> BeginBackup(std::string_view name) = 0;
  /// How the job ended; nothing while it is under way.
  [[nodiscard]] virtual std::optional<Result<void>> SaveResult(uint64_t job) const = 0;

  // Replication
  [[nodiscard]] virtual ReplicationStatus Replicated() const = 0;
  /// Follows the primary at `host`; empty: this server becomes a primary.
  ///   errors  kUnavailable  it cannot; those of the disk
  [[nodiscard]] virtual Result<void> ReplicaOf(std::string_view host, uint16_t port) = 0;
  /// How many replicas have applied record `sequence`; with `on_disk`, have it on their disk.
  [[nodiscard]] virtual size_t ReplicasAt(uint64_t sequence, bool on_disk) const = 0;
  /// Those who wait run again at `until_ms`, and whenever a replica has come further.
  virtual void WakeWaiting(TimeMs until_ms) = 0;

  // Process
  /// Asks the server to stop in order, as SIGTERM does. Fails where it must not, and when the image
  /// that is to be saved before cannot be, unless `force`. It saves none where there is a log.
  [[nodiscard]] virtual Result<void> Shutdown(ShutdownSave save, bool force) = 0;
  [[nodiscard]] virtual Result<void> AbortShutdown() = 0;
  [[nodiscard]] virtual const ServerMetrics& metrics() const = 0;
  /// Static facts for INFO server: (name, value) pairs such as process_id, tcp_port, config_file.
  virtual void ForEachFact(
      FunctionRef<void(std::string_view name, std::string value)> visit) const = 0;
  /// Takes some 50 us.
  [[nodiscard]] virtual MemoryMetrics Memory() = 0;
  /// Gives back what can be given back, at once.
  virtual void PurgeMemory() = 0;
  [[nodiscard]] virtual std::string AllocatorReport() const = 0;
};

}  // namespace cloakroom
