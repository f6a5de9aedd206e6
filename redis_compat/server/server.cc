#include "redis_compat/server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "redis_compat/server/refusals.h"
#include "store/base/check.h"
#include "store/base/log.h"

namespace cloakroom {
namespace {

constexpr size_t kFilesBesidesClients = 32;  // listeners, logs, the loop's own
constexpr size_t kSweepStep = 32;            // units of sweeping between two looks at the clock
constexpr size_t kSweepStepsMax = 64;        // in a turn, however fast they are
constexpr TimeMs kSweepSoonMs = 20;          // after requests, if nothing is known to fall due
constexpr TimeMs kClosingMaxMs = 30'000;     // for a peer to take the last replies
constexpr int64_t kStopSilenceUs = 500'000;  // without a byte taken, stopping waits no longer
constexpr size_t kVisitsMin = 5;
constexpr int64_t kLoadFirstUs = 100'000;  // of loading before the first client is answered

}  // namespace

Server::Server(const ServerEnv& env, Options options, const Registry& registry, Shard& shard,
               Persistence* persistence, Replication* replication)
    : env_(env),
      config_(std::move(options.config)),
      config_file_(std::move(options.config_file)),
      executable_(std::move(options.executable)),
      directory_(std::move(options.directory)),
      shard_(shard),
      dispatcher_(registry, shard, *this, env.clock, env.random),
      meter_(env.clock),
      turn_(dispatcher_, meter_, env.scheduler, *this, config_.settings(),
            [this](Connection& connection) { Bury(connection); }),
      pause_timer_(env.scheduler.MakeTimer([this] { Unpause(); })),
      waiting_timer_(env.scheduler.MakeTimer([this] { ResumeWaiting(); })),
      housekeeping_timer_(env.scheduler.MakeTimer([this] { Housekeep(); })),
      return_timer_(env.scheduler.MakeTimer([this] {
        meter_.Wake();
        const int64_t began_us = env_.clock.MonotonicUs();
        ReturnMemory();
        meter_.AddUpkeep(began_us, env_.clock.MonotonicUs());
        env_.scheduler.RequestTurn();  // or the wait to come would count as work
      })),
      sweep_timer_(env.scheduler.MakeTimer([this] {
        sweep_due_ms_ = 0;
        env_.scheduler.RequestTurn();
      })),
      persistence_(persistence),
      replication_(replication) {
  std::array<unsigned char, 20> id{};
  env_.random.Fill(id.data(), id.size());
  for (const unsigned char byte : id) fmt::format_to(std::back_inserter(run_id_), "{:02x}", byte);
  metrics_.started_ms = env_.clock.WallMs();
  Apply();
  memory_startup_bytes_ = shard_.Measure().Used();
  shard_.BeginTurn();
  if (persistence_ != nullptr)
    persistence_->SetEvents({.changed = [this] { env_.scheduler.RequestTurn(); },
                             .job_done =
                                 [this] {
                                   turn_.ResumePaused();
                                   ArmSweep(kSweepSoonMs);  // what was kept for the image
                                 },
                             .failed = [this](const Error& error) { Fail(error); }});
  if (replication_ != nullptr) WireReplication();
  env_.scheduler.SetTurn([this] { return RunTurn(); });
  housekeeping_timer_->Start(kHousekeepingMs);
}

Server::~Server() {
  env_.scheduler.SetTurn({});
  listeners_.clear();
  for (auto& [id, connection] : connections_) dispatcher_.Leave(connection->client);
}

void Server::Apply() {
  const Settings& now = settings();
  SetLogLevel(now.log_level);
  PackedLimits& packed = shard_.keys().packed_limits();
  packed.hash_entries_max = now.hash_packed_entries_max;
  packed.hash_value_bytes_max = now.hash_packed_value_bytes_max;
  packed.set_intset_entries_max = now.set_intset_entries_max;
  env_.scheduler.SetPollPause(now.poll_pause_us);
  if (persistence_ != nullptr) persistence_->SetOptions(now.persistence);
  if (replication_ != nullptr) replication_->SetOptions(ReplicationOptions());
  if (redis_link_ != nullptr) redis_link_->SetPrimaryAuth(now.primary_user, now.primary_password);
  dispatcher_.SetEventClasses(now.event_classes);
  ApplyMemory();
  const size_t wanted = now.clients_max + kFilesBesidesClients;
  const size_t files = env_.process.RaiseFileLimit(wanted);
  if (files < wanted)
    Log(LogLevel::kWarning,
        "The system allows {} open files, too few for maxclients {}: the last clients may be "
        "refused. Raise 'ulimit -n'.",
        files, now.clients_max);
}

void Server::ApplyMemory() {
  const Settings& now = settings();
  const bool lowered =
      now.memory_bytes_max != 0 && (now.memory_bytes_max != shard_.budget().limit());
  const EvictionPolicy policy = now.eviction.policy;
  Shard::MemoryOptions memory;
  memory.limit_bytes = now.memory_bytes_max;
  memory.eviction = now.eviction;
  memory.access = {.counts_uses = policy == EvictionPolicy::kVolatileLfu ||
                                  policy == EvictionPolicy::kAllKeysLfu,
                   .log_factor = now.lfu_log_factor,
                   .decay_minutes = now.lfu_decay_minutes};
  shard_.SetMemoryOptions(memory);
  MeasureMemory();
  if (lowered && shard_.budget().IsOver())
    Log(LogLevel::kWarning,
        "maxmemory is {} bytes, and {} are in use already: as maxmemory-policy says, entries will "
        "be evicted or writes refused.",
        now.memory_bytes_max, shard_.budget().Counted());
}

// What is not in the tables: buffers, dictionaries, the log, the program's own. While huge blocks
// are being given back the allocator's figure is too high: then the last one holds.
void Server::MeasureMemory() {
  const Table::Memory tables = shard_.keys().memory();
  if (tables.going_bytes == 0) {
    const size_t allocated = env_.process.AllocatedBytes();
    const size_t apart =
        tables.Total() + (persistence_ == nullptr ? 0 : persistence_->BufferBytes());
    turn_.SetOutsideBytes(allocated - std::min(allocated, apart));
  }
  memory_peak_bytes_ = std::max<uint64_t>(memory_peak_bytes_, shard_.Measure().Used());
}

Result<void> Server::Listen(const ListenAddress& address, bool optional) {
  Result<ListenerPtr> listener =
      env_.network.Listen(address, [this](StreamPtr stream) { Accept(std::move(stream)); });
  if (listener) {
    listeners_.push_back(*std::move(listener));
    return {};
  }
  const Error& error = listener.error();
  if (optional && error.code == Code::kUnavailable) return {};
  if (!address.path.empty())
    return cloakroom::Fail(error.code, "Could not create the unix socket '{}': {}", address.path,
                           error.message);
  return cloakroom::Fail(error.code, "Could not create server TCP listening socket {}:{}: {}",
                         address.host, address.port, error.message);
}

Result<void> Server::Start() {
  const Settings& now = settings();
  if (const size_t limit = env_.process.CgroupMemoryBytes(); limit != 0)
    Log(LogLevel::kNotice, "The control group limits memory to {} bytes; maxmemory is {}", limit,
        now.memory_bytes_max == 0 ? "not set" : fmt::format("{} bytes", now.memory_bytes_max));
  ListenAddress address;
  address.backlog = now.tcp_backlog;
  if (now.port != 0)
    for (const std::string& host : now.bind) {
      const bool optional = host.starts_with('-');
      address.host = optional ? host.substr(1) : host;
      address.port = now.port;
      TRY_VOID(Listen(address, optional));
    }
  if (!now.unix_socket.empty()) {
    address.path = now.unix_socket;
    address.path_mode = now.unix_socket_mode;
    TRY_VOID(Listen(address, false));
  }
  if (listeners_.empty())
    return cloakroom::Fail(Code::kInvalid, "Configured to not listen anywhere, exiting.");
  if (persistence_ != nullptr && !persistence_->started()) {
    TRY_VOID(persistence_->Open());
    const int64_t began_us = env_.clock.MonotonicUs();
    while (persistence_->loading() && env_.clock.MonotonicUs() - began_us < kLoadFirstUs)
      TRY_VOID(persistence_->Load());
    if (persistence_->loading()) {
      Log(LogLevel::kNotice, "Loading goes on; until it is done, clients are answered LOADING");
      env_.scheduler.RequestTurn();
      return {};
    }
  }
  return Ready();
}

/// All is loaded.
Result<void> Server::Ready() {
  shard_.BeginTurn();
  if (replication_ != nullptr) TRY_VOID(replication_->Start(settings().replica_of));
  if (ready_) ready_();
  return {};
}

/// While loading, each turn takes a slice. Returns whether it is not over yet.
bool Server::LoadSlice() {
  const Result<bool> more = persistence_->Load();
  if (!more) {
    Fail(more.error());
    return false;
  }
  if (*more) return true;
  if (const Result<void> ready = Ready(); !ready) Fail(ready.error());
  return true;
}

/// A part of an image, bounded by time as the sweep is. Returns whether there is more to do.
bool Server::SaveSlice() {
  const int64_t began_us = env_.clock.MonotonicUs();
  const int64_t slice_us = turn_.executed() == 0 ? kUpkeepIdleUs
                                                 : std::clamp((began_us - meter_.since_us()) / 2,
                                                              kUpkeepMinUs, kUpkeepMaxUs);
  bool more = true;
  int64_t now_us = began_us;
  while (more && now_us - began_us < slice_us) {
    more = persistence_->Step();
    now_us = env_.clock.MonotonicUs();
  }
  meter_.AddUpkeep(began_us, now_us);
  return more;
}

void Server::Fail(const Error& error) {
  if (std::exchange(has_failed_, true)) return;
  turn_.StopExecuting();
  if (failed_) failed_(error);
}

void Server::Accept(StreamPtr stream) {
  meter_.Wake();
  const Settings& now = settings();
  if (connections_.size() >= now.clients_max) {
    static_cast<void>(stream->TryWrite(kTooManyClients));
    ++metrics_.connections_rejected;
    return;
  }
  if (now.protected_mode && now.password.empty() && !stream->info().loopback) {
    static_cast<void>(stream->TryWrite(kProtectedMode));
    ++metrics_.connections_rejected;
    return;
  }
  ++metrics_.connections_received;
  stream->SetKeepAlive(now.tcp_keepalive_s);
  const uint64_t id = next_id_++;
  auto connection = std::make_unique<Connection>(id, std::move(stream), turn_, shard_.now());
  connection->client.authenticated = !PasswordRequired();
  connection->SetReading(true);
  turn_.client_memory().Count(*connection);
  Log(LogLevel::kVerbose, "Accepted {}", connection->client.address);
  connections_.emplace_hint(connections_.end(), id, std::move(connection));
}

void Server::Bury(Connection& connection) {
  Log(LogLevel::kVerbose, "Client closed connection id={} addr={}", connection.client.id,
      connection.client.address);
  std::erase(monitors_, &connection);
  connections_.erase(connection.client.id);
}

Connection* Server::Find(const ClientState& client) {
  const auto at = connections_.find(client.id);
  return at == connections_.end() ? nullptr : at->second.get();
}

bool Server::RunTurn() {
  if (has_failed_) return false;
  if (settings().replica_lag_max_ms > 0) NoteLag();
  bool more_requests = turn_.Run();
  bool loading = false;
  bool saving = false;
  if (persistence_ != nullptr && persistence_->loading()) {
    loading = !stopping_ && LoadSlice();
  } else if (!closing_log_) {        // or a sweep could log something behind the log's end
    if (!shard_.loading()) Sweep();  // what a full sync has brought by now is no state yet
    saving = persistence_ != nullptr && SaveSlice();
    shard_.EndTurn();  // what the sweep has logged
    if (replication_ != nullptr && StepReplication()) more_requests = true;
  }
  if (stopping_) CheckStopped();
  const bool more =
      ((more_requests || sweep_more_ || saving || turn_.pushed_late()) && !stopping_) || loading;
  meter_.TurnEnded(turn_.executed(), more);
  return more;
}

// Sweeping needs no more than the clock's resolution: once a millisecond, and on while there is
// more to do. While clients are paused nothing changes, so nothing is freed either.
void Server::Sweep() {
  if (pause_mode_ != PauseMode::kOff) [[unlikely]] {  // until Unpause asks for a turn
    sweep_more_ = false;
    swept_ms_ = 0;
    return;
  }
  const TimeMs now = shard_.now();
  if (now == swept_ms_ && !sweep_more_) {
    if (turn_.executed() > 0) ArmSweep(kSweepSoonMs);
    return;
  }
  swept_ms_ = now;
  SweepSlice();
  if (sweep_more_) return;
  const TimeMs due = shard_.keys().NextDue();
  if (due != kNoDeadline && !shard_.time_held()) ArmSweep(std::max<TimeMs>(due - now, 1));
}

// A slice is bounded by time, because what a unit costs depends on what is freed. A turn that
// served requests gives a quarter of what it took, within bounds: so upkeep keeps up with a busy
// server, and costs those who ask now and then little.
void Server::SweepSlice() {
  const int64_t began_us = env_.clock.MonotonicUs();
  const int64_t slice_us = turn_.executed() == 0 ? kUpkeepIdleUs
                                                 : std::clamp((began_us - meter_.since_us()) / 4,
                                                              kUpkeepMinUs, kUpkeepMaxUs);
  int64_t now_us = began_us;
  for (size_t steps = 0; steps < kSweepStepsMax; ++steps) {
    sweep_more_ = !shard_.Sweep(kSweepStep);
    now_us = env_.clock.MonotonicUs();
    if (!sweep_more_ || now_us - began_us >= slice_us) break;
  }
  meter_.AddSweep(began_us, now_us, sweep_more_);
}

// Only ever brings the timer forward: starting it anew each turn would cost more than waking once
// too often.
void Server::ArmSweep(TimeMs delay_ms) {
  const TimeMs due = shard_.now() + delay_ms;
  if (sweep_due_ms_ != 0 && sweep_due_ms_ <= due) return;
  sweep_due_ms_ = due;
  sweep_timer_->Start(delay_ms);
}

void Server::Housekeep() {
  meter_.Wake();
  housekeeping_timer_->Start(kHousekeepingMs);
  const int64_t now_us = env_.clock.MonotonicUs();
  requests_rate_.Sample(dispatcher_.counters().commands, now_us);
  input_rate_.Sample(turn_.counters().net_input_bytes, now_us);
  output_rate_.Sample(turn_.counters().net_output_bytes, now_us);
  shard_.BeginTurn();
  MeasureMemory();
  shard_.keys().PackStill();
  if (persistence_ != nullptr && !stopping_) persistence_->Housekeep();
  if (replication_ != nullptr) {
    replication_->Housekeep();
    CountReplicas();
  }
  VisitSomeClients();
  if (!returning_) ReturnMemory();
  if (stopping_) CheckStopped();
  meter_.AddUpkeep(now_us, env_.clock.MonotonicUs());
  env_.scheduler.RequestTurn();  // for the sweep, and for those whom the visit has ended
}

void Server::ReturnMemory() {
  returning_ = env_.process.ReturnMemory();
  if (returning_) return_timer_->Start(kReturnMs);
}

// A tenth of them at a time: each is seen about once a second, however many there are.
void Server::VisitSomeClients() {
  const TimeMs now = shard_.now();
  size_t visits = std::min(connections_.size(), std::max(connections_.size() / 10, kVisitsMin));
  auto at = connections_.upper_bound(visited_id_);
  for (; visits > 0; --visits, ++at) {
    if (at == connections_.end()) at = connections_.begin();
    visited_id_ = at->first;
    VisitClient(*at->second, now);
  }
}

void Server::VisitClient(Connection& connection, TimeMs now) {
  using Place = Connection::Place;
  if (connection.place == Place::kDoomed) return;
  if (connection.PendingBytes() > 0 && turn_.CheckOutputLimit(connection)) return;
  if (connection.place == Place::kClosing && now - connection.closing_since_ms > kClosingMaxMs) {
    turn_.Doom(connection);
    return;
  }
  const TimeMs timeout_ms = TimeMs{settings().timeout_s} * 1000;
  if (timeout_ms > 0 && !connection.client.monitor && !connection.client.subscribed() &&
      connection.place != Place::kPaused && now - connection.client.last_active_ms > timeout_ms) {
    Log(LogLevel::kVerbose, "Closing idle client {}", connection.client.address);
    turn_.Doom(connection);
  }
}

void Server::Stop() {
  if (stopping_) return;
  stopping_ = true;
  Log(LogLevel::kNotice, "Stopping: sending the last replies");
  listeners_.clear();
  turn_.StopExecuting();
  stop_progress_us_ = env_.clock.MonotonicUs();
  stop_by_us_ = stop_progress_us_ + int64_t{settings().shutdown_timeout_s} * 1'000'000;
  stop_unsent_bytes_ = UnsentBytes();
  env_.scheduler.RequestTurn();
}

size_t Server::UnsentBytes() const {
  size_t bytes = 0;
  for (const auto& [id, connection] : connections_)
    if (connection->place != Connection::Place::kDoomed) bytes += connection->PendingBytes();
  return bytes;
}

void Server::CheckStopped() {
  const int64_t now_us = env_.clock.MonotonicUs();
  const size_t unsent_bytes = UnsentBytes();
  if (unsent_bytes < stop_unsent_bytes_) stop_progress_us_ = now_us;
  stop_unsent_bytes_ = unsent_bytes;
  if (unsent_bytes > 0 && now_us < stop_by_us_ && now_us - stop_progress_us_ < kStopSilenceUs)
    return;
  if (unsent_bytes > 0)
    Log(LogLevel::kWarning, "{} bytes of replies were not taken by their clients", unsent_bytes);
  StopFollowingRedis();
  if (replication_ != nullptr) replication_->Stop();
  if (persistence_ == nullptr) {
    if (stopped_) std::exchange(stopped_, {})();
  } else if (!std::exchange(closing_log_, true)) {
    persistence_->Stop([this](const Result<void>& result) {
      if (!result) Log(LogLevel::kWarning, "The log's end is not safe: {}", result.error().message);
      if (stopped_) std::exchange(stopped_, {})();
    });
  }
}

void Server::StopSaved() {
  if (const auto begun = Shutdown(ShutdownSave::kAsConfigured, false); !begun)
    Log(LogLevel::kWarning, "{}: going on", begun.error().message);
}

}  // namespace cloakroom
