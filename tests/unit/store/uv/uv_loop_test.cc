#include "store/uv/uv_loop.h"

#include <gtest/gtest.h>

#include <csignal>

namespace cloakroom {
namespace {

// A turn that wants more must not wait for the network, however long that is silent.
TEST(UvLoopTest, ATurnWithMoreToDoIsRunAgainAtOnce) {
  UvLoop loop;
  int turns = 0;
  loop.SetTurn([&] {
    if (++turns == 5) loop.Stop();
    return turns < 5;
  });
  loop.RequestTurn();
  loop.Run();
  EXPECT_EQ(turns, 5);
}

TEST(UvLoopTest, ATimerFiresOnceAndMayStartItselfAnew) {
  UvLoop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = loop.MakeTimer([&] {
    if (++fired < 3) timer->Start(0);
  });
  timer->Start(0);
  EXPECT_EQ(fired, 0) << "never from within Start";
  for (int i = 0; i < 10; ++i) loop.RunOnce();
  EXPECT_EQ(fired, 3);
}

TEST(UvLoopTest, AStoppedOrDestroyedTimerDoesNotFire) {
  UvLoop loop;
  int fired = 0;
  const std::unique_ptr<Timer> stopped = loop.MakeTimer([&] { ++fired; });
  std::unique_ptr<Timer> destroyed = loop.MakeTimer([&] { ++fired; });
  stopped->Start(0);
  destroyed->Start(0);
  stopped->Stop();
  destroyed.reset();
  for (int i = 0; i < 5; ++i) loop.RunOnce();
  EXPECT_EQ(fired, 0);
}

TEST(UvLoopTest, SignalsReachTheLoop) {
  UvLoop loop;
  int seen = 0;
  loop.OnSignal(SIGUSR1, [&] { ++seen; });
  std::raise(SIGUSR1);
  for (int i = 0; i < 100 && seen == 0; ++i) loop.RunOnce();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace cloakroom
