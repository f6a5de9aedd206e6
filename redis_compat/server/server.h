#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/migrate/follower_link.h"
#include "redis_compat/migrate/shard_target.h"
#include "redis_compat/server/config.h"
#include "redis_compat/server/loop_meter.h"
#include "redis_compat/server/metrics.h"
#include "redis_compat/server/slow_log.h"
#include "redis_compat/server/turn.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/network.h"
#include "store/env/process.h"
#include "store/env/random.h"
#include "store/env/scheduler.h"
#include "store/node/persistence.h"
#include "store/node/replication.h"
#include "store/node/shard.h"

namespace cloakroom {

/// The machine, as the server gets it.
struct ServerEnv {
  Clock& clock;
  Random& random;
  Scheduler& scheduler;
  Network& network;
  Process& process;
  Disk* disk = nullptr;  // nullptr: there is none, and no persistence
};

/// Serves one shard to clients: listens, accepts, gives each turn of the loop to the connections'
/// requests, keeps house, and stops in order. It is also what commands ask about the process.
class Server final : public ServerControl, private PublishObserver {
 public:
  struct Options {
    Config config;
    std::string config_file;  // absolute; empty: none
    std::string executable;   // absolute
    std::string directory;    // absolute: where relative paths of options begin
  };
  /// `persistence`: what keeps the shard on disk; nullptr: nothing does. `replication`: what
  /// connects it with other nodes; nullptr: nothing does.
  Server(const ServerEnv& env, Options options, const Registry& registry, Shard& shard,
         Persistence* persistence = nullptr, Replication* replication = nullptr);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// How long a slice of upkeep may last beyond its last step: in a turn that served requests, and
  /// in one that did not, for a request may come meanwhile.
  static constexpr int64_t kUpkeepMinUs = 30;
  static constexpr int64_t kUpkeepMaxUs = 200;
  static constexpr int64_t kUpkeepIdleUs = 50;

  /// Listens wherever the options say, and begins to load what is on disk: a small state is there
  /// when it returns, a large one is loaded while clients are answered LOADING.
  ///   errors  the address that cannot be listened on; what Persistence says
  [[nodiscard]] Result<void> Start();
  /// `ready` is called once all is loaded, from Start or the turn.
  void OnReady(std::function<void()> ready) { ready_ = std::move(ready); }
  /// The server cannot go on: the state cannot be loaded, or the log cannot be synced. No reply
  /// leaves any more; the owner ends the process.
  void OnFailed(std::function<void(const Error& error)> failed) { failed_ = std::move(failed); }

  /// Stops in order: no new clients, no more requests, but what was answered is sent as far as the
  /// peers take it within shutdown-timeout. Then `stopped` is called, from the turn or a timer.
  void Stop();
  /// As SIGTERM asks for: saves an image before, where the options say so. Does not stop when that
  /// fails.
  void StopSaved();
  void OnStopped(std::function<void()> stopped) { stopped_ = std::move(stopped); }

  [[nodiscard]] const Settings& settings() const { return config_.settings(); }
  [[nodiscard]] size_t connected() const { return connections_.size(); }
  [[nodiscard]] Turn& turn() { return turn_; }
  [[nodiscard]] const std::vector<ListenerPtr>& listeners() const { return listeners_; }

  // ServerControl; in server_requests.cc
  [[nodiscard]] std::optional<std::string> ConfigGet(std::string_view name) const override;
  void ConfigForEach(
      FunctionRef<void(std::string_view name, const std::string& value)> visit) const override;
  [[nodiscard]] Result<void> ConfigSet(
      const std::vector<std::pair<std::string, std::string>>& settings) override;
  [[nodiscard]] Result<void> ConfigRewrite() override;
  void ResetStats() override;
  [[nodiscard]] bool PasswordRequired() const override { return !settings().password.empty(); }
  [[nodiscard]] bool PasswordMatches(std::string_view password) const override;
  void ForEachClient(FunctionRef<void(ClientState&)> visit) override;
  size_t KillClients(const ClientFilter& filter, const ClientState& self) override;
  void Push(ClientState& client, std::string_view message) override;
  void Pause(PauseMode mode, TimeMs until_ms) override;
  void Unpause() override;
  [[nodiscard]] PauseMode paused() const override { return pause_mode_; }
  [[nodiscard]] int64_t SlowLogThresholdUs() const override {
    return settings().slow_log_threshold_us;
  }
  void SlowLogAdd(SlowLogEntry entry) override;
  void SlowLogForEach(FunctionRef<bool(const SlowLogEntry&)> visit) const override;
  [[nodiscard]] size_t SlowLogSize() const override { return slow_log_.size(); }
  void SlowLogReset() override { slow_log_.Clear(); }
  [[nodiscard]] bool HasMonitors() const override { return !monitors_.empty(); }
  void StartMonitor(ClientState& client) override;
  void FeedMonitors(std::string_view line) override;
  [[nodiscard]] PersistenceStatus Persisted() const override;
  [[nodiscard]] Result<uint64_t> BeginSave() override;
  [[nodiscard]] Result<bool> ScheduleSave() override;
  [[nodiscard]] Result<uint64_t> BeginBackup(std::string_view name) override;
  [[nodiscard]] std::optional<Result<void>> SaveResult(uint64_t job) const override;
  [[nodiscard]] ReplicationStatus Replicated() const override;
  [[nodiscard]] Result<void> ReplicaOf(std::string_view host, uint16_t port) override;
  [[nodiscard]] size_t ReplicasAt(uint64_t sequence, bool on_disk) const override;
  void WakeWaiting(TimeMs until_ms) override;
  [[nodiscard]] Result<void> Shutdown(ShutdownSave save, bool force) override;
  [[nodiscard]] Result<void> AbortShutdown() override;
  [[nodiscard]] const ServerMetrics& metrics() const override;
  void ForEachFact(
      FunctionRef<void(std::string_view name, std::string value)> visit) const override;
  [[nodiscard]] MemoryMetrics Memory() override;
  void PurgeMemory() override;
  [[nodiscard]] std::string AllocatorReport() const override {
    return env_.process.AllocatorReport();
  }

 private:
  static constexpr TimeMs kHousekeepingMs = 100;
  static constexpr TimeMs kReturnMs = 5;

  [[nodiscard]] Result<void> Listen(const ListenAddress& address, bool optional);
  void Accept(StreamPtr stream);
  [[nodiscard]] Connection* Find(const ClientState& client);
  void Bury(Connection& connection);
  void ApplyMemory();
  void MeasureMemory();
  void Apply();  // what the options say beyond what is read from them each time

  bool RunTurn();
  [[nodiscard]] Result<void> Ready();
  void ResumeWaiting();
  // In server_replication.cc
  void WireReplication();
  [[nodiscard]] bool StepReplication();
  void CountReplicas();
  void NoteLag();
  void FollowRedis();
  void StopFollowingRedis();
  void DescribeRedis(ReplicationStatus& status) const;
  void OnPublished(std::string_view channel, std::string_view payload, bool sharded) override;
  [[nodiscard]] Replication::Options ReplicationOptions() const;
  bool LoadSlice();
  bool SaveSlice();
  void Fail(const Error& error);
  void Sweep();
  void SweepSlice();
  void ArmSweep(TimeMs delay_ms);
  void Housekeep();
  void ReturnMemory();
  void VisitSomeClients();
  void VisitClient(Connection& connection, TimeMs now);
  void CheckStopped();
  [[nodiscard]] size_t UnsentBytes() const;

  ServerEnv env_;
  Config config_;
  std::string config_file_;
  std::string executable_;
  std::string directory_;
  std::string run_id_;
  Shard& shard_;
  Dispatcher dispatcher_;
  LoopMeter meter_;
  Turn turn_;
  std::vector<ListenerPtr> listeners_;

  std::map<uint64_t, std::unique_ptr<Connection>> connections_;  // by id: the oldest first
  uint64_t next_id_ = 1;
  uint64_t visited_id_ = 0;  // housekeeping has come so far
  std::vector<Connection*> monitors_;
  SlowLog slow_log_;

  PauseMode pause_mode_ = PauseMode::kOff;
  TimeMs pause_until_ms_ = 0;
  std::unique_ptr<Timer> pause_timer_;
  std::unique_ptr<Timer> waiting_timer_;
  bool anybody_waits_ = false;  // in WAIT

  std::unique_ptr<Timer> housekeeping_timer_;
  std::unique_ptr<Timer> return_timer_;
  bool returning_ = false;  // there is more memory to give back
  std::unique_ptr<Timer> sweep_timer_;
  TimeMs swept_ms_ = 0;
  TimeMs sweep_due_ms_ = 0;  // when sweep_timer_ fires; 0: it is stopped
  bool sweep_more_ = false;

  Persistence* persistence_;
  Replication* replication_;
  std::unique_ptr<ShardTarget> redis_target_;
  std::unique_ptr<FollowerLink> redis_link_;  // while the primary is a Redis
  std::function<void()> ready_;
  std::function<void(const Error& error)> failed_;
  bool has_failed_ = false;

  std::function<void()> stopped_;
  bool stopping_ = false;
  bool closing_log_ = false;
  int64_t stop_by_us_ = 0;
  int64_t stop_progress_us_ = 0;
  size_t stop_unsent_bytes_ = 0;

  mutable ServerMetrics metrics_;
  uint64_t memory_peak_bytes_ = 0;
  uint64_t memory_startup_bytes_ = 0;
  RateMeter requests_rate_;
  RateMeter input_rate_;
  RateMeter output_rate_;
};

}  // namespace cloakroom
