// What a keyspace says of its memory: it must never drift, and what a batch will hold must be known
// before it is applied.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/table/hash_value.h"
#include "store/table/session_space.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"
#include "tests/support/seeds.h"

namespace cloakroom {
namespace {

constexpr uint32_t kDatabases = 3;

/// Draws writes of all kinds over a few thousand keys, small and large.
class RandomWrites {
 public:
  RandomWrites(KeyspaceLog& log, uint64_t seed) : log_(log), random_(seed) {}

  void One() {
    const auto db = static_cast<uint32_t>(random_.Below(kDatabases));
    const std::string name = "key" + std::to_string(random_.Below(1500));
    const KeyRef key = log_.keys.Ref(name);
    const Entry* const entry = log_.keys.Find(db, key, log_.now);
    WriteBatch& batch = log_.batch;
    switch (random_.Below(entry == nullptr ? 4 : 12)) {
      case 0:
        return batch.PutString(db, key, Bytes(), log_.now + 1 + Small(5000));
      case 1:
        return batch.PutString(db, key, Bytes(), kNoDeadline);
      case 2:
        return AddTo(db, key, entry, ValueType::kHash);
      case 3:
        return AddTo(db, key, entry, ValueType::kSet);
      case 4:
      case 5:
        return batch.Delete(db, key);
      case 6:
        return batch.SetDeadline(db, key, log_.now + 1 + Small(10'000));
      case 7:
        return batch.Copy(db, key, 0, log_.keys.Ref(other_ = "copy" + std::to_string(Small(300))));
      case 8:
        return batch.Rename(db, key, 1,
                            log_.keys.Ref(other_ = "name" + std::to_string(Small(300))));
      case 9:
        if (entry->type() == ValueType::kString)
          batch.AppendString(db, key, entry->value_size(), Bytes());
        return;
      case 10:
        if (entry->type() == ValueType::kString) batch.WriteString(db, key, Small(3000), "xyz");
        return;
      default:
        return TakeFrom(db, key, *entry);
    }
  }
  SeededRandom& random() { return random_; }

 private:
  int64_t Small(uint64_t bound) { return static_cast<int64_t>(random_.Below(bound)); }
  std::string Bytes() {
    const uint64_t size_class = random_.Below(100);
    const uint64_t most = size_class < 90 ? 300 : size_class < 99 ? 5000 : 400'000;
    return std::string(random_.Below(most), 'v');
  }
  void AddTo(uint32_t db, const KeyRef& key, const Entry* entry, ValueType type) {
    if (entry != nullptr && entry->type() != type) return log_.batch.Delete(db, key);
    std::vector<std::string> words;
    const bool integers = random_.Below(2) == 0;
    for (uint64_t n = random_.Below(20) == 0 ? 700 : 1 + random_.Below(20); n > 0; --n) {
      words.push_back(integers ? std::to_string(Small(100'000))
                               : std::string(1 + random_.Below(20), 'a' + char(Small(26))) +
                                     std::to_string(Small(900)));
      if (type == ValueType::kHash) words.push_back(std::string(random_.Below(70), 'v'));
    }
    const std::vector<std::string_view> views(words.begin(), words.end());
    if (type == ValueType::kHash)
      log_.batch.HashSet(db, key, views);
    else
      log_.batch.SetAdd(db, key, views);
  }
  void TakeFrom(uint32_t db, const KeyRef& key, const Entry& entry) {
    if (entry.type() != ValueType::kHash) return;
    std::vector<std::string> fields;
    HashForEach(entry, [&](std::string_view field, std::string_view) {
      if (random_.Below(3) == 0) fields.emplace_back(field);
    });
    const std::vector<std::string_view> views(fields.begin(), fields.end());
    if (!views.empty()) log_.batch.HashDelete(db, key, views);
  }

  KeyspaceLog& log_;
  SeededRandom random_;
  std::string other_;
};

size_t DatabaseBlockBytes(const Keyspace& keys) {
  size_t bytes = 0;
  for (uint32_t db = 0; db < kDatabases; ++db) bytes += keys.memory(db).block_bytes;
  return bytes;
}

size_t GoingBytes(const Keyspace& keys) {
  size_t bytes = 0;
  for (uint32_t db = 0; db < kDatabases; ++db) bytes += keys.memory(db).going_bytes;
  return bytes;
}

void SweepAll(KeyspaceLog& log) {
  for (int i = 0; i < 100'000 && !log.keys.Sweep(log.now, 1000); ++i) {
  }
}

// Every figure is kept in step by whoever changes something; none may drift from what a recount
// finds, and when all is gone, all must be back where it was.
TEST(KeyspaceMemoryTest, FiguresNeverDrift) {
  for (uint64_t seed = 1; seed <= SeedCount(4); ++seed) {
    KeyspaceLog log(kDatabases, seed);
    const Table::Memory fresh = log.keys.memory();
    RandomWrites writes(log, seed);
    for (int i = 0; i < 12'000; ++i) {
      writes.One();
      log.Apply();
      log.records.clear();
      if (i % 50 == 0) {
        log.now += 20;
        (void)log.keys.Sweep(log.now, 200);
      }
      if (i % 1000 == 0) {
        ASSERT_EQ(DatabaseBlockBytes(log.keys) - GoingBytes(log.keys), log.keys.CountBlockBytes())
            << "seed " << seed << ", step " << i;
      }
    }
    log.batch.FlushAll();
    log.Apply();
    log.now += 100'000;
    SweepAll(log);
    const Table::Memory empty = log.keys.memory();
    EXPECT_EQ(empty.Total(), fresh.Total()) << "seed " << seed;
    EXPECT_EQ(empty.block_bytes, fresh.block_bytes) << "seed " << seed;
    EXPECT_EQ(log.keys.Use().used, KeyspaceLog(kDatabases, seed).keys.Use().used) << seed;
    EXPECT_EQ(log.keys.Use().going, 0U) << "seed " << seed;
  }
}

// RoomFor bounds what a batch adds. A segment that splits, a slab's first page table or a level of
// the wheel come on top, but rarely: the sum over many writes shows that they are paid for.
TEST(KeyspaceMemoryTest, RoomForIsAnUpperBound) {
  constexpr size_t kNowAndThen = 40 << 10;
  constexpr int kFirst = 500;
  for (uint64_t seed = 1; seed <= SeedCount(4); ++seed) {
    KeyspaceLog log(kDatabases, seed);
    RandomWrites writes(log, seed * 77);
    const auto counted = [&] {
      const MemoryUse use = log.keys.Use();
      return use.used - use.going;
    };
    for (int i = 0; i < 12'000; ++i) {
      writes.One();
      const size_t room = log.keys.RoomFor(log.batch.bytes(), log.batch.positions());
      const size_t before = counted();
      log.Apply();
      log.records.clear();
      if (i < kFirst) continue;  // tables and wheels are made
      ASSERT_LE(counted(), before + room + kNowAndThen) << "seed " << seed << ", step " << i;
      SweepAll(log);
    }
  }
}

TEST(KeyspaceMemoryTest, RoomForManySmallEntriesPaysForTheIndex) {
  KeyspaceLog log;
  size_t promised = 256 << 10;  // the wheel, the slabs' tables
  for (int i = 0; i < 50'000; ++i) {
    log.batch.PutString(0, log.keys.Ref(std::to_string(i)), "v", log.now + 1000 + i);
    promised += log.keys.RoomFor(log.batch.bytes(), log.batch.positions());
    log.Apply();
    log.records.clear();
  }
  EXPECT_LE(log.keys.Use().used, promised);
  EXPECT_GE(log.keys.Use().used, promised / 2) << "nor may it be far too much";
}

// What needs no room is let through even when there is none left.
TEST(KeyspaceMemoryTest, WritesInPlaceNeedNoRoom) {
  KeyspaceLog log;
  log.Put("s", std::string(100, 'x'), log.now + 1000);
  log.HashSet("h", {"f", "value", "g", "other"});
  log.SetAdd("set", {"a", "b"});
  const auto net = [&] {
    const size_t bytes = log.keys.RoomFor(log.batch.bytes(), log.batch.positions());
    log.batch.Clear();
    return bytes;
  };
  log.batch.PutString(0, log.keys.Ref("s"), std::string(100, 'y'), log.now + 2000);
  EXPECT_EQ(net(), 0U);
  log.batch.PutString(0, log.keys.Ref("s"), "less", kNoDeadline);
  EXPECT_EQ(net(), 0U);
  const std::string_view field[] = {"f", "eulav"};
  log.batch.HashSet(0, log.keys.Ref("h"), field);
  EXPECT_EQ(net(), 0U);
  const std::string_view member[] = {"b", "a"};
  log.batch.SetAdd(0, log.keys.Ref("set"), member);
  EXPECT_EQ(net(), 0U);
  log.batch.Delete(0, log.keys.Ref("s"));
  EXPECT_EQ(net(), 0U);
}

// What stands at the key may be of another type: it is dead, or the batch deletes it first. It must
// not be read as what comes.
TEST(KeyspaceMemoryTest, RoomForACollectionInPlaceOfAnotherType) {
  KeyspaceLog log;
  log.Put("k", std::string(300, '\xff'));
  const std::string_view field[] = {"f", "value"};
  log.batch.Delete(0, log.keys.Ref("k"));
  log.batch.HashSet(0, log.keys.Ref("k"), field);
  EXPECT_GT(log.keys.RoomFor(log.batch.bytes(), log.batch.positions()), 0U);
  log.Apply();
  const std::string_view member[] = {"m"};
  log.batch.Delete(0, log.keys.Ref("k"));
  log.batch.SetAdd(0, log.keys.Ref("k"), member);
  EXPECT_GT(log.keys.RoomFor(log.batch.bytes(), log.batch.positions()), 0U);
}

// An offset can ask for far more than the batch holds: it must be seen before it is allocated.
TEST(KeyspaceMemoryTest, RoomForAGapIsSeenBeforehand) {
  KeyspaceLog log;
  log.batch.WriteString(0, log.keys.Ref("k"), 100'000'000, "x");
  EXPECT_GE(log.keys.RoomFor(log.batch.bytes(), log.batch.positions()), 100'000'001U);
  EXPECT_GE(log.batch.reach(), 100'000'001U);
  log.batch.Clear();
  EXPECT_EQ(log.batch.reach(), 0U);
  log.Put("big", std::string(1'000'000, 'x'));
  log.batch.Copy(0, log.keys.Ref("big"), 1, log.keys.Ref("k"));
  EXPECT_GE(log.keys.RoomFor(log.batch.bytes(), log.batch.positions()), 1'000'000U);
  EXPECT_GE(log.batch.reach(), 1'000'000U);
}

}  // namespace
}  // namespace cloakroom
