#include "store/table/hash_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class HashValueTest : public testing::Test {
 protected:
  [[nodiscard]] const Entry& Hash() const { return *log.Find("h"); }
  [[nodiscard]] std::string InOrder() const {
    std::string text;
    HashForEach(Hash(), [&](std::string_view field, std::string_view value) {
      text += std::string(field) + "=" + std::string(value) + " ";
    });
    return text;
  }
  void SetMany(int first, int last) {
    for (int i = first; i < last; ++i) log.HashSet("h", {"field" + std::to_string(i), "v"});
  }
  void Delete() { log.batch.Delete(0, log.keys.Ref("h")); }

  KeyspaceLog log;
};

// HGETALL of a small hash shows the order of insertion: a changed field keeps its place, a deleted
// one that comes back goes to the end.
TEST_F(HashValueTest, PackedKeepsTheOrderOfInsertion) {
  log.HashSet("h", {"b", "1", "a", "2", "", "3"});
  log.HashSet("h", {"a", "a longer value", "c", "4", "b", "5"});
  EXPECT_EQ(InOrder(), "b=5 a=a longer value =3 c=4 ");
  log.HashDelete("h", {"b", "absent", ""});
  log.HashSet("h", {"b", ""});
  EXPECT_EQ(InOrder(), "a=a longer value c=4 b= ");
  EXPECT_EQ(HashSize(Hash()), 3U);
  EXPECT_EQ(HashGet(Hash(), "b"), "");
  EXPECT_EQ(HashGet(Hash(), "a"), "a longer value");
  EXPECT_EQ(HashGet(Hash(), "A"), std::nullopt);
  EXPECT_EQ(HashGet(Hash(), "4"), std::nullopt) << "a value is no field";
  EXPECT_TRUE(HashIsPacked(Hash()));
}

// The same field twice in one command: the last value counts, the field counts once.
TEST_F(HashValueTest, AFieldNamedTwiceCountsOnce) {
  log.HashSet("h", {"f", "1", "f", "2", "f", "3"});
  EXPECT_EQ(InOrder(), "f=3 ");
}

TEST_F(HashValueTest, AnEmptiedHashGoes) {
  log.HashSet("h", {"f", "1", "g", "2"});
  log.HashDelete("h", {"f", "g"});
  EXPECT_EQ(log.Find("h"), nullptr);
  EXPECT_EQ(log.keys.Size(0), 0U);
  SetMany(0, 600);
  for (int i = 0; i < 600; ++i) log.HashDelete("h", {"field" + std::to_string(i)});
  EXPECT_EQ(log.Find("h"), nullptr);
}

// Clients see the encoding, so the turning points must be exact.
TEST_F(HashValueTest, TurnsIntoATableJustOverTheLimits) {
  SetMany(0, 512);
  EXPECT_TRUE(HashIsPacked(Hash()));
  SetMany(5, 6);
  EXPECT_TRUE(HashIsPacked(Hash())) << "no new field";
  SetMany(512, 513);
  EXPECT_FALSE(HashIsPacked(Hash()));
  EXPECT_EQ(HashSize(Hash()), 513U);
  for (int i = 0; i < 513; ++i) EXPECT_EQ(HashGet(Hash(), "field" + std::to_string(i)), "v");
  for (int i = 1; i < 513; ++i) log.HashDelete("h", {"field" + std::to_string(i)});
  EXPECT_FALSE(HashIsPacked(Hash())) << "it never turns back";
  EXPECT_EQ(InOrder(), "field0=v ");

  for (const size_t size : {64, 65}) {
    const std::string wide(size, 'x');
    Delete();
    log.HashSet("h", {"f", wide, "g", "1"});
    EXPECT_EQ(HashIsPacked(Hash()), size == 64) << "value of " << size;
    Delete();
    log.HashSet("h", {"g", "1", wide, "v"});
    EXPECT_EQ(HashIsPacked(Hash()), size == 64) << "field of " << size;
    EXPECT_EQ(HashGet(Hash(), wide), "v");
    EXPECT_EQ(HashGet(Hash(), "g"), "1");
  }
}

TEST_F(HashValueTest, FollowsItsLimits) {
  log.keys.packed_limits() = {
      .hash_entries_max = 2, .hash_value_bytes_max = 300, .set_intset_entries_max = 512};
  log.HashSet("h", {"f", std::string(300, 'x'), std::string(200, 'y'), "v"});
  EXPECT_TRUE(HashIsPacked(Hash()));
  EXPECT_EQ(HashGet(Hash(), std::string(200, 'y')), "v");
  log.HashSet("h", {"third", "v"});
  EXPECT_FALSE(HashIsPacked(Hash()));
  log.keys.packed_limits().hash_entries_max = 0;
  log.HashSet("h2", {"f", "v"});
  EXPECT_FALSE(HashIsPacked(*log.Find("h2")));
}

TEST_F(HashValueTest, TableHoldsValuesOfAnySize) {
  SetMany(0, 200);
  log.HashSet("h", {"field7", std::string(100'000, 'x'), "field8", ""});
  EXPECT_EQ(HashGet(Hash(), "field7"), std::string(100'000, 'x'));
  EXPECT_EQ(HashGet(Hash(), "field8"), "");
  EXPECT_EQ(HashSize(Hash()), 200U);
}

// A packed hash comes whole, a table by and by; each field once when nothing changes meanwhile.
TEST_F(HashValueTest, ScanVisitsEachFieldOnce) {
  for (const int count : {1, 100, 513, 5000}) {
    Delete();
    SetMany(0, count);
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      cursor = HashScan(Hash(), cursor, [&](std::string_view field, std::string_view) {
        ++seen[std::string(field)];
      });
      EXPECT_LT(cursor, uint64_t{1} << 53) << "clients read cursors as doubles";
    } while (cursor != 0);
    EXPECT_EQ(seen.size(), static_cast<size_t>(count));
    for (const auto& [field, times] : seen) EXPECT_EQ(times, 1) << field;
  }
}

TEST_F(HashValueTest, PickReachesEveryField) {
  for (const int count : {1, 20, 150}) {
    Delete();
    SetMany(0, count);
    SeededRandom random(5);
    std::set<std::string> seen;
    for (int i = 0; i < 100 * count; ++i) {
      const FieldValue picked = HashPick(Hash(), random);
      EXPECT_EQ(picked.value, "v");
      seen.emplace(picked.field);
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(count));
  }
}

}  // namespace
}  // namespace cloakroom
