#include <map>
#include <random>
#include <set>
#include <string>

#include "store/table/expiry_wheel.h"
#include "table_fixture.h"

namespace cloakroom {
namespace {

constexpr TimeMs kStart = 1'700'000'000'000;

// An arm must come out once its bucket has begun, and be within reach of NextDue until then.
TEST(ExpiryWheelTest, ArmsComeOutByTheirTime) {
  std::mt19937_64 random(20240608);
  ExpiryWheel wheel;
  std::array<Arm, 32> out;
  EXPECT_EQ(wheel.Take(kStart, out), 0U);
  std::multimap<TimeMs, Arm> model;
  std::map<Arm, TimeMs> deadline_of;
  Arm next = 1;
  TimeMs now = kStart;
  for (int step = 0; step < 20000; ++step) {
    const int spread = static_cast<int>(random() % 45);
    const TimeMs at =
        std::min(now + 1 + static_cast<TimeMs>(random() % (uint64_t{1} << spread)), kDeadlineMax);
    wheel.Add(next, at);
    deadline_of[next++] = at;
    ASSERT_LE(wheel.NextDue(), at);
    // Mostly small steps, now and then years.
    now += static_cast<TimeMs>(random() % (random() % 1000 == 0 ? uint64_t{1} << 36 : 3000));
    for (size_t count; (count = wheel.Take(now, out)) > 0;)
      for (size_t i = 0; i < count; ++i) {
        const auto found = deadline_of.find(out[i]);
        ASSERT_NE(found, deadline_of.end());
        if (found->second <= now)
          deadline_of.erase(found);
        else
          wheel.Add(found->first, found->second);
      }
    ASSERT_EQ(wheel.size(), deadline_of.size());
    if (step % 100 == 0) {
      for (const auto& [arm, due] : deadline_of) {
        ASSERT_GT(due, now) << "an arm that is due stayed";
        ASSERT_LE(wheel.NextDue(), due);
      }
    }
    if (!deadline_of.empty()) {
      ASSERT_GT(wheel.NextDue(), now) << "nothing is due, so a server may sleep";
    }
  }
}

class WheelTest : public TableFixture, public ::testing::WithParamInterface<const char*> {
 public:
  // Fires all that is due, in slices; the keys that died.
  std::set<std::string> Fire(TimeMs now, size_t budget = 1000) {
    std::set<std::string> died;
    const auto dying = [&](const KeyRef& key, Entry* entry) {
      EXPECT_LE(entry->deadline(), now) << "never before its deadline";
      EXPECT_EQ(key.bytes, entry->key());
      EXPECT_TRUE(died.insert(std::string(key.bytes)).second);
      table->Erase(key, entry);
    };
    int rounds = 0;
    while (!table->FireDue(now, budget, dying)) {
      if (++rounds > 1000000) {
        ADD_FAILURE() << "FireDue must come to an end";
        break;
      }
    }
    return died;
  }
  void Expire(const std::string& key, TimeMs at) {
    table->SetDeadline(Ref(key), table->Find(Ref(key)), at);
  }
};

// Deadlines are exclusive: at its deadline an entry is gone, a millisecond before it lives.
TEST_F(WheelTest, FiresToTheMillisecond) {
  Fire(kStart);
  for (const TimeMs span : {1, 2, 1000, 1024, 5000, 3'600'000, 86'400'000}) {
    const std::string key = std::to_string(span);
    Put(key, "v");
    Expire(key, kStart + span);
  }
  for (const TimeMs span : {1, 2, 1000, 1024, 5000, 3'600'000, 86'400'000}) {
    EXPECT_TRUE(Fire(kStart + span - 1).empty());
    EXPECT_LE(table->NextDue(), kStart + span);
    EXPECT_EQ(Fire(kStart + span), std::set<std::string>{std::to_string(span)});
  }
  EXPECT_EQ(table->NextDue(), kNoDeadline);
}

// A server sleeps until NextDue and fires then: it must not wake often, and wake in time.
TEST_F(WheelTest, NextDueLeadsToTheDeadlineInFewSteps) {
  Fire(kStart);
  Put("key", "v");
  const TimeMs deadline = kStart + TimeMs{1000} * 86'400'000 + 12345;
  Expire("key", deadline);
  int wakes = 0;
  for (TimeMs now = kStart;; ++wakes) {
    ASSERT_LT(wakes, 10);
    const TimeMs next = table->NextDue();
    ASSERT_GT(next, now);
    ASSERT_LE(next, deadline);
    now = next;
    if (!Fire(now).empty()) {
      EXPECT_EQ(now, deadline);
      break;
    }
  }
}

// Sliding a session is one store: no new arm.
TEST_F(WheelTest, LaterDeadlinesNeedNoArm) {
  Put("key", "v");
  Expire("key", kStart + 1000);
  const size_t bytes = table->memory().wheel_bytes;
  for (int i = 0; i < 10000; ++i) Expire("key", kStart + 1000 + i);
  EXPECT_EQ(table->memory().wheel_bytes, bytes);
  EXPECT_TRUE(Fire(kStart + 1000 + 9998).empty());
  EXPECT_EQ(Fire(kStart + 1000 + 9999).size(), 1U);
}

// The random life of keys against a plain map of deadlines.
TEST_F(WheelTest, FiresExactlyWhatIsDue) {
  for (const auto locate : {BySlot, ByHash, OneSlot, OnePrefix}) {
    Use(locate);
    std::mt19937_64 random(20240609);
    std::map<std::string, TimeMs> model;  // 0: no deadline
    TimeMs now = kStart;
    for (int step = 0; step < 40000; ++step) {
      const std::string key = std::to_string(random() % 2000);
      const TimeMs at = now + 1 + static_cast<TimeMs>(random() % (uint64_t{1} << random() % 30));
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
          Put(key, std::string(random() % 100, 'v'));
          Expire(key, at);
          model[key] = at;
          break;
        case 3:
          if (model.contains(key)) {
            Expire(key, kNoDeadline);
            model[key] = kNoDeadline;
          }
          break;
        case 4:
          ASSERT_EQ(Drop(key), model.erase(key) == 1);
          break;
        case 5:
          if (model.contains(key)) {
            Expire(key, at);
            model[key] = at;
          }
          break;
        default:
          break;
      }
      if (step % 16 == 0) {
        now += static_cast<TimeMs>(random() % (random() % 50 == 0 ? 10'000'000 : 500));
        std::set<std::string> due;
        for (const auto& [k, deadline] : model)
          if (deadline != kNoDeadline && deadline <= now) due.insert(k);
        for (const std::string& k : due) model.erase(k);
        ASSERT_EQ(Fire(now, 1 + random() % 50), due) << "step " << step;
        table->Compact(random() % 50);
        size_t with_deadline = 0;
        TimeMs sum = 0;
        for (const auto& [k, deadline] : model) {
          if (deadline == kNoDeadline) continue;
          ++with_deadline;
          sum += deadline - kStart;
          ASSERT_LE(table->NextDue(), deadline);
        }
        ASSERT_EQ(table->WithDeadline(), with_deadline);
        if (with_deadline > 0) {
          ASSERT_NEAR(static_cast<double>(table->MeanDeadline() - kStart),
                      static_cast<double>(sum) / static_cast<double>(with_deadline), 2);
        }
      }
      ASSERT_EQ(table->size(), model.size());
    }
  }
}

// Whom `dying` changes instead of erasing lives on, and dies at its new deadline.
TEST_F(WheelTest, TheDyingMayLiveOn) {
  Put("tombstone", "v");
  Expire("tombstone", kStart + 10);
  const auto revive = [&](const KeyRef& key, Entry* entry) {
    table->SetDeadline(key, entry, kStart + 500);
  };
  EXPECT_TRUE(table->FireDue(kStart + 10, 100, revive));
  EXPECT_EQ(table->size(), 1U);
  EXPECT_TRUE(Fire(kStart + 499).empty());
  EXPECT_EQ(Fire(kStart + 500).size(), 1U);
}

// The wall clock may be set: far ahead, and a process's time should it go back after all.
TEST_F(WheelTest, SurvivesJumpsOfTime) {
  constexpr TimeMs kYear = TimeMs{365} * 86'400'000;
  Fire(kStart);
  for (int i = 0; i < 1000; ++i) {
    Put(std::to_string(i), "v");
    Expire(std::to_string(i), kStart + kYear / 10 * i + 1);
  }
  EXPECT_EQ(Fire(kStart + kYear * 50).size(), 500U);
  EXPECT_EQ(Fire(kStart + kYear * 1000).size(), 500U);
  Fire(kDeadlineMax * 4);
  Put("a", "v");
  Expire("a", kStart + 100);
  Put("b", "v");
  Expire("b", kStart + 10'000'000);
  Put("c", "v");
  Expire("c", kDeadlineMax);
  EXPECT_TRUE(Fire(kStart + 99).empty());
  EXPECT_LE(table->NextDue(), kStart + 100);
  EXPECT_EQ(Fire(kStart + 100), std::set<std::string>{"a"});
  EXPECT_EQ(Fire(kStart + 10'000'000), std::set<std::string>{"b"});
  EXPECT_EQ(Fire(kDeadlineMax), std::set<std::string>{"c"});
}

// A million keys with one deadline die in slices that keep to their budget.
TEST_F(WheelTest, KeepsToItsBudget) {
  Fire(kStart);
  constexpr int kKeys = 20000;
  for (int i = 0; i < kKeys; ++i) {
    Put(std::to_string(i), "v");
    Expire(std::to_string(i), kStart + 600'000);
  }
  size_t died = 0;
  size_t calls = 0;
  for (bool done = false; !done; ++calls) {
    size_t in_call = 0;
    done = table->FireDue(kStart + 600'000, 100, [&](const KeyRef& key, Entry* entry) {
      table->Erase(key, entry);
      ++in_call;
    });
    ASSERT_LE(in_call, 100U);
    died += in_call;
  }
  EXPECT_EQ(died, size_t{kKeys});
  EXPECT_LE(calls, size_t{kKeys} / 100 + 2);
  EXPECT_EQ(table->NextDue(), kNoDeadline);
}

// Logins and logouts leave arms behind; they must not pile up, compacted or not.
TEST_F(WheelTest, StaleArmsStayFew) {
  Fire(kStart);
  constexpr int kLive = 5000;
  for (int i = 0; i < kLive; ++i) {
    Put("live:" + std::to_string(i), "v");
    Expire("live:" + std::to_string(i), kStart + 3'600'000 + i * 1000);
  }
  const size_t before = table->memory().wheel_bytes;
  for (int i = 0; i < 200000; ++i) {
    const std::string key = "login:" + std::to_string(i % 1000);
    Put(key, "v");
    Expire(key, kStart + 1'800'000 + i);
    Drop(key);
    // Bytes, chunks of far buckets included: well below what a hundred thousand arms would need.
    ASSERT_LT(table->memory().wheel_bytes, before * 3) << i;
  }
  // And one key that is set, deleted and set again while its old arms fire.
  TimeMs now = kStart;
  for (int i = 0; i < 20000; ++i) {
    now += 7;
    Put("again", "v");
    Expire("again", now + 10'000);
    table->FireDue(now, 100, [](const KeyRef&, Entry*) { FAIL(); });
    ASSERT_LT(table->memory().wheel_bytes, before * 3) << i;
    if (i + 1 < 20000) Drop("again");
  }
  EXPECT_EQ(Fire(now + 10'000), std::set<std::string>{"again"});
}

// All keys of one position: slow, but right, and the arms do not multiply.
TEST_F(WheelTest, EqualPositionsShareArms) {
  Use(OnePlace);
  Fire(kStart);
  for (int i = 0; i < 200; ++i) {
    Put(std::to_string(i), "v");
    Expire(std::to_string(i), kStart + 1000 + i * 10);
  }
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Fire(kStart + 999 + i * 10).empty());
    ASSERT_EQ(Fire(kStart + 1000 + i * 10).size(), 1U);
  }
}

}  // namespace
}  // namespace cloakroom
