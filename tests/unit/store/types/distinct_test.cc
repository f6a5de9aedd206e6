#include "store/types/distinct.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "store/types/sampling.h"

namespace cloakroom {
namespace {

TEST(DistinctTest, HoldsEachStringOnceInOrderOfInsertion) {
  Distinct distinct(1);
  EXPECT_FALSE(distinct.Contains("a"));
  EXPECT_TRUE(distinct.Insert("b"));
  EXPECT_TRUE(distinct.Insert(""));
  EXPECT_TRUE(distinct.Insert("a"));
  EXPECT_FALSE(distinct.Insert("b"));
  EXPECT_FALSE(distinct.Insert(""));
  EXPECT_EQ(distinct.items(), (std::vector<std::string_view>{"b", "", "a"}));
}

TEST(DistinctTest, AgreesWithAPlainSetWhileItGrows) {
  std::vector<std::string> words;
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) words.push_back(std::to_string(random() % 10000));
  std::set<std::string_view> model;
  Distinct distinct(random());
  for (const std::string& word : words) EXPECT_EQ(distinct.Insert(word), model.insert(word).second);
  for (int i = 0; i < 12000; ++i) {
    const std::string word = std::to_string(i);
    EXPECT_EQ(distinct.Contains(word), model.contains(word)) << word;
  }
}

// Few words are compared, many are hashed: the answers must not differ.
TEST(FirstSightsTest, AFirstSightIsOneThatNoEarlierPlaceHolds) {
  std::mt19937_64 random(6);
  for (const size_t count : {1U, 5U, 16U, 17U, 200U}) {
    for (const size_t stride : {1U, 2U}) {
      std::vector<std::string> texts;
      for (size_t i = 0; i < count * stride; ++i) texts.push_back(std::to_string(random() % count));
      const std::vector<std::string_view> words(texts.begin(), texts.end());
      FirstSights sights(words, stride, 3);
      std::set<std::string_view> met;
      for (size_t i = 0; i < words.size(); i += stride)
        EXPECT_EQ(sights.IsFirst(i), met.insert(words[i]).second) << count << ' ' << i;
    }
  }
}

// Algorithm S must give exactly what was asked for, and each element the same chance.
TEST(SelectionSamplerTest, TakesExactlyTheCountEvenly) {
  std::mt19937_64 random(7);
  const auto draw = [&] { return random(); };
  std::vector<int> taken(10);
  for (int round = 0; round < 10000; ++round) {
    SelectionSampler sampler(3, taken.size());
    int count = 0;
    for (int& times : taken) {
      if (!sampler.Take(draw)) continue;
      ++times;
      ++count;
    }
    ASSERT_EQ(count, 3);
  }
  for (const int times : taken) EXPECT_NEAR(times, 3000, 250);
}

// A source that repeats itself for ever must not hang the caller.
TEST(PickDistinctTest, GivesUpOnASourceThatRepeatsItself) {
  EXPECT_FALSE(PickDistinct(3, [] { return false; }));
  EXPECT_TRUE(PickDistinct(3, [] { return true; }));
}

}  // namespace
}  // namespace cloakroom
