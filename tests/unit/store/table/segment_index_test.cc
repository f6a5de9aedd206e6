#include "store/table/segment_index.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "store/base/hash.h"
#include "tests/support/entry_block.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

/// Keys that begin with h are all in one slot, as those with one {tag} are.
Position Locate(const void* /*context*/, std::string_view key) {
  return {key[0] == 'h' ? uint16_t{4711} : SlotOf(key), HashBytes(key, 7)};
}

class SegmentIndexTest : public ::testing::Test {
 protected:
  // Few slots' worth of root, so that it comes to its limits with few entries.
  static constexpr uint32_t kRootDecidesFreely = 4;

  [[nodiscard]] const Entry* Find(const std::string& key) const {
    const Segment::Place place = index.Search(
        Locate(nullptr, key), [&key](const Entry* entry) { return entry->key() == key; });
    return place ? EntryOf(place.Load()) : nullptr;
  }
  void Insert(const std::string& key) {
    auto block = std::make_unique<EntryBlock>(key, ValueType::kString, Encoding::kPlain, "");
    ASSERT_EQ(Find(key), nullptr);
    index.Insert(Locate(nullptr, key), MakePlaceWord(block->get(), BlockKind::kOwn));
    model.emplace(key, std::move(block));
  }
  void Remove(const std::string& key) {
    index.Remove(Locate(nullptr, key), model.at(key)->get());
    model.erase(key);
  }
  void ExpectAsModel() {
    for (const auto& [key, block] : model) ASSERT_EQ(Find(key), block->get()) << key;
    size_t count = 0;
    for (const IndexWord word : index.segments()) count += word.segment().header().count;
    ASSERT_EQ(count, model.size());
  }
  void MergeAll() {
    while (!index.Merge(100)) {
    }
    while (index.GatherWaits()) (void)index.Gather(100);
  }

  SegmentIndex index{Locator{Locate, nullptr}, kRootDecidesFreely};
  std::map<std::string, std::unique_ptr<EntryBlock>> model;
};

// A hot slot first makes directories of its own; as the others grow, the root comes to decide more
// than it does freely, and cuts those directories. No entry may get lost on the way there and back.
TEST_F(SegmentIndexTest, RootGrowsOverDirectoriesAndShrinksAgain) {
  for (uint64_t seed = 1; seed <= SeedCount(1); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const auto hot = [&](uint64_t share) {
      return (random() % 100 < share ? "hot:" : "key:") + std::to_string(random() % 10000000);
    };
    const auto grow = [&](size_t size, uint64_t hot_share) {
      while (model.size() < size)
        if (const std::string key = hot(hot_share); !model.contains(key)) Insert(key);
    };
    const auto shrink = [&](size_t size) {
      while (model.size() > size) {
        auto it = model.lower_bound(hot(50));
        if (it == model.end()) it = model.begin();
        Remove(std::string(it->first));
      }
    };
    grow(20000, 90);
    ExpectAsModel();
    grow(60000, 10);  // now the root may double
    ExpectAsModel();
    grow(80000, 60);  // and what it has cut grows on
    ExpectAsModel();
    shrink(30000);
    MergeAll();
    ExpectAsModel();
    grow(50000, 50);
    ExpectAsModel();
    shrink(0);
    MergeAll();
    ExpectAsModel();
    EXPECT_LT(index.bytes(), 20000U) << "an empty index is small again";
  }
}

}  // namespace
}  // namespace cloakroom
