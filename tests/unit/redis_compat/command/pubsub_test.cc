#include "redis_compat/command/pubsub.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/fake_server_control.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class PubSubTest : public ::testing::Test {
 protected:
  ClientState& AddClient(int protocol = 2) {
    ClientState& client = clients.emplace_back();
    client.id = clients.size();
    client.protocol = protocol;
    return client;
  }
  /// What the client gets for subscribing.
  std::string Subscribe(ClientState& client, Topic topic, std::string_view name) {
    pubsub.BeginCommand(client);
    pubsub.Subscribe(client, topic, name);
    return End();
  }
  std::string Unsubscribe(ClientState& client, Topic topic, std::string_view name) {
    pubsub.BeginCommand(client);
    pubsub.Unsubscribe(client, topic, name);
    return End();
  }
  std::string End() {
    std::string out;
    pubsub.EndCommand(out);
    return out;
  }

  FakeServerControl server;
  Keyspace keys{16, 7};
  PubSub pubsub{server, keys};
  std::deque<ClientState> clients;
};

TEST_F(PubSubTest, EachReceiverGetsItInItsOwnProtocol) {
  ClientState& two = AddClient(2);
  ClientState& three = AddClient(3);
  EXPECT_EQ(Subscribe(two, Topic::kChannel, "news"),
            "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
  EXPECT_EQ(Subscribe(three, Topic::kPattern, "n*"),
            ">3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:1\r\n");
  EXPECT_EQ(pubsub.Publish("news", "hello", false), 2U);
  EXPECT_EQ(pubsub.Publish("other", "hello", false), 0U);
  EXPECT_EQ(server.pushed[two.id], "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
  EXPECT_EQ(server.pushed[three.id],
            ">4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
}

// The channels of shards are a world of their own: names, counts and messages.
TEST_F(PubSubTest, ShardChannelsStandApart) {
  ClientState& client = AddClient();
  Subscribe(client, Topic::kChannel, "a");
  Subscribe(client, Topic::kPattern, "*");
  EXPECT_EQ(Subscribe(client, Topic::kShard, "a"), "*3\r\n$10\r\nssubscribe\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(pubsub.Publish("a", "x", true), 1U);
  EXPECT_EQ(server.pushed[client.id], "*3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
  EXPECT_EQ(pubsub.Publish("a", "x", false), 2U) << "once for the channel, once for the pattern";
}

// A reply is being written: what the client is sent meanwhile has to wait for a place.
TEST_F(PubSubTest, WhatGoesToTheRunningClientIsKept) {
  ClientState& client = AddClient(3);
  Subscribe(client, Topic::kChannel, "a");
  pubsub.BeginCommand(client);
  EXPECT_EQ(pubsub.Publish("a", "x", false), 1U);
  EXPECT_TRUE(server.pushed.empty());
  std::string out = "before|reply";
  ASSERT_TRUE(pubsub.HasKept());
  pubsub.Place(out, 7);
  EXPECT_EQ(out, "before|>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\nreply");
  EXPECT_EQ(pubsub.placed(), ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
  EXPECT_EQ(End(), "");
  EXPECT_EQ(pubsub.placed(), "");
}

// Without names all of a kind go, the oldest first; one who has none is told so.
TEST_F(PubSubTest, UnsubscribingFromAll) {
  ClientState& client = AddClient();
  for (const char* name : {"c", "a", "b"}) Subscribe(client, Topic::kChannel, name);
  Subscribe(client, Topic::kPattern, "p*");
  pubsub.BeginCommand(client);
  pubsub.UnsubscribeAll(client, Topic::kChannel);
  EXPECT_EQ(End(),
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:3\r\n"
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n"
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n");
  pubsub.BeginCommand(client);
  pubsub.UnsubscribeAll(client, Topic::kChannel);
  EXPECT_EQ(End(), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
  EXPECT_TRUE(client.subscribed());
  EXPECT_EQ(client.type(), "pubsub");
  EXPECT_EQ(Unsubscribe(client, Topic::kPattern, "p*"),
            "*3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:0\r\n");
  EXPECT_EQ(client.type(), "normal");
  EXPECT_FALSE(pubsub.HasListeners());
}

class Recorder final : public PublishObserver {
 public:
  void OnPublished(std::string_view channel, std::string_view payload, bool sharded) override {
    seen.emplace_back(channel, payload, sharded);
  }
  std::vector<std::tuple<std::string, std::string, bool>> seen;
};

// Whoever carries messages on gets all that clients publish, heard or not, and nothing else.
TEST_F(PubSubTest, TheObserverSeesWhatClientsPublish) {
  Recorder recorder;
  pubsub.set_observer(&recorder);
  pubsub.Publish("a", "1", false);
  pubsub.Publish("b", "2", true);
  pubsub.Deliver("__keyevent@0__:del", "k", false);
  EXPECT_EQ(recorder.seen, (std::vector<std::tuple<std::string, std::string, bool>>{
                               {"a", "1", false}, {"b", "2", true}}));
}

// However many come and go, in any order: the books agree with a plain set of pairs.
TEST_F(PubSubTest, AgreesWithASimpleModel) {
  SeededRandom random(11);
  const auto draw = [&](uint64_t n) { return random.Draw() % n; };
  std::set<std::tuple<uint64_t, size_t, std::string>> model;
  for (int i = 0; i < 20; ++i) AddClient();
  for (int step = 0; step < 20'000; ++step) {
    ClientState& client = clients[draw(clients.size())];
    const auto topic = static_cast<Topic>(draw(3));
    const std::string name = "n" + std::to_string(draw(8));
    const auto entry = std::tuple(client.id, static_cast<size_t>(topic), name);
    const uint64_t dice = draw(100);
    if (dice < 55) {
      Subscribe(client, topic, name);
      model.insert(entry);
    } else if (dice < 95) {
      Unsubscribe(client, topic, name);
      model.erase(entry);
    } else {
      pubsub.Forget(client);
      std::erase_if(model, [&](const auto& each) { return std::get<0>(each) == client.id; });
      EXPECT_EQ(client.subscription_memory_bytes, 0U);
    }
    const auto subscribers = [&](Topic of, const std::string& wanted) {
      return static_cast<size_t>(std::count_if(model.begin(), model.end(), [&](const auto& each) {
        return std::get<1>(each) == static_cast<size_t>(of) && std::get<2>(each) == wanted;
      }));
    };
    ASSERT_EQ(pubsub.SubscribersOf(topic, name), subscribers(topic, name)) << "step " << step;
    if (step % 100 != 0) continue;
    server.pushed.clear();
    ASSERT_EQ(pubsub.Publish(name, "x", false),
              subscribers(Topic::kChannel, name) + subscribers(Topic::kPattern, name));
    std::set<uint64_t> wanted;
    for (const auto& [id, of, each] : model)
      if (of != static_cast<size_t>(Topic::kShard) && each == name) wanted.insert(id);
    std::set<uint64_t> reached;
    for (const auto& [id, bytes] : server.pushed) reached.insert(id);
    ASSERT_EQ(reached, wanted);
  }
  for (ClientState& client : clients) pubsub.Forget(client);
  for (const Topic topic : {Topic::kChannel, Topic::kPattern, Topic::kShard})
    EXPECT_EQ(pubsub.Count(topic), 0U);
}

}  // namespace
}  // namespace cloakroom
