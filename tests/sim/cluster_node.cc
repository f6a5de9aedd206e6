#include "tests/sim/cluster_node.h"

#include <array>
#include <utility>

#include "redis_compat/modules/all_modules.h"

namespace cloakroom {
namespace {

constexpr uint64_t kLargeBacklog = uint64_t{1} << 20;  // within a turn none is forgotten
constexpr TimeMs kHousekeepMs = 100;
constexpr std::string_view kRequest = "*2\r\n$9\r\nREPLICATE\r\n$1\r\n1\r\n";

const Registry& Registered() {
  static const Registry* const registry = [] {
    auto* const made = new Registry;
    RegisterAllModules(*made);
    return made;
  }();
  return *registry;
}

}  // namespace

/// Stands in for the server: reads the one request that a replica makes.
class ClusterProcess::Greeter final : public StreamEvents {
 public:
  explicit Greeter(StreamPtr its_stream) : stream(std::move(its_stream)) {
    stream->SetEvents(this);
    stream->StartReading();
  }
  [[nodiscard]] std::span<char> ReadSpace() override { return space_; }
  void Received(size_t size_bytes) override { received.append(space_.data(), size_bytes); }
  void Ended() override { ended = true; }
  void Broken() override { ended = true; }
  void Written() override {}

  StreamPtr stream;
  std::string received;
  bool ended = false;

 private:
  std::array<char, 256> space_{};
};

ClusterProcess::ClusterProcess(SimCluster::Machine& machine, SimDisk& disk, SeededRandom& random,
                               const ClusterNodeOptions& options, std::function<void()> turned)
    : shard(machine.clock, random,
            Shard::Options{.databases = kDatabases, .backlog_bytes_max = kLargeBacklog}),
      persistence(machine.clock, random, machine, disk, shard, options.persistence),
      replication({machine.clock, random, machine, machine, &disk}, shard, &persistence,
                  options.replication),
      machine_(machine),
      random_(random),
      backlog_bytes_(options.backlog_bytes),
      turned_(std::move(turned)),
      dispatcher_(Registered(), shard, control_, machine.clock, random),
      commands_(random, kDatabases),
      housekeeping_(machine.MakeTimer([this] { Housekeep(); })) {
  client_.authenticated = true;
  persistence.SetEvents({.changed = [] {},
                         .job_done = [] {},
                         .failed = [this](const Error& error) { failure = error.message; }});
  replication.SetEvents({.wake = [] {}, .acknowledged = [] {}, .published = {}});
}

ClusterProcess::~ClusterProcess() {
  machine_.SetTurn({});
  dispatcher_.Forget(client_);
}

Result<void> ClusterProcess::Begin(const std::optional<PeerAddress>& primary) {
  shard.BeginTurn();
  TRY_VOID(replication.Start(primary));
  begun_ = true;
  TRY(listener_, machine_.Listen({}, [this](StreamPtr stream) {
    greeters_.push_back(std::make_unique<Greeter>(std::move(stream)));
  }));
  housekeeping_->Start(kHousekeepMs);
  machine_.SetTurn([this] { return Turn(); });
  return {};
}

void ClusterProcess::Housekeep() {
  housekeeping_->Start(kHousekeepMs);
  persistence.Housekeep();
  replication.Housekeep();
}

void ClusterProcess::Tell() {
  turned_();
  if (backlog_bytes_ < kLargeBacklog) shard.log().set_backlog_bytes_max(backlog_bytes_);
}

/// In the server's order.
bool ClusterProcess::Turn() {
  if (!begun_ || !failure.empty()) return false;
  if (backlog_bytes_ < kLargeBacklog) shard.log().set_backlog_bytes_max(kLargeBacklog);
  shard.BeginTurn();
  std::erase_if(greeters_, [this](const auto& greeter) {
    if (!greeter->ended && greeter->received.size() < kRequest.size()) return false;
    if (greeter->received.starts_with(kRequest))
      replication.Adopt(std::move(greeter->stream),
                        std::string_view(greeter->received).substr(kRequest.size()));
    return true;
  });
  if (!shard.loading() && random_.Below(2) == 0)
    static_cast<void>(shard.Sweep(1 + random_.Below(50)));
  if (random_.Below(2) == 0) persistence.Step();
  shard.EndTurn();
  replication.Step();
  shard.EndTurn();
  Tell();
  return false;
}

void ClusterProcess::Execute(uint64_t commands) {
  if (backlog_bytes_ < kLargeBacklog) shard.log().set_backlog_bytes_max(kLargeBacklog);
  for (; commands > 0 && !shard.Congested(); --commands) {
    const RandomCommands::Words words = commands_.Next();
    const std::vector<std::string_view> views(words.begin(), words.end());
    const Args args(views);
    std::string out;
    shard.BeginTurn();
    const Dispatcher::Prepared prepared = dispatcher_.Prepare(client_, args);
    const Dispatcher::Outcome outcome = dispatcher_.Execute(client_, args, prepared, out);
    // Where the log has no room the client is not answered, and gives up.
    if (!outcome.waits_for_log && !outcome.waits_for_memory) commands_.Learn(words, out);
  }
  shard.EndTurn();
  Tell();
}

}  // namespace cloakroom
