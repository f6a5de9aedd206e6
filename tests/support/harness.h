#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/registry.h"
#include "store/node/shard.h"
#include "tests/support/fake_server_control.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// A whole shard behind a dispatcher, without sockets: words in, raw RESP out. Each Run is a turn
/// of its own, so time moves only between commands.
///
///   Harness h({RegisterStrings, RegisterKeys});
///   EXPECT_EQ(h.Run("SET", "k", "v"), "+OK\r\n");
///   h.clock.Advance(1000);
///   ClientState& other = h.AddClient();
///   EXPECT_EQ(h.RunAs(other, {"GET", "k"}), "$1\r\nv\r\n");
class Harness {
 public:
  using RegisterFunction = void (*)(Registry&);

  /// `families`: the Register functions of the modules under test.
  explicit Harness(std::initializer_list<RegisterFunction> families, uint64_t seed = 1)
      : random(seed), shard(clock, random, Shard::Options{}) {
    for (const RegisterFunction add : families) add(registry);
    AddClient();
  }
  ~Harness() {
    for (ClientState& each : clients_) dispatcher.Leave(each);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  /// Another connection, authenticated, speaking RESP2 in database 0.
  ClientState& AddClient() {
    ClientState& added = clients_.emplace_back();
    added.id = clients_.size();
    added.address = "127.0.0.1:" + std::to_string(50000 + clients_.size());
    added.local_address = "127.0.0.1:6379";
    added.authenticated = true;
    added.created_ms = clock.WallMs();
    server.clients.push_back(&added);
    return added;
  }
  /// The first connection, which Run uses.
  [[nodiscard]] ClientState& client() { return clients_.front(); }
  void UseProtocol(int protocol) { client().protocol = protocol; }

  /// Runs one command and returns its reply as it goes on the wire.
  template <typename... Words>
  std::string Run(const Words&... words) {
    return RunAs(client(), {std::string_view(words)...});
  }
  std::string RunAs(ClientState& as, std::initializer_list<std::string_view> words) {
    return RunAs(as, std::vector<std::string_view>(words));
  }
  std::string RunAs(ClientState& as, const std::vector<std::string_view>& words) {
    const Args args(words);
    shard.BeginTurn();
    const Dispatcher::Prepared prepared = dispatcher.Prepare(as, args);
    dispatcher.PrefetchEntry(prepared);
    std::string out;
    last_outcome = dispatcher.Execute(as, args, prepared, out);
    return out;
  }
  /// For words made at run time.
  std::string Run(const std::vector<std::string>& words) {
    return RunAs(client(), std::vector<std::string_view>(words.begin(), words.end()));
  }

  /// Records logged so far: a command that must leave no trace leaves this as it was.
  [[nodiscard]] uint64_t Records() { return shard.log().last(); }

  ManualClock clock;
  SeededRandom random;
  Shard shard;
  Registry registry;
  FakeServerControl server;
  Dispatcher dispatcher{registry, shard, server, clock, random};
  Dispatcher::Outcome last_outcome;

 private:
  std::deque<ClientState> clients_;  // they keep their addresses
};

}  // namespace cloakroom
