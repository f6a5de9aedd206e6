// A server that follows a Redis, for tests/e2e/follow_test.py: all of cloakroom-server, listening
// as its options say, and beside it a FollowerLink that begins at the start.
//
//   follow_tool HOST PORT [--option value ...]
//
// The environment's PRIMARY_PASSWORD is its password. Log lines go to standard output, and so does
// the link's status, ten times a second when it is new.

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis_compat/migrate/follower_link.h"
#include "redis_compat/migrate/shard_target.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/server/server.h"
#include "store/base/log.h"
#include "store/uv/uv_clock.h"
#include "store/uv/uv_disk.h"
#include "store/uv/uv_loop.h"
#include "store/uv/uv_network.h"
#include "store/uv/uv_process.h"
#include "store/uv/uv_random.h"
#include "tests/support/fake_server_control.h"

namespace cloakroom {
namespace {

/// The loop, with the link's turn before the server's.
class TwoTurns final : public Scheduler {
 public:
  explicit TwoTurns(Scheduler& scheduler) : scheduler_(scheduler) {}

  [[nodiscard]] std::unique_ptr<Timer> MakeTimer(std::function<void()> fire) override {
    return scheduler_.MakeTimer(std::move(fire));
  }
  void SetTurn(std::function<bool()> turn) override {
    if (!turn) return scheduler_.SetTurn({});
    scheduler_.SetTurn([this, turn = std::move(turn)] {
      const bool more = first_ && first_();
      return turn() || more;
    });
  }
  void RequestTurn() override { scheduler_.RequestTurn(); }
  void SetPollPause(uint32_t pause_us) override { scheduler_.SetPollPause(pause_us); }

  void SetFirst(std::function<bool()> first) { first_ = std::move(first); }

 private:
  Scheduler& scheduler_;
  std::function<bool()> first_;
};

void Print(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

std::string Describe(const FollowerLink& link, const ShardTarget& target) {
  const FollowerLink::Status status = link.status();
  return fmt::format(
      "status up={:d} syncing={:d} stopped={:d} full={} partial={} keys={} commands={} error={}",
      status.up, status.syncing, status.stopped, status.full_syncs, status.partial_syncs,
      target.passed_over().keys, target.passed_over().commands, status.error);
}

Result<void> Run(const std::vector<std::string>& words) {
  Config config;
  for (size_t i = 2; i + 1 < words.size(); i += 2)
    TRY_VOID(config.Direct(std::vector<std::string>{words[i].substr(2), words[i + 1]}));
  const Settings settings = config.settings();
  UvLoop loop;
  UvClock clock;
  UvRandom random;
  UvNetwork network(loop);
  UvProcess process;
  UvDisk disk(loop);
  TwoTurns turns(loop);
  Registry registry;
  RegisterAllModules(registry);
  Shard shard(clock, random, {.databases = settings.databases});
  Persistence persistence(clock, random, turns, disk, shard, settings.persistence);
  Server server({clock, random, turns, network, process, &disk},
                {std::move(config), "", "follow_tool", "."}, registry, shard, &persistence);
  server.OnFailed([](const Error& error) {
    Print("failed: " + error.message);
    _exit(1);
  });
  FakeServerControl control;
  Dispatcher dispatcher(registry, shard, control, clock, random);
  const bool refuse = !settings.import_skips_other_types;
  std::unique_ptr<ShardTarget> target;
  std::unique_ptr<FollowerLink> link;
  turns.SetFirst([&] {
    if (link == nullptr) return false;
    shard.BeginTurn();
    return link->Turn();
  });
  server.OnReady([&] {
    target = std::make_unique<ShardTarget>(shard, dispatcher,
                                           ShardTarget::Options{.refuse_others = refuse});
    RedisFollower::Options options;
    options.listening_port = settings.port;
    options.refuse_others = refuse;
    if (const char* const password = std::getenv("PRIMARY_PASSWORD")) options.password = password;
    link = std::make_unique<FollowerLink>(
        clock, turns, network, *target,
        FollowerLink::Options{{words[0], static_cast<uint16_t>(std::stoi(words[1]))}, options},
        FollowerLink::Events{[](bool up) { Print(up ? "up" : "down"); },
                             [](const std::string& reason) { Print("stopped: " + reason); }});
    link->Start();
  });
  TRY_VOID(server.Start());
  std::string told;
  std::unique_ptr<Timer> tell;
  tell = loop.MakeTimer([&] {
    tell->Start(100);
    if (link == nullptr) return;
    std::string status = Describe(*link, *target);
    if (status == told) return;
    Print(status);
    told = std::move(status);
  });
  tell->Start(0);
  loop.OnSignal(SIGTERM, [&] {
    if (link != nullptr) link->Stop();
    server.Stop();
  });
  server.OnStopped([&] { loop.Stop(); });
  loop.Run();
  link.reset();
  target.reset();
  return {};
}

}  // namespace
}  // namespace cloakroom

int main(int count, char** words) {
  if (count < 3) return 1;
  std::signal(SIGPIPE, SIG_IGN);
  cloakroom::SetLogSink(
      [](cloakroom::LogLevel, std::string_view line) { cloakroom::Print(std::string(line)); });
  const auto done = cloakroom::Run(std::vector<std::string>(words + 1, words + count));
  if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
