#include "redis_compat/server/slow_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace cloakroom {
namespace {

std::vector<int64_t> Ids(const SlowLog& log) {
  std::vector<int64_t> ids;
  log.ForEach([&](const SlowLogEntry& entry) {
    ids.push_back(entry.id);
    return true;
  });
  return ids;
}

TEST(SlowLogTest, TheNewestStayAndIdsGoOn) {
  SlowLog log;
  for (int i = 0; i < 5; ++i) log.Add({}, 3);
  EXPECT_EQ(Ids(log), (std::vector<int64_t>{4, 3, 2}));
  log.Clear();
  EXPECT_EQ(log.size(), 0U);
  log.Add({}, 3);
  EXPECT_EQ(Ids(log), (std::vector<int64_t>{5})) << "a poller must see that entries were new";
}

TEST(SlowLogTest, ALimitOfZeroKeepsNothing) {
  SlowLog log;
  log.Add({}, 3);
  log.Add({}, 0);
  EXPECT_EQ(log.size(), 0U);
}

}  // namespace
}  // namespace cloakroom
