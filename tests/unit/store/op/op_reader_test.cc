#include "store/op/op_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "store/base/hash.h"
#include "store/op/write_batch.h"

namespace cloakroom {
namespace {

KeyRef Ref(std::string_view key) { return {key, {SlotOf(key), HashBytes(key, 7)}}; }

WriteBatch EveryKind() {
  static const std::string long_key(300, 'k');
  static const std::vector<std::string_view> pairs = {"f1", "v1", "", "v2"};
  static const std::vector<std::string_view> items = {"a", "bb", ""};
  WriteBatch batch;
  batch.PutString(3, Ref("key"), "value", 1'700'000'000'000);
  batch.AppendString(0, Ref(""), 12, "tail");
  batch.WriteString(200, Ref(long_key), 1000, "middle");
  batch.SetDeadline(0, Ref("key"), kDeadlineMax);
  batch.Delete(0, Ref("key"));
  batch.Rename(0, Ref("key"), 5, Ref("other"));
  batch.Copy(1, Ref(long_key), 0, Ref("copy"));
  batch.HashSet(0, Ref("h"), pairs);
  batch.HashDelete(0, Ref("h"), items);
  batch.SetAdd(0, Ref("s"), items);
  batch.SetRemove(0, Ref("s"), items);
  batch.FlushDb(15);
  batch.FlushAll();
  batch.SwapDb(1, 300);
  batch.Add(OpKind::kSessionFirst, 0, Ref("session"), "payload");
  return batch;
}

std::vector<std::string> Elements(const Op& op) {
  std::vector<std::string> elements;
  for (ElementReader reader(op.payload); reader.more();) elements.emplace_back(reader.Next());
  return elements;
}

// The two ways to put a string differ in their kind alone.
TEST(OpReaderTest, TextIsPutAsStringsAre) {
  WriteBatch batch;
  batch.PutText(3, Ref("key"), "2.5", 1'700'000'000'000);
  OpReader reader(batch.bytes());
  Op op;
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kPutText);
  EXPECT_EQ(op.key, "key");
  EXPECT_EQ(op.deadline, 1'700'000'000'000);
  EXPECT_EQ(op.payload, "2.5");
  EXPECT_FALSE(reader.Next(op));
  EXPECT_TRUE(reader.ok());
}

// What a batch writes is what a reader sees: the log has no other description.
TEST(OpReaderTest, ReadsBackWhatABatchWrote) {
  const WriteBatch batch = EveryKind();
  OpReader reader(batch.bytes());
  Op op;

  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kPutString);
  EXPECT_EQ(op.db, 3U);
  EXPECT_EQ(op.key, "key");
  EXPECT_EQ(op.deadline, 1'700'000'000'000);
  EXPECT_EQ(op.payload, "value");
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kAppendString);
  EXPECT_EQ(op.key, "");
  EXPECT_EQ(op.offset, 12U);
  EXPECT_EQ(op.payload, "tail");
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kWriteString);
  EXPECT_EQ(op.db, 200U);
  EXPECT_EQ(op.key, std::string(300, 'k'));
  EXPECT_EQ(op.offset, 1000U);
  EXPECT_EQ(op.payload, "middle");
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kSetDeadline);
  EXPECT_EQ(op.deadline, kDeadlineMax);
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kDelete);
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kRename);
  EXPECT_EQ(op.db2, 5U);
  EXPECT_EQ(op.key2, "other");
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kCopy);
  EXPECT_EQ(op.key2, "copy");
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kHashSet);
  EXPECT_EQ(op.count, 2U);
  EXPECT_EQ(Elements(op), (std::vector<std::string>{"f1", "v1", "", "v2"}));
  for (const OpKind kind : {OpKind::kHashDelete, OpKind::kSetAdd, OpKind::kSetRemove}) {
    ASSERT_TRUE(reader.Next(op));
    EXPECT_EQ(op.kind, kind);
    EXPECT_EQ(op.count, 3U);
    EXPECT_EQ(Elements(op), (std::vector<std::string>{"a", "bb", ""}));
  }
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kFlushDb);
  EXPECT_EQ(op.db, 15U);
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kFlushAll);
  ASSERT_TRUE(reader.Next(op));
  EXPECT_EQ(op.kind, OpKind::kSwapDb);
  EXPECT_EQ(op.db2, 300U);
  ASSERT_TRUE(reader.Next(op));
  EXPECT_TRUE(op.ForSessions());
  EXPECT_EQ(op.key, "session");
  EXPECT_EQ(op.payload, "payload");
  EXPECT_FALSE(reader.Next(op));
  EXPECT_TRUE(reader.ok());
}

// The primary applies by these positions, one a key, in the order of the keys.
TEST(WriteBatchTest, KeepsOnePositionAKey) {
  const WriteBatch batch = EveryKind();
  size_t keys = 0;
  OpReader reader(batch.bytes());
  for (Op op; reader.Next(op);) {
    if (op.kind == OpKind::kFlushDb || op.kind == OpKind::kFlushAll || op.kind == OpKind::kSwapDb)
      continue;
    ASSERT_LT(keys, batch.positions().size());
    EXPECT_EQ(batch.positions()[keys++], Ref(op.key).position);
    if (op.kind == OpKind::kRename || op.kind == OpKind::kCopy) {
      EXPECT_EQ(batch.positions()[keys++], Ref(op.key2).position);
    }
  }
  EXPECT_EQ(keys, batch.positions().size());
}

// Nothing to set or remove is no change, so it must leave no record.
// One huge value must not keep its memory for ever.
TEST(WriteBatchTest, ClearGivesBackTheMemoryOfAHugeValue) {
  WriteBatch batch;
  batch.PutString(0, {"k", Position{}}, std::string(4 << 20, 'x'), kNoDeadline);
  EXPECT_GT(batch.bytes().capacity(), size_t{4} << 20);
  batch.Clear();
  EXPECT_LT(batch.bytes().capacity(), size_t{1} << 20);
  batch.PutString(0, {"k", Position{}}, std::string(4000, 'x'), kNoDeadline);
  batch.Clear();
  EXPECT_GE(batch.bytes().capacity(), 4000U) << "an ordinary buffer stays";
}

TEST(WriteBatchTest, EmptyElementsAddNoOp) {
  WriteBatch batch;
  batch.SetAdd(0, Ref("s"), {});
  batch.HashDelete(0, Ref("h"), {});
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.positions().empty());
}

// A torn log must be told from a whole one: every cut but those between two ops is an error.
TEST(OpReaderTest, RefusesEveryCutInsideAnOp) {
  const std::string whole = EveryKind().bytes();
  std::vector<size_t> ends = {0};
  OpReader walker(whole);
  for (Op op; walker.Next(op);) ends.push_back(whole.size() - walker.left());
  ASSERT_EQ(ends.back(), whole.size());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    // A copy of just that size, so that the sanitizer sees a read past the end.
    const std::vector<char> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    OpReader reader(std::string_view(bytes.data(), bytes.size()));
    for (Op op; reader.Next(op);) {
    }
    EXPECT_EQ(reader.ok(), std::find(ends.begin(), ends.end(), cut) != ends.end()) << cut;
  }
}

// Whatever a disk or a peer sends, reading stays inside the bytes and ends.
TEST(OpReaderTest, SurvivesRandomBytes) {
  std::mt19937_64 random(20240117);
  const std::string whole = EveryKind().bytes();
  for (int round = 0; round < 20000; ++round) {
    std::vector<char> bytes(whole.begin(), whole.end());
    for (uint64_t flips = 1 + random() % 8; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    OpReader reader(std::string_view(bytes.data(), bytes.size()));
    size_t ops = 0;
    for (Op op; reader.Next(op); ++ops) {
      for (ElementReader elements(op.payload); op.count > 0 && elements.more();)
        EXPECT_LE(elements.Next().size(), bytes.size());
    }
    EXPECT_LE(ops, bytes.size());
  }
}

TEST(OpReaderTest, RefusesImpossibleNumbers) {
  const auto fails = [](std::string bytes) {
    OpReader reader(bytes);
    for (Op op; reader.Next(op);) {
    }
    return !reader.ok();
  };
  EXPECT_TRUE(fails(std::string("\x00\x00\x00", 3))) << "kind 0";
  EXPECT_TRUE(fails(std::string("\x3F\x00\x00", 3))) << "an unknown kind";
  std::string late("\x04\x00\x00", 3);
  AppendVarint(late, static_cast<uint64_t>(kDeadlineMax) + 1);
  EXPECT_TRUE(fails(late)) << "a deadline beyond 48 bits";
  std::string far("\x02\x00\x00", 3);
  AppendVarint(far, uint64_t{1} << 32);
  AppendSized(far, "x");
  EXPECT_TRUE(fails(far)) << "an offset beyond the largest value";
  std::string none("\x0A\x00\x00", 3);
  AppendVarint(none, 0);
  EXPECT_TRUE(fails(none)) << "no members";
  std::string many("\x0A\x00\x00", 3);
  AppendVarint(many, uint64_t{1} << 40);
  EXPECT_TRUE(fails(many)) << "more members than bytes";
}

}  // namespace
}  // namespace cloakroom
