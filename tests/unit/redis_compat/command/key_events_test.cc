#include "redis_compat/command/key_events.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_server_control.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

std::string Shown(std::string_view letters) {
  const auto classes = ParseEventClasses(letters);
  return classes ? EventClassLetters(*classes) : "none";
}

// As redis-server 7.0.15 shows what it was given.
TEST(EventClassesTest, AreShownAsRedisShowsThem) {
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("K"), "K");
  EXPECT_EQ(Shown("KEA"), "AKE");
  EXPECT_EQ(Shown("AnKE"), "AKE") << "n is in force, but not shown behind A";
  EXPECT_EQ(Shown("nKE"), "nKE");
  EXPECT_EQ(Shown("Elg$"), "g$lE");
  EXPECT_EQ(Shown("mKA"), "AKm");
  EXPECT_EQ(Shown("Kg$lshzxetdE"), "AKE");
  EXPECT_EQ(Shown("KEg$lshzxetdAmn"), "AKEm");
  for (const char* wrong : {"?", "A1", "K E", "k", "G"}) EXPECT_EQ(Shown(wrong), "none") << wrong;
  EXPECT_NE(ParseEventClasses("An"), ParseEventClasses("A"));
}

class KeyEventsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    client.id = 1;
    pubsub.BeginCommand(client);
    pubsub.Subscribe(client, Topic::kPattern, "__key*");
    std::string confirmed;
    pubsub.EndCommand(confirmed);
  }
  void TearDown() override { pubsub.Forget(client); }
  void Put(std::string_view key, TimeMs ttl_ms) {
    batch.PutString(0, shard.keys().Ref(key), "v", shard.now() + ttl_ms);
    shard.Commit(batch);
  }
  void Pass(TimeMs span_ms) {
    clock.Advance(span_ms);
    shard.BeginTurn();
  }
  [[nodiscard]] size_t Messages() {
    size_t count = 0;
    const std::string& text = server.pushed[1];
    for (size_t at = 0; (at = text.find("pmessage", at)) != std::string::npos; ++at) ++count;
    return count;
  }

  ManualClock clock;
  SeededRandom random{1};
  Shard shard{clock, random, {}};
  FakeServerControl server;
  PubSub pubsub{server, shard.keys()};
  KeyEvents events{pubsub, shard};
  std::string out;
  Reply reply{out, 2};
  ClientState client;
  WriteBatch batch;
};

TEST_F(KeyEventsTest, TheKeyspaceIsObservedOnlyWhileAClassNeedsIt) {
  EXPECT_EQ(shard.keys().event_observer(), nullptr);
  for (const char* letters : {"x", "KE", "KEg$mn"}) {
    events.set_classes(*ParseEventClasses(letters));
    EXPECT_EQ(shard.keys().event_observer(), nullptr) << letters;
    EXPECT_FALSE(events.HearsExpiry());
  }
  EXPECT_NE(events.Listening(reply), nullptr);
  for (const char* letters : {"Ex", "Ke", "Ed", "KEA"}) {
    events.set_classes(*ParseEventClasses(letters));
    EXPECT_EQ(shard.keys().event_observer(), &events) << letters;
  }
  events.set_classes(0);
  EXPECT_EQ(shard.keys().event_observer(), nullptr);
  EXPECT_EQ(events.Listening(reply), nullptr);
}

TEST_F(KeyEventsTest, NothingIsNotedWhileNobodyListens) {
  events.set_classes(*ParseEventClasses("KEA"));
  EXPECT_NE(events.Listening(reply), nullptr);
  pubsub.Forget(client);
  EXPECT_EQ(events.Listening(reply), nullptr);
  EXPECT_FALSE(events.HearsExpiry());
}

TEST_F(KeyEventsTest, BothChannelsInRedissOrder) {
  events.set_classes(*ParseEventClasses("KE$"));
  events.Listening(reply)->Add(EventClass::kString, "set", 3, "k");
  events.Listening(reply)->Add(EventClass::kGeneric, "del", 3, "k");  // its class is off
  events.TellNoted(out, 0);
  EXPECT_EQ(server.pushed[1],
            "*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$16\r\n__keyspace@3__:k\r\n$3\r\nset\r\n"
            "*4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$18\r\n__keyevent@3__:set\r\n$1\r\nk\r\n");
  events.TellNoted(out, 0);
  EXPECT_EQ(Messages(), 2U) << "what was told is forgotten";
}

// A client that hears of itself: each event where its reply had come to, also behind others.
TEST_F(KeyEventsTest, OnesOwnEventsStandAmidTheReply) {
  events.set_classes(*ParseEventClasses("Egm"));
  client.protocol = 3;
  pubsub.BeginCommand(client);
  const auto message = [](std::string_view event) {
    return ">4\r\n$8\r\npmessage\r\n$6\r\n__key*\r\n$" + std::to_string(15 + event.size()) +
           "\r\n__keyevent@0__:" + std::string(event) + "\r\n$1\r\nk\r\n";
  };
  out = "earlier";
  KeyEventList* const list = events.Listening(reply);
  list->Add(EventClass::kMiss, "keymiss", 0, "k");
  EXPECT_TRUE(reply.Integer(1));
  list->Add(EventClass::kGeneric, "del", 0, "k");
  list->Add(EventClass::kGeneric, "expire", 0, "k");
  reply.Flush();
  events.TellNoted(out, 0);
  EXPECT_EQ(out, "earlier" + message("keymiss") + ":1\r\n" + message("del") + message("expire"));
  EXPECT_TRUE(server.pushed.empty());
  pubsub.EndCommand(out);
}

// One event for one end, whoever comes first: the sweep, or a command that meets the dead key.
TEST_F(KeyEventsTest, AKeyExpiresOnce) {
  events.set_classes(*ParseEventClasses("Ex"));
  Put("swept", 10);
  Pass(10);
  shard.EndDue(100);
  EXPECT_EQ(Messages(), 1U);
  while (!shard.Sweep(100)) {
  }
  EXPECT_EQ(Messages(), 1U);
  Put("met", 10);
  Pass(10);
  Put("met", 1000);
  EXPECT_EQ(Messages(), 2U);
  while (!shard.Sweep(100)) {
  }
  EXPECT_EQ(Messages(), 2U);
}

// What is read back at the start has happened before.
TEST_F(KeyEventsTest, LoadingIsSilent) {
  events.set_classes(*ParseEventClasses("Ex"));
  Put("k", 10);
  Pass(10);
  shard.set_loading(true);
  Put("k", 10);
  EXPECT_EQ(Messages(), 0U);
  shard.set_loading(false);
  Pass(10);
  shard.EndDue(100);
  EXPECT_EQ(Messages(), 1U);
}

}  // namespace
}  // namespace cloakroom
