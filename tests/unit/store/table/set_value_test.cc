#include "store/table/set_value.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <string>

#include "store/table/intset.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class SetValueTest : public testing::Test {
 protected:
  [[nodiscard]] const Entry& Set() const { return *log.Find("s"); }
  [[nodiscard]] std::string InOrder() const {
    std::string text;
    SetForEach(Set(), [&](std::string_view member) { text += std::string(member) + " "; });
    return text;
  }
  void AddNumbers(int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) log.SetAdd("s", {std::to_string(i)});
  }
  void Delete() { log.batch.Delete(0, log.keys.Ref("s")); }

  KeyspaceLog log;
};

TEST_F(SetValueTest, IntegersAreSorted) {
  log.SetAdd("s", {"3", "-1", "70000", "3", "-9223372036854775808", "9223372036854775807", "0"});
  EXPECT_TRUE(SetIsIntset(Set()));
  EXPECT_EQ(InOrder(), "-9223372036854775808 -1 0 3 70000 9223372036854775807 ");
  EXPECT_EQ(SetSize(Set()), 6U);
  EXPECT_TRUE(SetContains(Set(), "-1"));
  EXPECT_FALSE(SetContains(Set(), "1"));
  EXPECT_FALSE(SetContains(Set(), "00"));
  log.SetRemove("s", {"70000", "7", "x", "0", "-9223372036854775808"});
  EXPECT_EQ(InOrder(), "-1 3 9223372036854775807 ");
}

// Only the one canonical form is an integer: "+1", "01" and the like are other members.
TEST_F(SetValueTest, OtherMembersEndTheIntset) {
  for (const char* member : {"a", "", "01", "+1", "-0", " 1", "1 ", "9223372036854775808", "1.0"}) {
    Delete();
    log.SetAdd("s", {"1", "2"});
    ASSERT_TRUE(SetIsIntset(Set()));
    log.SetAdd("s", {member});
    EXPECT_FALSE(SetIsIntset(Set())) << member;
    EXPECT_EQ(SetSize(Set()), 3U);
    for (const char* each : {"1", "2", member}) EXPECT_TRUE(SetContains(Set(), each)) << each;
    log.SetRemove("s", {member});
    EXPECT_FALSE(SetIsIntset(Set())) << "it never turns back";
  }
}

// Clients see the encoding, so the turning points must be exact.
TEST_F(SetValueTest, TurnsIntoATableJustOverTheLimits) {
  AddNumbers(0, 512);
  EXPECT_TRUE(SetIsIntset(Set()));
  AddNumbers(0, 1);
  EXPECT_TRUE(SetIsIntset(Set()));
  AddNumbers(512, 513);
  EXPECT_EQ(Set().encoding(), Encoding::kTable);
  EXPECT_EQ(SetSize(Set()), 513U);

  Delete();
  log.keys.packed_limits().set_intset_entries_max = 3;
  AddNumbers(0, 4);
  EXPECT_EQ(Set().encoding(), Encoding::kPlain) << "no intset, yet small enough to be packed";
  AddNumbers(4, 128);
  EXPECT_EQ(Set().encoding(), Encoding::kPlain);
  AddNumbers(128, 129);
  EXPECT_EQ(Set().encoding(), Encoding::kTable);
  for (int64_t i = 0; i < 129; ++i) EXPECT_TRUE(SetContains(Set(), std::to_string(i)));

  for (const size_t size : {64, 65}) {
    Delete();
    log.SetAdd("s", {"a", std::string(size, 'x')});
    EXPECT_EQ(Set().encoding(), size == 64 ? Encoding::kPlain : Encoding::kTable);
    EXPECT_EQ(SetSize(Set()), 2U);
  }
}

TEST_F(SetValueTest, AnEmptiedSetGoes) {
  for (const char* member : {"1", "a"}) {
    log.SetAdd("s", {member});
    log.SetRemove("s", {member, "other"});
    EXPECT_EQ(log.Find("s"), nullptr);
  }
  AddNumbers(0, 600);
  for (int64_t i = 0; i < 600; ++i) log.SetRemove("s", {std::to_string(i)});
  EXPECT_EQ(log.Find("s"), nullptr);
  EXPECT_EQ(log.keys.Size(0), 0U);
}

TEST_F(SetValueTest, ScanVisitsEachMemberOnce) {
  for (const int64_t count : {1, 500, 5000}) {
    Delete();
    AddNumbers(0, count);
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      cursor =
          SetScan(Set(), cursor, [&](std::string_view member) { ++seen[std::string(member)]; });
      EXPECT_LT(cursor, uint64_t{1} << 53) << "clients read cursors as doubles";
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), static_cast<size_t>(count));
    for (const auto& [member, times] : seen) EXPECT_EQ(times, 1) << member;
  }
}

TEST_F(SetValueTest, PickReachesEveryMember) {
  const auto reaches_all = [&](size_t count) {
    SeededRandom random(5);
    std::set<std::string> seen;
    for (size_t i = 0; i < 100 * count; ++i)
      SetPick(Set(), random, [&](std::string_view member) { seen.emplace(member); });
    EXPECT_EQ(seen.size(), count);
  };
  AddNumbers(0, 20);
  reaches_all(20);
  log.SetAdd("s", {"a"});
  reaches_all(21);
  AddNumbers(20, 200);
  reaches_all(201);
}

// Against std::set, at every width and across the widening.
TEST(IntsetTest, AgreesWithASet) {
  SeededRandom random(9);
  for (const int64_t range : {100LL, 40'000LL, 3'000'000'000LL, 1LL << 62}) {
    std::string intset;
    std::set<int64_t> model;
    for (int i = 0; i < 400; ++i) {
      const int64_t value =
          static_cast<int64_t>(random.Below(static_cast<uint64_t>(range) * 2)) - range;
      if (random.Below(3) > 0 || model.empty()) {
        EXPECT_EQ(IntsetAdd(intset, value), model.insert(value).second);
      } else {
        const int64_t victim = random.Below(2) == 0 ? value : *model.begin();
        intset.resize(IntsetRemove(intset.data(), intset.size(), victim));
        model.erase(victim);
      }
      ASSERT_EQ(IntsetSize(intset), model.size());
      EXPECT_EQ(IntsetContains(intset, value), model.count(value) == 1);
    }
    size_t index = 0;
    for (const int64_t value : model) EXPECT_EQ(IntsetAt(intset, index++), value);
  }
  std::string widened;
  IntsetAdd(widened, 1);
  EXPECT_EQ(widened.size(), 3U) << "a small integer takes two bytes";
  IntsetAdd(widened, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(IntsetAt(widened, 0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(IntsetAt(widened, 1), 1);
}

}  // namespace
}  // namespace cloakroom
