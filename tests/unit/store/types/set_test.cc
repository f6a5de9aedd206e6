#include "store/types/set.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/store/types/verb_fixture.h"

namespace cloakroom {
namespace {

using Words = std::vector<std::string_view>;

class SetTest : public VerbFixture {
 protected:
  size_t Add(std::string_view key, const Words& members) {
    const size_t added = AddMembers(At(key), members, batch);
    Commit();
    return added;
  }
  std::set<std::string> All(std::string_view key) {
    std::set<std::string> all;
    if (const Entry* entry = At(key).entry; entry != nullptr)
      SetForEach(*entry, [&](std::string_view member) { all.emplace(member); });
    return all;
  }
  bool Move(std::string_view from, std::string_view to, std::string_view member) {
    const KeyRef from_ref = keys.Ref(from);
    const KeyRef to_ref = keys.Ref(to);
    return MoveMember({0, from_ref, keys.Find(0, from_ref, kNow)},
                      {0, to_ref, keys.Find(0, to_ref, kNow)}, member, batch);
  }
};

// A verb does not see its own batch, so it must itself know what it has counted already.
TEST_F(SetTest, CountsAMemberAddedTwiceOnce) {
  EXPECT_EQ(Add("s", {"a", "b", "a", "a"}), 2U);
  EXPECT_EQ(Add("s", {"b", "c", "c"}), 1U);
  EXPECT_EQ(All("s"), (std::set<std::string>{"a", "b", "c"}));
}

TEST_F(SetTest, AddingWhatIsThereChangesNothing) {
  Add("s", {"a", "b"});
  AddMembers(At("s"), Words{"a", "b", "a"}, batch);
  AddMembers(At("s"), Words{"a"}, batch);
  EXPECT_TRUE(batch.empty());
}

TEST_F(SetTest, RemovesEachMemberOnce) {
  Add("s", {"a", "b", "c"});
  EXPECT_EQ(RemoveMembers(At("s"), Words{"a", "a", "zz"}, batch), 1U);
  Commit();
  EXPECT_EQ(All("s"), (std::set<std::string>{"b", "c"}));
  EXPECT_EQ(RemoveMembers(At("s"), Words{"zz", "yy"}, batch), 0U);
  EXPECT_EQ(RemoveMembers(At("absent"), Words{"a"}, batch), 0U);
  EXPECT_TRUE(batch.empty());
}

// What is gone as a whole is logged as one small op, however many members there were.
TEST_F(SetTest, RemovingTheLastMemberDeletesTheKey) {
  Add("s", {"a", "b"});
  EXPECT_EQ(RemoveMembers(At("s"), Words{"b", "a"}, batch), 2U);
  EXPECT_EQ(Kinds(), std::vector<OpKind>{OpKind::kDelete});
  Commit();
  EXPECT_FALSE(Exists("s"));
}

TEST_F(SetTest, MovesBetweenSets) {
  Add("from", {"a", "b"});
  Add("to", {"b"});
  EXPECT_TRUE(Move("from", "to", "a"));
  Commit();
  EXPECT_EQ(All("to"), (std::set<std::string>{"a", "b"}));
  EXPECT_TRUE(Move("from", "to", "b")) << "it is in both: it only leaves the first";
  Commit();
  EXPECT_FALSE(Exists("from"));
  EXPECT_EQ(All("to").size(), 2U);
  EXPECT_FALSE(Move("from", "to", "b"));
  EXPECT_FALSE(Move("to", "new", "zz"));
  EXPECT_TRUE(batch.empty());
}

TEST_F(SetTest, MovingToTheSameSetChangesNothing) {
  Add("s", {"a"});
  EXPECT_TRUE(Move("s", "s", "a"));
  EXPECT_FALSE(Move("s", "s", "b"));
  EXPECT_TRUE(batch.empty());
}

// Of sorted, small and large sets alike, for few and for many: exactly the count, no repeats, and
// only members.
TEST_F(SetTest, SamplesDifferentMembers) {
  for (const bool integers : {true, false}) {
    for (const size_t size : {1U, 20U, 500U, 2000U}) {
      const std::string key = (integers ? "i" : "s") + std::to_string(size);
      for (size_t i = 0; i < size; ++i) {
        const std::string member = (integers ? "" : "m") + std::to_string(i);
        Add(key, {member});
      }
      for (const size_t count : {size_t{1}, size / 4, size / 2, size - 1, size, size + 10}) {
        const MemberList sample = SampleMembers(At(key), count, random);
        const std::set<std::string_view> members(sample.views().begin(), sample.views().end());
        EXPECT_EQ(sample.size(), std::min(count, size)) << key;
        EXPECT_EQ(members.size(), sample.size()) << key;
        for (const std::string_view member : members)
          EXPECT_TRUE(SetContains(*At(key).entry, member)) << key << ' ' << member;
      }
    }
  }
}

// All members of a set of integers come in ascending order, however they are asked for.
TEST_F(SetTest, SamplesAllIntegersInOrder) {
  Add("s", {"10", "-3", "2"});
  const MemberList sample = SampleMembers(At("s"), 3, random);
  EXPECT_EQ(std::vector<std::string_view>(sample.views().begin(), sample.views().end()),
            (Words{"-3", "2", "10"}));
}

TEST_F(SetTest, PopsWhatItReturns) {
  std::set<std::string> left;
  for (int i = 0; i < 1000; ++i) {
    const std::string member = "m" + std::to_string(i);
    Add("s", {member});
    left.insert(member);
  }
  for (const size_t count : {1U, 300U, 600U}) {
    const MemberList popped = PopMembers(At("s"), count, random, batch);
    EXPECT_EQ(popped.size(), count);
    for (const std::string_view member : popped.views())
      EXPECT_EQ(left.erase(std::string(member)), 1U);
    Commit();
    EXPECT_EQ(All("s"), left);
  }
  EXPECT_EQ(PopMembers(At("s"), 5000, random, batch).size(), 99U);
  EXPECT_EQ(Kinds(), std::vector<OpKind>{OpKind::kDelete});
  Commit();
  EXPECT_TRUE(PopMembers(At("s"), 1, random, batch).empty());
  EXPECT_TRUE(batch.empty());
}

TEST_F(SetTest, StoringReplacesWhateverIsThere) {
  batch.PutString(0, keys.Ref("s"), "text", kNow + 1000);
  Commit();
  StoreMembers(At("s"), Words{"a", "b"}, batch);
  Commit();
  EXPECT_EQ(All("s"), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(At("s").entry->deadline(), kNoDeadline);
  StoreMembers(At("s"), {}, batch);
  Commit();
  EXPECT_FALSE(Exists("s"));
  StoreMembers(At("s"), {}, batch);
  EXPECT_TRUE(batch.empty());
}

}  // namespace
}  // namespace cloakroom
