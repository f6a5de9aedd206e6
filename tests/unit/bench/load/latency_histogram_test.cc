#include "bench/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/load/random.h"

namespace cloakroom::bench {
namespace {

// The bins must not distort what is published: half a percent, from 200 ns to 20 s.
TEST(LatencyHistogramTest, PercentilesAreWithinHalfAPercentOfTheTruth) {
  Random random(11);
  LatencyHistogram histogram;
  std::vector<double> truth;
  for (int i = 0; i < 100'000; ++i) {
    const auto ns = static_cast<uint64_t>(200 * std::pow(10.0, 8 * random.Unit()));
    histogram.Record(ns, 1);
    truth.push_back(static_cast<double>(ns));
  }
  std::sort(truth.begin(), truth.end());
  for (const double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = truth[static_cast<size_t>(std::ceil(share * 100'000)) - 1];
    EXPECT_NEAR(histogram.AtShare(share), exact, exact * 0.005) << share;
  }
  EXPECT_EQ(histogram.max_ns(), static_cast<uint64_t>(truth.back()));
  EXPECT_EQ(histogram.count(), 100'000u);
}

// A whole read of equal latencies is counted in one call.
TEST(LatencyHistogramTest, TimesCountAsSoManyRecords) {
  LatencyHistogram histogram;
  histogram.Record(1'000, 90);
  histogram.Record(1'000'000, 10);
  EXPECT_NEAR(histogram.AtShare(0.9), 1'000, 5);
  EXPECT_NEAR(histogram.AtShare(0.91), 1'000'000, 5'000);
  EXPECT_NEAR(histogram.MeanNs(), 100'900, 1);
}

TEST(LatencyHistogramTest, WhatIsOutOfRangeIsCountedAtItsEnd) {
  LatencyHistogram histogram;
  histogram.Record(0, 1);
  histogram.Record(UINT64_C(1'000'000'000'000), 1);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_LT(histogram.AtShare(0.5), 101);
  EXPECT_GT(histogram.AtShare(1), 99e9);
  EXPECT_EQ(histogram.max_ns(), UINT64_C(1'000'000'000'000));
}

TEST(LatencyHistogramTest, NothingRecordedIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.AtShare(0.99), 0);
  EXPECT_EQ(histogram.MeanNs(), 0);
  EXPECT_TRUE(histogram.Curve().empty());
}

TEST(LatencyHistogramTest, TheCurveRisesToAll) {
  LatencyHistogram histogram;
  for (uint64_t ns : {5'000, 9'000, 9'000, 70'000}) histogram.Record(ns, 1);
  const auto curve = histogram.Curve();
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_EQ(curve[0].share, 0.25);
  EXPECT_EQ(curve[1].share, 0.75);
  EXPECT_EQ(curve[2].share, 1);
  EXPECT_EQ(curve[2].ns, 70'000) << "never above the largest";
}

}  // namespace
}  // namespace cloakroom::bench
