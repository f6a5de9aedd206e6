// What commands ask of the server: the ServerControl half of class Server.

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <utility>

#include "redis_compat/server/backup_path.h"
#include "redis_compat/server/config_file.h"
#include "redis_compat/server/config_text.h"
#include "redis_compat/server/server.h"
#include "store/base/log.h"

namespace cloakroom {
namespace {

bool Matches(const ClientFilter& filter, const ClientState& client, TimeMs now) {
  if (filter.id && client.id != *filter.id) return false;
  if (filter.address && client.address != *filter.address) return false;
  if (filter.local_address && client.local_address != *filter.local_address) return false;
  if (filter.user && (*filter.user != "default" || !client.authenticated)) return false;
  if (filter.type && *filter.type != client.type()) return false;
  if (filter.max_age_s && (now - client.created_ms) / 1000 < *filter.max_age_s) return false;
  return !filter.skip_id || client.id != *filter.skip_id;
}

double KiloBytes(uint64_t bytes) { return static_cast<double>(bytes) / 1024; }

}  // namespace

// Redis too answers where it works, however the option named that.
std::optional<std::string> Server::ConfigGet(std::string_view name) const {
  if (EqualsIgnoreCase(name, "dir")) return directory_;
  return config_.Get(name);
}

void Server::ConfigForEach(
    FunctionRef<void(std::string_view name, const std::string& value)> visit) const {
  config_.ForEach([&](std::string_view name, const std::string& value) {
    visit(name, name == "dir" ? directory_ : value);
  });
}

Result<void> Server::ConfigSet(const std::vector<std::pair<std::string, std::string>>& settings) {
  TRY_VOID(config_.Set(settings));
  Apply();
  return {};
}

Result<void> Server::ConfigRewrite() {
  if (config_file_.empty())
    return cloakroom::Fail(Code::kUnavailable, "The server is running without a config file");
  TRY(const std::string old_text, ReadConfigFile(config_file_));
  return ReplaceFile(config_file_, RewriteConfigText(old_text, config_));
}

void Server::ResetStats() {
  turn_.counters() = {};
  meter_.Reset();
  metrics_.connections_received = 0;
  metrics_.connections_rejected = 0;
  for (RateMeter* const rate : {&requests_rate_, &input_rate_, &output_rate_}) *rate = {};
  if (persistence_ != nullptr) persistence_->ResetCounters();
}

// Its time tells nothing but the length of the given password.
bool Server::PasswordMatches(std::string_view password) const {
  const std::string& wanted = settings().password;
  if (wanted.empty()) return true;
  unsigned difference = password.size() == wanted.size() ? 0 : 1;
  for (size_t i = 0; i < password.size(); ++i)
    difference |= static_cast<unsigned char>(password[i] ^ wanted[i % wanted.size()]);
  return difference == 0;
}

void Server::ForEachClient(FunctionRef<void(ClientState&)> visit) {
  for (auto& [id, connection] : connections_) {
    if (connection->place == Connection::Place::kDoomed) continue;
    ClientState& client = connection->client;
    client.memory_bytes = connection->memory.bytes;
    client.query_buffer_bytes = connection->input().size();
    client.query_buffer_free_bytes =
        connection->input().own_bytes() -
        std::min(connection->input().own_bytes(), connection->input().size());
    client.output_buffer_bytes = connection->PendingBytes();
    client.output_buffer_max_bytes =
        std::max(client.output_buffer_max_bytes, connection->output.memory_bytes());
    visit(client);
  }
}

size_t Server::KillClients(const ClientFilter& filter, const ClientState& self) {
  size_t killed = 0;
  for (auto& [id, connection] : connections_) {
    if (connection->place == Connection::Place::kDoomed ||
        !Matches(filter, connection->client, shard_.now()))
      continue;
    ++killed;
    if (&connection->client == &self)
      connection->client.close_after_reply = true;
    else
      turn_.Doom(*connection);
  }
  return killed;
}

void Server::Push(ClientState& client, std::string_view message) {
  turn_.Push(*client.connection, message);
}

void Server::Pause(PauseMode mode, TimeMs until_ms) {
  pause_mode_ = std::max(pause_mode_, mode);
  pause_until_ms_ = std::max(pause_until_ms_, until_ms);
  pause_timer_->Start(std::max<TimeMs>(pause_until_ms_ - shard_.now(), 0));
}

void Server::Unpause() {
  pause_timer_->Stop();
  pause_mode_ = PauseMode::kOff;
  pause_until_ms_ = 0;
  turn_.ResumePaused();
}

void Server::SlowLogAdd(SlowLogEntry entry) {
  slow_log_.Add(std::move(entry), settings().slow_log_entries_max);
}

void Server::SlowLogForEach(FunctionRef<bool(const SlowLogEntry&)> visit) const {
  slow_log_.ForEach(visit);
}

void Server::StartMonitor(ClientState& client) {
  Connection* const connection = Find(client);
  if (connection == nullptr || client.monitor) return;
  client.monitor = true;
  monitors_.push_back(connection);
}

void Server::FeedMonitors(std::string_view line) {
  std::erase_if(monitors_, [](const Connection* each) { return !each->client.monitor; });
  for (Connection* const monitor : monitors_) {
    if (monitor->place == Connection::Place::kDoomed) continue;
    monitor->output.Writer(turn_.pool()).append(line);
    turn_.NeedsFlush(*monitor);
    turn_.CheckOutputLimit(*monitor);
  }
}

PersistenceStatus Server::Persisted() const {
  if (persistence_ != nullptr) return persistence_->status();
  PersistenceStatus status;
  status.last_save_ms = metrics_.started_ms;
  status.changes_since_save = shard_.changes();
  return status;
}

Result<uint64_t> Server::BeginSave() {
  if (persistence_ == nullptr) return cloakroom::Fail(Code::kUnavailable, "there is no disk");
  return persistence_->BeginImage();
}

Result<bool> Server::ScheduleSave() {
  if (persistence_ == nullptr) return cloakroom::Fail(Code::kUnavailable, "there is no disk");
  return persistence_->ScheduleImage();
}

Result<uint64_t> Server::BeginBackup(std::string_view name) {
  if (persistence_ == nullptr || env_.disk == nullptr)
    return cloakroom::Fail(Code::kUnavailable, "there is no disk");
  TRY(const std::string path, PrepareBackup(*env_.disk, settings(), directory_, name));
  return persistence_->BeginBackup(path);
}

std::optional<Result<void>> Server::SaveResult(uint64_t job) const {
  if (persistence_ == nullptr) return cloakroom::Fail(Code::kUnavailable, "there is no disk");
  return persistence_->JobResult(job);
}

// At once, and so only where no log has to be on disk before it.
Result<void> Server::Shutdown(ShutdownSave save, bool force) {
  Log(LogLevel::kWarning, "User requested shutdown...");
  const Persistence::Options& options = settings().persistence;
  const bool wanted = save == ShutdownSave::kYes ||
                      (save == ShutdownSave::kAsConfigured && !options.save_rules.empty());
  if (wanted && !options.log && persistence_ != nullptr && !shard_.loading()) {
    const Result<void> saved = persistence_->SaveNow();
    if (!saved && !force)
      return cloakroom::Fail(Code::kUnavailable, "Errors trying to SHUTDOWN. Check logs.");
  }
  Stop();
  return {};
}

Result<void> Server::AbortShutdown() {
  return cloakroom::Fail(Code::kUnavailable, "No shutdown in progress.");
}

const ServerMetrics& Server::metrics() const {
  const Turn::Counters& counted = turn_.counters();
  metrics_.commands_processed = dispatcher_.counters().commands;
  metrics_.error_replies = dispatcher_.counters().error_replies;
  metrics_.reads = counted.reads;
  metrics_.writes = counted.writes;
  metrics_.net_input_bytes = counted.net_input_bytes;
  metrics_.net_output_bytes = counted.net_output_bytes;
  metrics_.query_buffer_limit_disconnections = counted.query_buffer_limit_disconnections;
  metrics_.output_buffer_limit_disconnections = counted.output_buffer_limit_disconnections;
  metrics_.ops_per_sec = requests_rate_.PerSecond();
  metrics_.input_kbps = KiloBytes(input_rate_.PerSecond());
  metrics_.output_kbps = KiloBytes(output_rate_.PerSecond());
  metrics_.connected_clients = connections_.size();
  metrics_.blocked_clients = turn_.PausedCount();
  metrics_.loop = meter_.metrics();
  metrics_.max_clients = settings().clients_max;
  metrics_.evicted_clients = counted.evicted_clients;
  return metrics_;
}

MemoryMetrics Server::Memory() {
  MeasureMemory();
  const Process::Allocator allocator = env_.process.AllocatorFigures();
  MemoryMetrics memory;
  memory.used = shard_.Measure().Used();
  memory.peak = memory_peak_bytes_;
  memory.startup = memory_startup_bytes_;
  memory.allocator_allocated = allocator.allocated;
  memory.allocator_active = allocator.active;
  memory.allocator_resident = allocator.resident;
  memory.resident = env_.process.ResidentBytes();
  memory.clients = turn_.client_memory().bytes();
  memory.shared_buffers = turn_.SharedBufferBytes();
  memory.log = shard_.log().capacity_bytes();
  memory.system = env_.process.SystemMemoryBytes();
  memory.cgroup_limit = env_.process.CgroupMemoryBytes();
  return memory;
}

// What was set aside goes first, or its pages would be freed only after the purge.
void Server::PurgeMemory() {
  shard_.keys().SweepDetached();
  env_.process.PurgeMemory();
}

void Server::ForEachFact(FunctionRef<void(std::string_view name, std::string value)> visit) const {
  utsname system{};
  uname(&system);
  visit("os", fmt::format("{} {} {}", system.sysname, system.release, system.machine));
  visit("gcc_version", fmt::format("{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__));
  visit("process_id", std::to_string(env_.process.id()));
  visit("run_id", run_id_);
  visit("tcp_port", std::to_string(settings().port));
  visit("executable", executable_);
  visit("config_file", config_file_);
  visit("mem_allocator", env_.process.AllocatorName());
}

}  // namespace cloakroom
