#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_compat/modules/all_modules.h"
#include "redis_compat/server/server.h"
#include "tests/support/fake_process.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_network.h"

namespace cloakroom {

/// A whole server on a simulated network. Time stands still but for network.Pass.
class ServerTest : public testing::Test {
 protected:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  /// Starts the server with options as a file would give them.
  void Start(const Settings& options = {}) {
    Config config;
    for (const auto& [name, value] : options) {
      std::vector<std::string> words{name};
      for (size_t at = 0; at <= value.size();) {
        const size_t blank = std::min(value.find(' ', at), value.size());
        words.push_back(value.substr(at, blank - at));
        at = blank + 1;
      }
      const Result<void> done = config.Direct(words);
      ASSERT_TRUE(done.has_value()) << name << ": " << done.error().message;
    }
    RegisterAllModules(registry);
    server = std::make_unique<Server>(ServerEnv{clock, random, network, network, process},
                                      Server::Options{std::move(config), "", "/bin/server", "/srv"},
                                      registry, shard);
    started = server->Start();
  }

  SimPeerPtr Connect() { return network.Connect(6379); }

  /// Sends, lets the server work, and gives what came back.
  std::string Ask(const SimPeerPtr& peer, std::string_view bytes) {
    peer->Send(bytes);
    network.Settle();
    return peer->Take();
  }

  static std::string Times(size_t n, std::string_view text) {
    std::string all;
    for (size_t i = 0; i < n; ++i) all += text;
    return all;
  }

  ManualClock clock;
  SeededRandom random{1};
  SimNetwork network{clock};
  FakeProcess process;
  Registry registry;
  Shard shard{clock, random, Shard::Options{}};
  std::unique_ptr<Server> server;
  Result<void> started;
};

}  // namespace cloakroom
