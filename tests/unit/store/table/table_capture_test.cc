// A capture hands out what a table held when it began, each entry once, whatever happens meanwhile.

#include "store/table/table_capture.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "store/table/position_set.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"
#include "tests/unit/store/table/table_fixture.h"

namespace cloakroom {
namespace {

using Contents = std::map<std::string, std::string>;

class Collector final : public TableCapture::Sink {
 public:
  void Take(const Entry& entry) override {
    std::string text(entry.value());
    if (entry.deadline() != kNoDeadline) text += "@" + std::to_string(entry.deadline());
    EXPECT_TRUE(taken.emplace(entry.key(), text).second) << "twice: " << entry.key();
  }
  Contents taken;
};

class TableCaptureTest : public TableFixture {
 protected:
  /// One random change: keys come and go, grow, get deadlines, expire; blocks move.
  void Change(SeededRandom& dice, uint64_t keys, uint64_t grows) {
    const std::string key = "key" + std::to_string(dice.Below(keys));
    const uint64_t kind = dice.Below(100);
    if (kind < grows) {
      const std::string value = std::to_string(dice.Draw());
      const TimeMs deadline = table->Find(Ref(key)) == nullptr ? kNoDeadline : deadlines[key];
      Put(key, value);
      live[key] = value;
      deadlines[key] = deadline;
    } else if (kind < 80) {
      Drop(key);
      live.erase(key);
      deadlines.erase(key);
    } else if (kind < 90) {
      Entry* const entry = table->Find(Ref(key));
      if (entry == nullptr) return;
      deadlines[key] = now + 1 + static_cast<TimeMs>(dice.Below(5000));
      table->SetDeadline(Ref(key), entry, deadlines[key]);
    } else if (kind < 95) {
      table->Compact(dice.Below(50));
    } else {
      now += static_cast<TimeMs>(dice.Below(200));
      table->FireDue(now, dice.Below(40), [&](const KeyRef& due, Entry* entry) {
        live.erase(std::string(due.bytes));
        deadlines.erase(std::string(due.bytes));
        table->Erase(due, entry);
      });
    }
  }
  [[nodiscard]] Contents State() const {
    Contents state;
    for (const auto& [key, value] : live) {
      const TimeMs deadline = deadlines.at(key);
      state[key] = deadline == kNoDeadline ? value : value + "@" + std::to_string(deadline);
    }
    return state;
  }

  void Run(uint64_t seed) {
    SeededRandom dice(seed);
    live.clear();
    deadlines.clear();
    now = 1000;
    // Few keys and many, growing and shrinking ones: segments split and merge under the capture.
    const uint64_t keys = dice.Below(4) == 0 ? 20 : 2000 + dice.Below(3000);
    const uint64_t before = dice.Below(2) == 0 ? 75 : 30;
    for (uint64_t i = dice.Below(8000); i > 0; --i) Change(dice, keys, before);
    const uint64_t during = dice.Below(2) == 0 ? 75 : 10;
    for (int round = 0; round < 3; ++round) {
      Collector collector;
      const Contents expected = State();
      auto capture = std::make_unique<TableCapture>(*table, collector);
      const bool given_up = dice.Below(3) == 0;
      for (bool more = true; more;) {
        if (given_up && dice.Below(10) == 0) break;
        for (uint64_t i = dice.Below(300); i > 0; --i) Change(dice, keys, during);
        size_t budget = 1 + dice.Below(200);
        more = !capture->Step(budget);
      }
      if (!given_up) {
        ASSERT_EQ(collector.taken, expected) << "seed " << seed << ", round " << round;
      }
      capture.reset();
      EXPECT_FALSE(table->captured());
    }
  }

  std::map<std::string, std::string> live;
  std::map<std::string, TimeMs> deadlines;
  TimeMs now = 1000;
};

TEST_F(TableCaptureTest, WhatStoodThereIsHandedOutOnceWhateverHappens) {
  for (const TableFixture::Locate locate : {BySlot, ByHash, OneSlot, OnePrefix}) {
    for (uint64_t seed = 1; seed <= SeedCount(15); ++seed) {
      Use(locate);
      Run(seed);
      if (HasFailure()) return;
    }
  }
}

// Positions may be the same: then the one that changes takes the others along.
TEST_F(TableCaptureTest, KeysThatStandAtOnePlaceAreToldApart) {
  Use(OnePlace);
  Put("a", "1");
  Put("b", "2");
  Collector collector;
  TableCapture capture(*table, collector);
  Put("c", "new");
  Put("a", "changed");
  Drop("b");
  size_t budget = 1000;
  EXPECT_TRUE(capture.Step(budget));
  EXPECT_EQ(collector.taken, (Contents{{"a", "1"}, {"b", "2"}}));
}

// A step that meets what was put in meanwhile, however much, still ends soon.
TEST_F(TableCaptureTest, AStepStaysShortWhenTheTableGrowsUnderIt) {
  Use(ByHash);
  for (int i = 0; i < 500; ++i) Put("old" + std::to_string(i), "x");
  Collector collector;
  TableCapture capture(*table, collector);
  size_t budget = 1;
  EXPECT_FALSE(capture.Step(budget));
  for (int i = 0; i < 100'000; ++i) Put("new" + std::to_string(i), "x");
  size_t steps = 0;
  for (bool more = true; more; ++steps) {
    budget = 64;
    more = !capture.Step(budget);
  }
  EXPECT_GT(steps, 50'000U / 128) << "each took about its budget";
  EXPECT_EQ(collector.taken.size(), 500U);
}

TEST(PositionSetTest, HoldsWhatWasPutIn) {
  PositionSet set;
  std::set<std::pair<uint16_t, uint64_t>> model;
  SeededRandom dice(7);
  for (int i = 0; i < 50'000; ++i) {
    const Position position{static_cast<uint16_t>(dice.Below(3)), dice.Below(20'000) << 40};
    EXPECT_EQ(set.Contains(position), model.contains({position.slot, position.hash}));
    EXPECT_EQ(set.Insert(position), model.emplace(position.slot, position.hash).second);
  }
  EXPECT_EQ(set.size(), model.size());
}

}  // namespace
}  // namespace cloakroom
