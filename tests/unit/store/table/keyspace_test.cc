#include "store/table/keyspace.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_log.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {
namespace {

class KeyspaceTest : public testing::Test {
 protected:
  [[nodiscard]] std::string Value(std::string_view key, uint32_t db = 0) const {
    const Entry* const entry = log.Find(key, db);
    return entry == nullptr ? "nothing" : DumpEntry(*entry);
  }
  [[nodiscard]] KeyRef Ref(std::string_view key) const { return log.keys.Ref(key); }
  void AddMany(std::string_view key, size_t members) {
    for (size_t i = 0; i < members; ++i) log.SetAdd(key, {"m" + std::to_string(i)});
  }

  KeyspaceLog log;
  Keyspace& keys = log.keys;
  WriteBatch& batch = log.batch;
};

TEST_F(KeyspaceTest, HoldsNothingAtFirst) {
  EXPECT_EQ(keys.databases(), 16U);
  EXPECT_EQ(keys.Size(3), 0U);
  EXPECT_EQ(keys.SlotSize(3, 100), 0U);
  EXPECT_EQ(keys.NextDue(), kNoDeadline);
  EXPECT_EQ(keys.memory(3).Total(), 0U) << "a database that was never written to costs nothing";
  SeededRandom random(1);
  EXPECT_EQ(keys.Pick(0, log.now, random), nullptr);
  EXPECT_EQ(log.Find("a"), nullptr);
}

// A put replaces whatever stood there, its deadline included.
TEST_F(KeyspaceTest, PutReplacesAnything) {
  log.Put("k", "one", log.now + 10);
  EXPECT_EQ(Value("k"), "string one @" + std::to_string(log.now + 10));
  log.Put("k", "two");
  EXPECT_EQ(Value("k"), "string two");
  log.Put("k", std::string(10'000, 'x'));
  log.Put("k", std::string(9'000, 'y'));
  EXPECT_EQ(Value("k"), "string " + std::string(9'000, 'y'));
  log.Put("k", "");
  EXPECT_EQ(Value("k"), "string ");
  batch.Delete(0, Ref("k"));
  log.HashSet("k", {"f", "v"});
  EXPECT_EQ(Value("k"), "hash f=v");
  log.Put("k", "three");
  EXPECT_EQ(Value("k"), "string three");
  EXPECT_EQ(keys.Size(0), 1U);
}

TEST_F(KeyspaceTest, AppendMakesGrowsAndKeepsTheDeadline) {
  batch.AppendString(0, Ref("k"), 0, "ab");
  log.Apply();
  EXPECT_EQ(Value("k"), "string ab");
  EXPECT_EQ(log.Find("k")->encoding(), Encoding::kPlain) << "made whole, as by SET";
  batch.SetDeadline(0, Ref("k"), log.now + 5);
  batch.AppendString(0, Ref("k"), 2, "cd");
  batch.AppendString(0, Ref("k"), 4, "");
  log.Apply();
  EXPECT_EQ(Value("k"), "string abcd @" + std::to_string(log.now + 5));
  EXPECT_EQ(log.Find("k")->encoding(), Encoding::kRaw);
}

TEST_F(KeyspaceTest, WriteFillsGapsWithZeros) {
  batch.WriteString(0, Ref("k"), 3, "ab");
  log.Apply();
  EXPECT_EQ(log.Find("k")->value(), std::string_view("\0\0\0ab", 5));
  batch.WriteString(0, Ref("k"), 1, "x");
  batch.WriteString(0, Ref("k"), 7, "y");
  log.Apply();
  EXPECT_EQ(log.Find("k")->value(), std::string_view("\0x\0ab\0\0y", 8));
  EXPECT_EQ(log.Find("k")->encoding(), Encoding::kRaw);
}

// Deadlines are exclusive, and what is past its own is invisible before it is freed.
TEST_F(KeyspaceTest, TheDeadAreInvisible) {
  log.Put("k", "v", log.now + 10);
  EXPECT_EQ(keys.SizeWithDeadline(0), 1U);
  EXPECT_EQ(keys.MeanDeadline(0), log.now + 10);
  EXPECT_EQ(keys.MeanDeadline(1), kNoDeadline);
  log.now += 9;
  EXPECT_NE(log.Find("k"), nullptr);
  log.now += 1;
  EXPECT_EQ(log.Find("k"), nullptr);
  EXPECT_EQ(keys.Size(0), 1U) << "not yet freed";
  EXPECT_TRUE(DumpKeyspace(keys, log.now)[0].empty());
  SeededRandom random(1);
  EXPECT_EQ(keys.Pick(0, log.now, random), nullptr);
  size_t visited = 0;
  keys.ScanSlot(0, Ref("k").position.slot, 0, log.now, [&](const Entry&) { ++visited; });
  EXPECT_EQ(visited, 0U);
}

// Who writes to a dead key starts anew: neither value nor deadline may shine through.
TEST_F(KeyspaceTest, WritingToADeadKeyStartsAnew) {
  const std::vector<std::string_view> pair = {"f", "v"};
  const std::vector<std::string_view> member = {"m"};
  for (const char* key : {"append", "write", "hash", "set", "put", "copied", "renamed"})
    log.Put(key, "dead value", log.now + 1);
  log.Put("source", "alive");
  log.now += 1;
  batch.AppendString(0, Ref("append"), 0, "a");
  batch.WriteString(0, Ref("write"), 1, "b");
  batch.HashSet(0, Ref("hash"), pair);
  batch.SetAdd(0, Ref("set"), member);
  batch.PutString(0, Ref("put"), "c", kNoDeadline);
  batch.Copy(0, Ref("source"), 0, Ref("copied"));
  batch.Rename(0, Ref("source"), 0, Ref("renamed"));
  log.Apply();
  EXPECT_EQ(Value("append"), "string a");
  EXPECT_EQ(Value("write"), std::string("string \0b", 9));
  EXPECT_EQ(Value("hash"), "hash f=v");
  EXPECT_EQ(Value("set"), "set m");
  EXPECT_EQ(Value("put"), "string c");
  EXPECT_EQ(Value("copied"), "string alive");
  EXPECT_EQ(Value("renamed"), "string alive");
  EXPECT_EQ(Value("source"), "nothing");
  EXPECT_EQ(keys.Size(0), 7U);
}

// To remove from what is dead or absent changes nothing, on whichever role it was swept already.
TEST_F(KeyspaceTest, RemovingFromTheDeadDoesNothing) {
  log.HashSet("h", {"f", "v"});
  batch.SetDeadline(0, Ref("h"), log.now + 1);
  log.Apply();
  log.now += 1;
  log.HashDelete("h", {"f"});
  log.SetRemove("nothing", {"m"});
  batch.Delete(0, Ref("nothing"));
  log.Apply();
  EXPECT_TRUE(DumpKeyspace(keys, log.now)[0].empty());
}

TEST_F(KeyspaceTest, RenameMovesValueAndDeadline) {
  log.Put("a", "value", log.now + 10);
  log.Put("b", "old", log.now + 20);
  AddMany("big", 1000);
  batch.Rename(0, Ref("a"), 0, Ref("b"));
  batch.Rename(0, Ref("big"), 5, Ref("big2"));
  log.Apply();
  EXPECT_EQ(Value("a"), "nothing");
  EXPECT_EQ(Value("b"), "string value @" + std::to_string(log.now + 10));
  EXPECT_EQ(SetSize(*log.Find("big2", 5)), 1000U);
  EXPECT_EQ(keys.Size(0), 1U);
  EXPECT_EQ(keys.Size(5), 1U);
  EXPECT_EQ(keys.Detached(), 0U) << "the members moved with their set";
  batch.Rename(0, Ref("b"), 0, Ref("b"));
  log.Apply();
  EXPECT_EQ(Value("b"), "string value @" + std::to_string(log.now + 10));
}

// A copy of a large collection must not share it.
TEST_F(KeyspaceTest, CopyIsDeep) {
  AddMany("big", 1000);
  batch.SetDeadline(0, Ref("big"), log.now + 7);
  batch.Copy(0, Ref("big"), 1, Ref("copy"));
  log.Apply();
  log.SetRemove("big", {"m1"});
  EXPECT_EQ(SetSize(*log.Find("big")), 999U);
  EXPECT_EQ(SetSize(*log.Find("copy", 1)), 1000U);
  EXPECT_EQ(log.Find("copy", 1)->deadline(), log.now + 7);
  log.HashSet("h", {"f", "v"});
  batch.Copy(0, Ref("h"), 0, Ref("h2"));
  log.Apply();
  EXPECT_EQ(Value("h"), Value("h2"));
}

TEST_F(KeyspaceTest, CountsSlots) {
  log.Put("{tag}1", "v");
  log.Put("{tag}2", "v");
  log.Put("other", "v");
  const uint32_t slot = Ref("tag").position.slot;
  EXPECT_EQ(keys.SlotSize(0, slot), 2U);
  EXPECT_EQ(keys.SlotSize(1, slot), 0U);
  std::vector<std::string> found;
  uint64_t cursor = 0;
  do {
    cursor = keys.ScanSlot(0, slot, cursor, log.now,
                           [&](const Entry& entry) { found.emplace_back(entry.key()); });
  } while (cursor != 0);
  EXPECT_EQ(found.size(), 2U);
}

TEST_F(KeyspaceTest, SwapExchangesDatabases) {
  log.Put("a", "zero");
  log.Put("b", "one", kNoDeadline, 1);
  batch.SwapDb(0, 1);
  batch.PutString(0, Ref("c"), "after", kNoDeadline);
  log.Apply();
  EXPECT_EQ(Value("a", 1), "string zero");
  EXPECT_EQ(Value("b", 0), "string one");
  EXPECT_EQ(Value("c", 0), "string after");
  batch.SwapDb(1, 9);  // with one that was never used
  log.Apply();
  EXPECT_EQ(Value("a", 9), "string zero");
  EXPECT_EQ(keys.Size(1), 0U);
  log.Put("late", "v", log.now + 1, 9);
  log.now += 1;
  keys.Sweep(log.now, 1000);
  EXPECT_EQ(keys.Size(9), 1U) << "a swapped database is still swept";
}

// Of a mostly dead database a live key must still be found, however rare it is.
TEST_F(KeyspaceTest, PickFindsTheLastLiveKey) {
  for (int i = 0; i < 5000; ++i) log.Put("dead" + std::to_string(i), "v", log.now + 1);
  log.Put("alive", "v");
  log.now += 1;
  SeededRandom random(3);
  for (int i = 0; i < 20; ++i) {
    const Entry* const entry = keys.Pick(0, log.now, random);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->key(), "alive");
  }
}

TEST_F(KeyspaceTest, EntryBytesCountsWhatIsInside) {
  log.Put("s", "v");
  log.Put("large", std::string(100'000, 'x'));
  AddMany("set", 1000);
  EXPECT_LT(keys.EntryBytes(*log.Find("s")), 100U);
  EXPECT_GE(keys.EntryBytes(*log.Find("large")), 100'000U);
  EXPECT_GE(keys.EntryBytes(*log.Find("set")), 1000 * 17U);
  EXPECT_GE(keys.memory().Total(), 100'000 + 1000 * 17U);
}

// Ops of a broken log must stop the process, not corrupt the state.
TEST_F(KeyspaceTest, ApplyChecksWhatOpsRelyOn) {
  log.Put("k", "abc");
  const auto apply = [&] { log.Apply(); };
  batch.AppendString(0, Ref("k"), 2, "x");
  EXPECT_DEATH(apply(), "broken invariant");
  batch.Clear();
  EXPECT_DEATH(log.HashSet("k", {"f", "v"}), "broken invariant");
  batch.SetDeadline(0, Ref("absent"), 1);
  EXPECT_DEATH(apply(), "broken invariant");
  batch.Clear();
  EXPECT_DEATH(log.Put("k", "v", kNoDeadline, 16), "broken invariant") << "no such database";
  log.now -= 1;
  EXPECT_DEATH(log.Put("k", "v"), "broken invariant") << "time goes back";
}

class Recorder final : public KeyObserver {
 public:
  explicit Recorder(const Keyspace& keys) : keys_(keys) {}
  void KeyTouched(uint32_t db, std::string_view key) override {
    seen_ += std::to_string(db) + ":" + std::string(key) + " ";
  }
  void DatabaseFlushed(uint32_t db) override {
    if (keys_.Size(db) > 0) seen_ += "flush" + std::to_string(db) + " ";
  }
  void DatabasesSwapped(uint32_t db, uint32_t db2) override {
    seen_ += "swap" + std::to_string(db) + "," + std::to_string(db2) + " ";
  }
  [[nodiscard]] std::string Take() { return std::exchange(seen_, ""); }

 private:
  const Keyspace& keys_;
  std::string seen_;
};

// OBJECT IDLETIME counts from here: what is made or written is used; what is moved stays as it was.
TEST_F(KeyspaceTest, WritesSetTheAccessClock) {
  const auto clock = [&](std::string_view key) { return log.Find(key)->clock(); };
  const auto seconds = [&] { return static_cast<uint32_t>(log.now / 1000) & 0xFFFFFF; };
  log.Put("a", "v");
  log.HashSet("h", {"f", "v"});
  EXPECT_EQ(clock("a"), seconds());
  EXPECT_EQ(clock("h"), seconds());
  const uint32_t before = seconds();
  log.now += 7000;
  batch.Copy(0, Ref("a"), 0, Ref("b"));
  batch.Rename(0, Ref("a"), 0, Ref("c"));
  log.Apply();
  EXPECT_EQ(clock("b"), before + 7);
  EXPECT_EQ(clock("c"), before);
}

// How a string was made is kept through every move: OBJECT ENCODING asks for it.
TEST_F(KeyspaceTest, TextStaysTextUntilItIsPutAnew) {
  const auto encoding = [&](std::string_view key) { return log.Find(key)->encoding(); };
  batch.PutText(0, Ref("a"), "2", kNoDeadline);
  batch.Copy(0, Ref("a"), 0, Ref("b"));
  batch.Rename(0, Ref("a"), 0, Ref("c"));
  log.Apply();
  EXPECT_EQ(encoding("b"), Encoding::kText);
  EXPECT_EQ(encoding("c"), Encoding::kText);
  log.Put("c", "2");
  EXPECT_EQ(encoding("c"), Encoding::kPlain);
}

// WATCH hangs on this: every key that an op changes, and no others.
TEST_F(KeyspaceTest, TellsTheObserverWhatChanged) {
  Recorder recorder(keys);
  keys.set_observer(&recorder);
  log.Put("a", "v");
  log.HashSet("h", {"f", "v"}, 2);
  log.SetAdd("s", {"m"});
  EXPECT_EQ(recorder.Take(), "0:a 2:h 0:s ");
  log.HashDelete("h", {"f"}, 2);
  log.SetRemove("absent", {"m"});
  batch.Delete(0, Ref("absent"));
  log.Apply();
  EXPECT_EQ(recorder.Take(), "2:h ");
  batch.SetDeadline(0, Ref("a"), log.now + 5);
  batch.AppendString(0, Ref("a"), 1, "w");
  batch.WriteString(0, Ref("a"), 0, "w");
  batch.Copy(0, Ref("a"), 1, Ref("b"));
  batch.Rename(0, Ref("a"), 0, Ref("c"));
  batch.Delete(0, Ref("c"));
  log.Apply();
  EXPECT_EQ(recorder.Take(), "0:a 0:a 0:a 1:b 0:a 0:c 0:c ");
  batch.SwapDb(0, 1);
  batch.FlushDb(0);
  batch.FlushAll();
  log.Apply();
  EXPECT_EQ(recorder.Take(), "swap0,1 flush0 flush1 ");
  log.Put("a", "v", log.now + 1);
  EXPECT_EQ(recorder.Take(), "0:a ");
  log.now += 1;
  keys.Sweep(log.now, 1000);
  EXPECT_EQ(recorder.Take(), "") << "expiry is no op";
  keys.set_observer(nullptr);
  log.Put("a", "v");
  EXPECT_EQ(recorder.Take(), "");
}

}  // namespace
}  // namespace cloakroom
