#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redis_compat/command/server_control.h"

namespace cloakroom {

/// A server without sockets: options are a plain map, clients are those a test adds, and what
/// would be sent or done is kept for the test to look at.
class FakeServerControl final : public ServerControl {
 public:
  [[nodiscard]] std::optional<std::string> ConfigGet(std::string_view name) const override {
    const auto it = options.find(name);
    return it == options.end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  void ConfigForEach(
      FunctionRef<void(std::string_view name, const std::string& value)> visit) const override {
    for (const auto& [name, value] : options) visit(name, value);
  }
  [[nodiscard]] Result<void> ConfigSet(
      const std::vector<std::pair<std::string, std::string>>& settings) override {
    for (const auto& [name, value] : settings)
      if (!options.contains(name)) return Fail(Code::kInvalid, "Unknown option '{}'", name);
    for (const auto& [name, value] : settings) options[name] = value;
    return {};
  }
  [[nodiscard]] Result<void> ConfigRewrite() override {
    return Fail(Code::kUnavailable, "The server is running without a config file");
  }
  void ResetStats() override { ++stats_resets; }
  [[nodiscard]] bool PasswordRequired() const override { return !password.empty(); }
  [[nodiscard]] bool PasswordMatches(std::string_view given) const override {
    return password.empty() || given == password;
  }

  void ForEachClient(FunctionRef<void(ClientState&)> visit) override {
    for (ClientState* client : clients) visit(*client);
  }
  size_t KillClients(const ClientFilter& filter, const ClientState& self) override {
    size_t killed = 0;
    for (ClientState* client : clients) {
      if (filter.id && client->id != *filter.id) continue;
      if (filter.address && client->address != *filter.address) continue;
      if (filter.local_address && client->local_address != *filter.local_address) continue;
      if (filter.user && *filter.user != "default") continue;
      if (filter.type && *filter.type != client->type()) continue;
      if (filter.skip_id && client->id == *filter.skip_id) continue;
      client->close_after_reply = true;
      killed_ids.push_back(client->id);
      ++killed;
    }
    static_cast<void>(self);
    return killed;
  }
  void Push(ClientState& client, std::string_view message) override {
    pushed[client.id] += message;
  }
  void Pause(PauseMode mode, TimeMs until_ms) override {
    pause_mode = mode;
    pause_until_ms = std::max(pause_until_ms, until_ms);
  }
  void Unpause() override { pause_mode = PauseMode::kOff; }
  [[nodiscard]] PauseMode paused() const override { return pause_mode; }

  [[nodiscard]] int64_t SlowLogThresholdUs() const override { return slow_log_threshold_us; }
  void SlowLogAdd(SlowLogEntry entry) override {
    entry.id = next_slow_log_id++;
    slow_log.push_front(std::move(entry));
  }
  void SlowLogForEach(FunctionRef<bool(const SlowLogEntry&)> visit) const override {
    for (const SlowLogEntry& entry : slow_log)
      if (!visit(entry)) return;
  }
  [[nodiscard]] size_t SlowLogSize() const override { return slow_log.size(); }
  void SlowLogReset() override { slow_log.clear(); }
  [[nodiscard]] bool HasMonitors() const override { return monitors > 0; }
  void StartMonitor(ClientState& client) override {
    client.monitor = true;
    ++monitors;
  }
  void FeedMonitors(std::string_view line) override { monitored.emplace_back(line); }

  [[nodiscard]] PersistenceStatus Persisted() const override { return persisted; }
  [[nodiscard]] ReplicationStatus Replicated() const override { return replicated; }
  [[nodiscard]] Result<void> ReplicaOf(std::string_view host, uint16_t port) override {
    replicated.is_replica = !host.empty();
    replicated.primary_host = host;
    replicated.primary_port = port;
    return {};
  }
  [[nodiscard]] size_t ReplicasAt(uint64_t /*sequence*/, bool /*on_disk*/) const override {
    return replicas_at;
  }
  void WakeWaiting(TimeMs until_ms) override { wake_ms = until_ms; }
  [[nodiscard]] Result<uint64_t> BeginSave() override { return ++jobs; }
  [[nodiscard]] Result<bool> ScheduleSave() override {
    if (persisted.saving) {
      persisted.save_scheduled = true;
      return false;
    }
    ++jobs;
    return true;
  }
  [[nodiscard]] Result<uint64_t> BeginBackup(std::string_view name) override {
    backups.emplace_back(name);
    return ++jobs;
  }
  [[nodiscard]] std::optional<Result<void>> SaveResult(uint64_t /*job*/) const override {
    return job_result;
  }
  [[nodiscard]] Result<void> Shutdown(ShutdownSave save, bool force) override {
    shutdown_asked = true;
    shutdown_save = save;
    shutdown_forced = force;
    return {};
  }
  [[nodiscard]] Result<void> AbortShutdown() override {
    return Fail(Code::kUnavailable, "No shutdown in progress.");
  }
  [[nodiscard]] const ServerMetrics& metrics() const override { return counted; }
  void ForEachFact(
      FunctionRef<void(std::string_view name, std::string value)> visit) const override {
    for (const auto& [name, value] : facts) visit(name, value);
  }
  [[nodiscard]] MemoryMetrics Memory() override { return memory; }
  void PurgeMemory() override { ++purges; }
  [[nodiscard]] std::string AllocatorReport() const override { return "all is well"; }

  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::pair<std::string, std::string>> facts;
  std::string password;
  std::vector<ClientState*> clients;
  std::vector<uint64_t> killed_ids;
  std::map<uint64_t, std::string> pushed;  // to each client, by its id
  PauseMode pause_mode = PauseMode::kOff;
  TimeMs pause_until_ms = 0;
  int64_t slow_log_threshold_us = -1;
  int64_t next_slow_log_id = 0;
  std::deque<SlowLogEntry> slow_log;  // newest first
  int monitors = 0;
  std::vector<std::string> monitored;
  int stats_resets = 0;
  bool shutdown_asked = false;
  ShutdownSave shutdown_save = ShutdownSave::kAsConfigured;
  bool shutdown_forced = false;
  PersistenceStatus persisted;
  ReplicationStatus replicated;
  size_t replicas_at = 0;
  TimeMs wake_ms = 0;
  uint64_t jobs = 0;
  std::vector<std::string> backups;
  std::optional<Result<void>> job_result;  // nothing: the job is under way
  ServerMetrics counted;
  MemoryMetrics memory;
  int purges = 0;
};

}  // namespace cloakroom
