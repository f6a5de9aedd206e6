#include "client/ring_draw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloakroom {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Each shard is a path of one colour with its name as a tooltip, and a row of the legend.
TEST(RingDrawTest, NamesEachShardOnceOnTheRingAndOnceInTheLegend) {
  const std::string svg = DrawRing(EqualShards(4), 8);
  EXPECT_TRUE(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  for (const char* name : {"shard 0", "shard 1", "shard 2", "shard 3"})
    EXPECT_EQ(CountOf(svg, name), 2U) << name;
  EXPECT_THAT(svg, HasSubstr("32 virtual nodes"));
}

// One shard owns all: no single SVG arc can go all the way round, so it takes several.
TEST(RingDrawTest, AFullCircleIsDrawnInPieces) {
  const std::string svg = DrawRing(EqualShards(1), 1);
  EXPECT_THAT(svg, HasSubstr("shard 0: 100.00 % of the circle"));
  EXPECT_GE(CountOf(svg, "A336 336"), 2U);
  EXPECT_THAT(svg, HasSubstr("1 virtual node<"));
}

TEST(RingDrawTest, ADrainedShardIsInTheLegendOnly) {
  const std::string svg = DrawRing({{0, 1000}, {1, 0}}, 8);
  EXPECT_EQ(CountOf(svg, "shard 1"), 1U);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(RingDrawTest, ALongLegendSaysHowManyMoreThereAre) {
  EXPECT_THAT(DrawRing(EqualShards(100), 1), HasSubstr("and 12 more"));
}

}  // namespace
}  // namespace cloakroom
