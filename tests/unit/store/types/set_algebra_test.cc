#include "store/types/set_algebra.h"

#include <set>
#include <string>
#include <vector>

#include "store/types/set.h"
#include "tests/unit/store/types/verb_fixture.h"

namespace cloakroom {
namespace {

using Words = std::vector<std::string_view>;
using Model = std::set<std::string>;

class SetAlgebraTest : public VerbFixture {
 protected:
  static constexpr uint64_t kSeed = 99;

  const Entry* Find(std::string_view key) const { return keys.Find(0, keys.Ref(key), kNow); }

  void Make(std::string_view key, const Model& members) {
    StoreMembers(At(key), Words(members.begin(), members.end()), batch);
    Commit();
  }
  static Words Listed(const MemberList& list) {
    return Words(list.views().begin(), list.views().end());
  }
  static Model Unordered(const MemberList& list) {
    Model all;
    for (const std::string_view member : list.views())
      EXPECT_TRUE(all.emplace(member).second) << member << " twice";
    return all;
  }
};

// Sets of integers only are sorted in Redis, and results of few integers are too.
TEST_F(SetAlgebraTest, FewIntegersComeInAscendingOrder) {
  Make("a", {"1", "20", "3", "x"});
  Make("b", {"100", "3", "20"});
  const Entry* sets[] = {Find("a"), Find("b")};
  EXPECT_EQ(Listed(Intersect(sets)), (Words{"3", "20"}));
  EXPECT_EQ(Listed(Unite(std::span(sets).subspan(1), kSeed)), (Words{"3", "20", "100"}));
  const Entry* reversed[] = {Find("b"), Find("a")};
  EXPECT_EQ(Listed(Subtract(reversed, kSeed)), Words{"100"});
}

TEST_F(SetAlgebraTest, AbsentSetsAreEmpty) {
  Make("a", {"x", "y"});
  const Entry* sets[] = {Find("a"), nullptr};
  const Entry* reversed[] = {nullptr, Find("a")};
  EXPECT_TRUE(Intersect(sets).empty());
  EXPECT_EQ(CountIntersection(sets, 0), 0U);
  EXPECT_EQ(Unordered(Unite(sets, kSeed)), (Model{"x", "y"}));
  EXPECT_EQ(Unordered(Subtract(sets, kSeed)), (Model{"x", "y"}));
  EXPECT_TRUE(Subtract(reversed, kSeed).empty());
}

TEST_F(SetAlgebraTest, ASetAgainstItself) {
  Make("a", {"x", "y"});
  const Entry* sets[] = {Find("a"), Find("a")};
  EXPECT_EQ(Intersect(sets).size(), 2U);
  EXPECT_EQ(Unordered(Unite(sets, kSeed)), (Model{"x", "y"}));
  EXPECT_TRUE(Subtract(sets, kSeed).empty());
}

TEST_F(SetAlgebraTest, CountsUpToALimit) {
  Model members;
  for (int i = 0; i < 3000; ++i) members.insert("m" + std::to_string(i));
  Make("a", members);
  members.insert("more");
  Make("b", members);
  const Entry* sets[] = {Find("b"), Find("a")};
  EXPECT_EQ(CountIntersection(sets, 0), 3000U);
  EXPECT_EQ(CountIntersection(sets, 7), 7U);
  EXPECT_EQ(CountIntersection(sets, 5000), 3000U);
  EXPECT_EQ(CountIntersection(std::span(sets).first(1), 10), 10U);
}

// Every shape of set and both ways to subtract agree with a plain model.
TEST_F(SetAlgebraTest, AgreesWithAPlainModel) {
  for (int round = 0; round < 60; ++round) {
    std::vector<Model> models(1 + random.Below(5));
    std::vector<const Entry*> sets;
    for (size_t s = 0; s < models.size(); ++s) {
      const uint64_t size = random.Below(4) == 0 ? random.Below(1500) : random.Below(40);
      const bool integers = random.Below(2) == 0;
      for (uint64_t i = 0; i < size; ++i) {
        const std::string number = std::to_string(random.Below(size * 2));
        models[s].insert(integers || random.Below(2) == 0 ? number : "m" + number);
      }
      Make("set" + std::to_string(s), models[s]);
    }
    for (size_t s = 0; s < models.size(); ++s) sets.push_back(Find("set" + std::to_string(s)));

    Model all, common = models[0], rest = models[0];
    for (const Model& model : models) {
      all.insert(model.begin(), model.end());
      std::erase_if(common, [&](const std::string& m) { return !model.contains(m); });
    }
    for (size_t s = 1; s < models.size(); ++s)
      std::erase_if(rest, [&](const std::string& m) { return models[s].contains(m); });

    EXPECT_EQ(Unordered(Intersect(sets)), common) << "round " << round;
    EXPECT_EQ(CountIntersection(sets, 0), common.size()) << "round " << round;
    EXPECT_EQ(Unordered(Unite(sets, kSeed)), all) << "round " << round;
    EXPECT_EQ(Unordered(Subtract(sets, kSeed)), rest) << "round " << round;
  }
}

}  // namespace
}  // namespace cloakroom
