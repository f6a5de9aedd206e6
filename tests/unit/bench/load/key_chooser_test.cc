#include "bench/load/key_chooser.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cloakroom::bench {
namespace {

// A preload fills every key exactly once; one key left out would be a miss in every later run.
TEST(KeyChooserTest, ASequenceVisitsEachKeyOnceThenStartsOver) {
  KeyChooser keys(Distribution::kSequence, 5, 0, 1);
  std::vector<uint64_t> visited;
  for (int i = 0; i < 7; ++i) visited.push_back(keys.Next());
  EXPECT_EQ(visited, (std::vector<uint64_t>{0, 1, 2, 3, 4, 0, 1}));
}

// Each round of the fragmentation row replaces a half, and another half than the round before.
TEST(KeyChooserTest, AHalfVisitsHalfOfTheKeysOnce) {
  constexpr uint64_t kCount = 100'000;
  std::set<uint64_t> halves[2];
  for (uint64_t seed = 0; seed < 2; ++seed) {
    KeyChooser keys(Distribution::kHalf, kCount, 0, seed);
    uint64_t last = keys.Next();
    halves[seed].insert(last);
    for (uint64_t key = keys.Next(); key > last; key = keys.Next()) {
      halves[seed].insert(key);
      last = key;
    }
    EXPECT_NEAR(static_cast<double>(halves[seed].size()), kCount / 2.0, kCount / 100.0);
  }
  uint64_t both = 0;
  for (const uint64_t key : halves[0]) both += halves[1].count(key);
  EXPECT_NEAR(static_cast<double>(both), kCount / 4.0, kCount / 100.0);
}

// One key has a half that may be empty: the choice must end all the same.
TEST(KeyChooserTest, AHalfOfOneKeyIsThatKey) {
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(KeyChooser(Distribution::kHalf, 1, 0, seed).Next(), 0u);
}

TEST(KeyChooserTest, UniformKeysAreInRangeAndEven) {
  KeyChooser keys(Distribution::kUniform, 10, 0, 3);
  std::vector<int> seen(10);
  for (int i = 0; i < 100'000; ++i) ++seen.at(keys.Next());
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 500);
}

// Two keys with one name would make a preload of N keys hold fewer.
TEST(KeyChooserTest, NamesOfKeysDifferAndAreHexadecimal) {
  std::set<std::string> names;
  for (uint64_t key = 0; key < 100'000; ++key) {
    std::string name(kKeyDigits, ' ');
    WriteKeyDigits(key, name.data());
    EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 100'000u);
}

}  // namespace
}  // namespace cloakroom::bench
