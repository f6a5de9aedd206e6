#include "store/replication/lineage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cloakroom {
namespace {

using testing::Optional;

HistoryId History(char name) {
  HistoryId id{};
  id.fill(name);
  return id;
}

Lineage Made(std::initializer_list<Lineage::Step> steps) {
  Lineage lineage;
  for (const Lineage::Step& step : steps) lineage.Add(step);
  return lineage;
}

const Lineage::Step kFirst{History('a'), 1, 1};

TEST(LineageTest, OneHistoryIsSharedAsFarAsBothGo) {
  const Lineage one = Lineage::Of(History('a'), 1);
  EXPECT_THAT(one.CommonWith(one, 100, 70), Optional(70));
  EXPECT_THAT(one.CommonWith(one, 70, 100), Optional(70));
  EXPECT_EQ(one.CommonWith(Lineage::Of(History('b'), 1), 70, 70), std::nullopt);
}

// A former primary wrote on where its successor had begun already.
TEST(LineageTest, AForkEndsWhatIsShared) {
  const Lineage promoted = Made({kFirst, {History('b'), 2, 101}});
  const Lineage former = Lineage::Of(History('a'), 1);
  EXPECT_THAT(promoted.CommonWith(former, 300, 120), Optional(100));
  EXPECT_THAT(promoted.CommonWith(former, 300, 90), Optional(90)) << "it was behind: no fork";
  EXPECT_THAT(former.CommonWith(promoted, 120, 300), Optional(100));
}

// Two replicas were promoted by hand: they are alike up to the earlier promotion, though the
// numbers and even the epochs go on alike.
TEST(LineageTest, TwoPromotionsNeverMix) {
  const Lineage one = Made({kFirst, {History('b'), 2, 101}});
  const Lineage other = Made({kFirst, {History('c'), 2, 105}});
  EXPECT_THAT(one.CommonWith(other, 200, 200), Optional(100));
  EXPECT_THAT(other.CommonWith(one, 200, 200), Optional(100));
  const Lineage follower = Made({kFirst, {History('b'), 2, 101}, {History('d'), 3, 150}});
  EXPECT_THAT(follower.CommonWith(one, 160, 140), Optional(140));
  EXPECT_THAT(follower.CommonWith(one, 160, 155), Optional(149));
}

// The same history, begun elsewhere: a number drawn twice proves nothing.
TEST(LineageTest, AStepIsTheSameOnlyAsAWhole) {
  EXPECT_EQ(Lineage::Of(History('a'), 1).CommonWith(Made({{History('a'), 1, 7}}), 10, 10),
            std::nullopt);
}

TEST(LineageTest, ForgetsWhatIsLongAgo) {
  Lineage lineage = Lineage::Of(History('a'), 1);
  for (uint64_t i = 2; i <= Lineage::kStepsMax + 5; ++i)
    lineage.Add({History(static_cast<char>(i)), i, i * 10});
  EXPECT_EQ(lineage.steps().size(), Lineage::kStepsMax);
  EXPECT_EQ(lineage.newest().epoch, Lineage::kStepsMax + 5);
}

TEST(LineageTest, WhatIsWrittenIsRead) {
  const Lineage lineage = Made({kFirst, {History('b'), 2, 101}, {History('c'), 7, 1'000'000}});
  std::string bytes;
  lineage.AppendTo(bytes);
  const size_t size = bytes.size();
  bytes += "rest";
  std::string_view in = bytes;
  const Result<Lineage> read = Lineage::Decode(in);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, lineage);
  EXPECT_EQ(in, "rest");
  for (size_t cut = 0; cut < size; ++cut) {
    in = std::string_view(bytes).substr(0, cut);
    EXPECT_FALSE(Lineage::Decode(in).has_value()) << cut;
  }
}

TEST(LineageTest, RefusesOneThatGoesBack) {
  std::string bytes("\x02", 1);
  for (const char first : {'\x09', '\x08'}) {
    bytes.append(16, 'h');
    bytes += '\x01';
    bytes += first;
  }
  std::string_view in = bytes;
  EXPECT_FALSE(Lineage::Decode(in).has_value());
}

}  // namespace
}  // namespace cloakroom
