#include "store/table/event_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "store/op/session_op.h"
#include "store/table/session_space.h"
#include "tests/support/keyspace_log.h"

namespace cloakroom {
namespace {

using Lines = std::vector<std::string>;

class Recorder final : public EventObserver {
 public:
  void KeyExpired(uint32_t db, std::string_view key) override {
    lines.push_back("expired " + std::to_string(db) + " " + std::string(key));
  }
  void KeyEvicted(uint32_t db, std::string_view key) override {
    lines.push_back("evicted " + std::to_string(db) + " " + std::string(key));
  }
  void SessionChanged(std::string_view ns, const SessionHandle& handle,
                      SessionChange change) override {
    lines.push_back(std::to_string(static_cast<int>(change)) + " " + std::string(ns) + " " +
                    HandleText(handle));
  }
  Lines Take() { return std::exchange(lines, {}); }

  Lines lines;
};

class EventObserverTest : public ::testing::Test {
 protected:
  EventObserverTest() { log.keys.set_event_observer(&recorder); }

  void SweepAll() {
    while (!log.keys.Sweep(log.now, 100)) {
    }
  }
  static SessionKey KeyOf(char c) {
    SessionKey key;
    key.bytes.fill(c);
    key.bytes[1] = 0;  // of the slot
    return key;
  }
  void PutSession(char c, std::string_view user, TimeMs idle_ms = 1000) {
    SessionPutOp op;
    op.key = KeyOf(c);
    op.ns = "web";
    op.user = user;
    op.handle = DerivedHandle(op.key);
    op.created = op.seen = op.auth_at = op.abs_start = log.now;
    op.idle_ms = idle_ms;
    op.abs_ms = 100'000;
    op.version = 1;
    op.has_meta = op.has_fields = true;
    Add(log.batch, op);
    log.Apply();
  }
  static std::string Line(SessionChange change, char c) {
    return std::to_string(static_cast<int>(change)) + " web " + HandleText(DerivedHandle(KeyOf(c)));
  }

  KeyspaceLog log;
  Recorder recorder;
};

TEST_F(EventObserverTest, ASweptKeyIsToldOnce) {
  log.Put("a", "v", log.now + 10);
  log.Put("b", "v", log.now + 10, 5);
  log.Put("stays", "v");
  SweepAll();
  EXPECT_EQ(recorder.Take(), Lines{});
  log.now += 10;
  SweepAll();
  Lines told = recorder.Take();
  std::sort(told.begin(), told.end());
  EXPECT_EQ(told, (Lines{"expired 0 a", "expired 5 b"}));
  SweepAll();
  EXPECT_EQ(recorder.Take(), Lines{});
  EXPECT_EQ(log.keys.counters().expired_keys, 2U);
}

// Whatever op meets a dead key, it is told first, with the database's present number.
TEST_F(EventObserverTest, AnOpThatMeetsADeadKeyTellsOfIt) {
  const auto dead = [&](std::string_view key, uint32_t db = 0) {
    log.Put(key, "v", log.now + 1, db);
    log.now += 1;
  };
  dead("k");
  log.Put("k", "again");
  EXPECT_EQ(recorder.Take(), (Lines{"expired 0 k"}));
  dead("k");
  log.HashSet("k", {"f", "v"});
  EXPECT_EQ(recorder.Take(), (Lines{"expired 0 k"}));
  dead("to");
  log.batch.Rename(0, log.keys.Ref("k"), 0, log.keys.Ref("to"));
  log.Apply();
  EXPECT_EQ(recorder.Take(), (Lines{"expired 0 to"}));
  dead("copy", 3);
  log.batch.Copy(0, log.keys.Ref("to"), 3, log.keys.Ref("copy"));
  log.Apply();
  EXPECT_EQ(recorder.Take(), (Lines{"expired 3 copy"}));
  dead("k");
  log.batch.Delete(0, log.keys.Ref("k"));
  log.Apply();
  EXPECT_EQ(recorder.Take(), (Lines{"expired 0 k"}));
  dead("k", 1);
  log.batch.SwapDb(1, 2);
  log.Apply();
  SweepAll();
  EXPECT_EQ(recorder.Take(), (Lines{"expired 2 k"}));
}

// What is flushed or deleted does not expire any more.
TEST_F(EventObserverTest, OtherEndsAreNotTold) {
  log.Put("a", "v", log.now + 1);
  log.Put("b", "v", log.now + 1);
  log.batch.Delete(0, log.keys.Ref("a"));
  log.Apply();
  log.batch.FlushAll();
  log.now += 1;
  log.Apply();
  SweepAll();
  EXPECT_EQ(recorder.Take(), Lines{});
}

TEST_F(EventObserverTest, AResetKeepsTheObserver) {
  log.keys.Reset();
  log.Put("k", "v", log.now + 1);
  PutSession('a', "ana", 1);
  log.now += 1;
  SweepAll();
  EXPECT_EQ(recorder.Take().size(), 3U);
}

TEST_F(EventObserverTest, SessionsAreToldByTheirHandle) {
  PutSession('a', "ana");
  EXPECT_EQ(recorder.Take(), (Lines{Line(SessionChange::kCreated, 'a')}));
  PutSession('a', "ana");
  EXPECT_EQ(recorder.Take(), (Lines{Line(SessionChange::kSet, 'a')}));
  const std::string_view pair[] = {"f", "v"};
  Add(log.batch, SessionMergeOp{KeyOf('a'), 2, {}, {}, pair});
  Add(log.batch, SessionSlideOp{KeyOf('a'), log.now, 1000});
  log.Apply();
  EXPECT_EQ(recorder.Take(), (Lines{Line(SessionChange::kSet, 'a')})) << "a use is no change";
  Add(log.batch, SessionEndOp{KeyOf('a'), SessionEnd::kDestroyed, log.now + 10});
  log.Apply();
  EXPECT_EQ(recorder.Take(), (Lines{Line(SessionChange::kDestroyed, 'a')}));

  PutSession('b', "bo");
  Add(log.batch, SessionMarkUserOp{"web", "bo", false, {}, log.now + 10, log.now + 10});
  log.Apply();
  EXPECT_EQ(recorder.Take(),
            (Lines{Line(SessionChange::kCreated, 'b'), Line(SessionChange::kRevoked, 'b')}));
  PutSession('c', "", 5);
  log.now += 5;
  SweepAll();
  EXPECT_EQ(recorder.Take(),
            (Lines{Line(SessionChange::kCreated, 'c'), Line(SessionChange::kExpired, 'c')}));
}

}  // namespace
}  // namespace cloakroom
