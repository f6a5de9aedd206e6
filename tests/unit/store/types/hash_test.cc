#include "store/types/hash.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/store/types/verb_fixture.h"

namespace cloakroom {
namespace {

class HashTest : public VerbFixture {
 protected:
  size_t Set(std::string_view key, const std::vector<std::string_view>& pairs) {
    const size_t created = SetFields(At(key), pairs, batch);
    Commit();
    return created;
  }
  size_t Delete(std::string_view key, const std::vector<std::string_view>& fields) {
    return DeleteFields(At(key), fields, batch);
  }
  std::map<std::string, std::string> All(std::string_view key) {
    std::map<std::string, std::string> all;
    if (const Entry* entry = At(key).entry; entry != nullptr) {
      HashForEach(*entry, [&](std::string_view field, std::string_view value) {
        all.emplace(field, value);
      });
    }
    return all;
  }
  void Fill(std::string_view key, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const std::string field = "f" + std::to_string(i);
      Set(key, {field, "v"});
    }
  }
};

// A verb does not see its own batch, so it must itself know what it has counted already.
TEST_F(HashTest, CountsAFieldSetTwiceOnceAndKeepsTheLastValue) {
  EXPECT_EQ(Set("h", {"a", "1", "a", "2", "b", "3", "a", "4"}), 2U);
  EXPECT_EQ(All("h"), (std::map<std::string, std::string>{{"a", "4"}, {"b", "3"}}));
  EXPECT_EQ(Set("h", {"a", "5", "c", "6", "c", "7"}), 1U);
}

// The same, where there are too many to compare one by one.
TEST_F(HashTest, CountsManyRepeatedFieldsOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("field" + std::to_string(i % 100));
  std::vector<std::string_view> pairs;
  for (const std::string& name : names) {
    pairs.push_back(name);
    pairs.push_back("field1");  // a value equal to a field name is no repeat of it
  }
  EXPECT_EQ(Set("h", pairs), 100U);
  EXPECT_EQ(Set("h", pairs), 0U);
}

TEST_F(HashTest, DeletesEachFieldOnce) {
  Set("h", {"a", "1", "b", "2", "c", "3"});
  EXPECT_EQ(Delete("h", {"a", "a", "zz"}), 1U);
  Commit();
  EXPECT_EQ(All("h").size(), 2U);
  EXPECT_EQ(Delete("absent", {"a"}), 0U);
  EXPECT_TRUE(batch.empty());
}

// What is gone as a whole is logged as one small op, however many fields were named.
TEST_F(HashTest, DeletingTheLastFieldDeletesTheKey) {
  Set("h", {"a", "1", "b", "2"});
  EXPECT_EQ(Delete("h", {"b", "a", "b"}), 2U);
  EXPECT_EQ(Kinds(), std::vector<OpKind>{OpKind::kDelete});
  Commit();
  EXPECT_FALSE(Exists("h"));
}

TEST_F(HashTest, DeletingNothingChangesNothing) {
  Set("h", {"a", "1"});
  EXPECT_EQ(Delete("h", {"x", "y"}), 0U);
  EXPECT_TRUE(batch.empty());
}

TEST_F(HashTest, SetsIfAbsentOnlyThen) {
  EXPECT_TRUE(SetFieldIfAbsent(At("h"), "a", "1", batch));
  Commit();
  EXPECT_FALSE(SetFieldIfAbsent(At("h"), "a", "2", batch));
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(All("h")["a"], "1");
}

TEST_F(HashTest, IncrementsFromZeroAndRefusesWhatIsNoInteger) {
  EXPECT_EQ(IncrementField(At("h"), "n", 5, batch).value(), 5);
  Commit();
  EXPECT_EQ(IncrementField(At("h"), "n", -7, batch).value(), -2);
  Commit();
  EXPECT_EQ(All("h")["n"], "-2");
  Set("h", {"x", "007", "max", "9223372036854775807"});
  EXPECT_EQ(IncrementField(At("h"), "x", 1, batch).error().message, "hash value is not an integer");
  EXPECT_EQ(IncrementField(At("h"), "max", 1, batch).error().message,
            "increment or decrement would overflow");
  EXPECT_TRUE(batch.empty()) << "a refused verb must leave no op";
}

TEST_F(HashTest, IncrementsFloatsAsTheyAreStored) {
  EXPECT_EQ(IncrementFieldFloat(At("h"), "x", 10.5L, batch).value(), "10.5");
  Commit();
  EXPECT_EQ(IncrementFieldFloat(At("h"), "x", 0.1L, batch).value(), "10.6");
  Commit();
  Set("h", {"word", "abc", "big", "1.1e4932"});
  EXPECT_EQ(IncrementFieldFloat(At("h"), "word", 1, batch).error().message,
            "hash value is not a float");
  EXPECT_EQ(IncrementFieldFloat(At("h"), "big", 1.1e4932L, batch).error().message,
            "increment would produce NaN or Infinity");
  EXPECT_TRUE(batch.empty());
}

// Of packed and large hashes alike, for few and for many: always exactly the count, no repeats.
TEST_F(HashTest, SamplesDifferentFields) {
  for (const size_t size : {1U, 20U, 1000U}) {
    const std::string key = "h" + std::to_string(size);
    Fill(key, size);
    for (const size_t count : {size_t{1}, size / 4, size / 2, size - 1, size, size + 10}) {
      const std::vector<FieldValue> sample = SampleFields(At(key), count, random);
      std::set<std::string_view> fields;
      for (const FieldValue& pair : sample) fields.insert(pair.field);
      EXPECT_EQ(sample.size(), std::min(count, size)) << size;
      EXPECT_EQ(fields.size(), sample.size()) << size;
    }
  }
}

// A packed hash keeps the order of insertion, and so does a sample of it.
TEST_F(HashTest, SamplesAPackedHashInItsOrder) {
  Fill("h", 9);
  for (const size_t count : {2U, 5U, 9U}) {
    const std::vector<FieldValue> sample = SampleFields(At("h"), count, random);
    EXPECT_TRUE(std::is_sorted(sample.begin(), sample.end(), [](auto& a, auto& b) {
      return a.field < b.field;
    })) << count;
  }
}

TEST_F(HashTest, EveryFieldHasItsChance) {
  Fill("h", 600);
  std::set<std::string> met;
  for (int round = 0; round < 4000 && met.size() < 600; ++round) {
    for (const FieldValue& pair : SampleFields(At("h"), 10, random)) met.emplace(pair.field);
  }
  EXPECT_EQ(met.size(), 600U);
}

}  // namespace
}  // namespace cloakroom
