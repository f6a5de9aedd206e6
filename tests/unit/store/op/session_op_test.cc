#include "store/op/session_op.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cloakroom {
namespace {

SessionKey KeyOf(char fill) {
  SessionKey key;
  key.bytes.fill(fill);
  key.bytes[1] = 0x1F;  // a slot below 16384
  return key;
}

Op OnlyOp(const WriteBatch& batch) {
  OpReader reader(batch.bytes());
  Op op;
  EXPECT_TRUE(reader.Next(op));
  EXPECT_EQ(reader.left(), 0U);
  return op;
}

const std::string_view kMeta[] = {"ip", "10.0.0.1"};
const std::string_view kFields[] = {"a", "1", std::string_view("\0b", 2), ""};
const std::string_view kNames[] = {"gone", ""};

WriteBatch OneOfEach() {
  WriteBatch batch;
  Add(batch,
      SessionPutOp{
          KeyOf(1), "shop", "ana", {}, 1, 2, 3, 4, 5, 6, 7, true, true, true, kMeta, kFields});
  Add(batch, SessionSlideOp{KeyOf(2), 1'700'000'000'000, 60'000});
  Add(batch, SessionMergeOp{KeyOf(3), 9, kNames, kMeta, kFields});
  Add(batch, SessionEndOp{KeyOf(4), SessionEnd::kRevoked, 77});
  Add(batch, SessionRotateOp{KeyOf(5), KeyOf(6), {}, 1, 2, "bob", 3, 4, 5, 6, 7, 8});
  Add(batch, SessionMarkUserOp{"shop", "ana", true, KeyOf(7), 8, 9});
  Add(batch, SessionMarkNamespaceOp{"shop", 10});
  Add(batch, SessionPolicyOp{"shop", SessionPolicy{}});
  Add(batch, SessionTrimUserOp{"shop", "ana", 1'700'000'000'000, 300, 11});
  return batch;
}

/// Whether an op of any kind can be read.
bool DecodesAs(const Op& op) {
  std::vector<std::string_view> words;
  SessionPutOp put;
  SessionMergeOp merge;
  SessionSlideOp slide;
  SessionEndOp end;
  SessionRotateOp rotate;
  SessionMarkUserOp user;
  SessionMarkNamespaceOp ns;
  SessionPolicyOp policy;
  SessionTrimUserOp trim;
  switch (static_cast<int>(op.kind)) {
    case 64:
      return Decode(op, put, words);
    case 65:
      return Decode(op, slide);
    case 66:
      return Decode(op, merge, words);
    case 67:
      return Decode(op, end);
    case 68:
      return Decode(op, rotate);
    case 69:
      return Decode(op, user);
    case 70:
      return Decode(op, ns);
    case 71:
      return Decode(op, policy);
    default:
      return Decode(op, trim);
  }
}

// What the primary writes is what a replica reads.
TEST(SessionOpTest, PutComesBackWhole) {
  WriteBatch batch;
  SessionPutOp put{KeyOf(1), "shop", "ana", {}, 1, 2, 3, 4, 5, 6, 7, true, true, false, kMeta, {}};
  put.handle.bytes.fill('h');
  Add(batch, put);
  SessionPutOp back;
  std::vector<std::string_view> words;
  ASSERT_TRUE(Decode(OnlyOp(batch), back, words));
  EXPECT_EQ(back.key, put.key);
  EXPECT_EQ(back.ns, "shop");
  EXPECT_EQ(back.user, "ana");
  EXPECT_EQ(back.handle, put.handle);
  EXPECT_EQ(back.created, 1);
  EXPECT_EQ(back.seen, 2);
  EXPECT_EQ(back.auth_at, 3);
  EXPECT_EQ(back.abs_start, 4);
  EXPECT_EQ(back.idle_ms, 5);
  EXPECT_EQ(back.abs_ms, 6);
  EXPECT_EQ(back.version, 7U);
  EXPECT_TRUE(back.by_put);
  EXPECT_TRUE(back.has_meta);
  EXPECT_FALSE(back.has_fields);
  ASSERT_EQ(back.meta.size(), 2U);
  EXPECT_EQ(back.meta[1], "10.0.0.1");
  EXPECT_TRUE(back.fields.empty());
}

TEST(SessionOpTest, MergeKeepsItsListsApart) {
  WriteBatch batch;
  Add(batch, SessionMergeOp{KeyOf(3), 9, kNames, kMeta, kFields});
  SessionMergeOp back;
  std::vector<std::string_view> words;
  ASSERT_TRUE(Decode(OnlyOp(batch), back, words));
  EXPECT_EQ(back.version, 9U);
  ASSERT_EQ(back.deleted.size(), 2U);
  EXPECT_EQ(back.deleted[0], "gone");
  EXPECT_EQ(back.deleted[1], "");
  ASSERT_EQ(back.fields.size(), 4U);
  EXPECT_EQ(back.fields[2], std::string_view("\0b", 2));
}

TEST(SessionOpTest, EveryKindComesBack) {
  const WriteBatch batch = OneOfEach();
  OpReader reader(batch.bytes());
  int kinds = 0;
  for (Op op; reader.Next(op); ++kinds) EXPECT_TRUE(DecodesAs(op)) << static_cast<int>(op.kind);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(kinds, 9);
}

// A user and a namespace are the op's key, so that a router finds the slot without reading on.
TEST(SessionOpTest, MarksNameTheirUserAsKey) {
  WriteBatch batch;
  Add(batch, SessionMarkUserOp{"shop", "ana", false, {}, 8, 9});
  const Op op = OnlyOp(batch);
  EXPECT_EQ(op.key, "ana");
  SessionMarkUserOp back;
  ASSERT_TRUE(Decode(op, back));
  EXPECT_FALSE(back.has_except);
  EXPECT_EQ(back.until, 8);
}

// Records will come from disks and peers: whatever the bytes, no read leaves them.
TEST(SessionOpTest, BrokenBytesAreRefusedAndNeverOverread) {
  const std::string whole = OneOfEach().bytes();
  const uint32_t seed = 20240611;
  std::mt19937 random(seed);
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (uint32_t flips = 1 + random() % 3; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    OpReader reader(bytes);
    for (Op op; reader.Next(op);)
      if (op.ForSessions() && !DecodesAs(op)) ++refused;
  }
  EXPECT_GT(refused, 1000U) << "seed " << seed;
}

}  // namespace
}  // namespace cloakroom
