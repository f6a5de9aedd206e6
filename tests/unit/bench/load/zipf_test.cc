#include "bench/load/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cloakroom::bench {
namespace {

/// The sum over all ranks of (seen - expected)^2 / expected, ranks beyond `cells` taken together.
double ChiSquare(uint64_t count, double exponent, uint64_t cells, uint64_t draws, uint64_t seed) {
  const Zipf zipf(count, exponent);
  Random random(seed);
  std::vector<double> seen(cells + 1);
  for (uint64_t i = 0; i < draws; ++i) {
    const uint64_t rank = zipf.Draw(random);
    EXPECT_LT(rank, count);
    ++seen[std::min(rank, cells)];
  }
  double total = 0;
  for (uint64_t rank = 1; rank <= count; ++rank)
    total += std::pow(static_cast<double>(rank), -exponent);
  double chi_square = 0;
  double rest = static_cast<double>(draws);
  for (uint64_t cell = 0; cell < cells; ++cell) {
    const double expected =
        static_cast<double>(draws) * std::pow(static_cast<double>(cell + 1), -exponent) / total;
    chi_square += (seen[cell] - expected) * (seen[cell] - expected) / expected;
    rest -= expected;
  }
  if (rest > 5) chi_square += (seen[cells] - rest) * (seen[cells] - rest) / rest;
  return chi_square;
}

// A load that claims to be Zipf's must be: with 100 degrees of freedom a chi-square above 161 comes
// once in ten thousand seeds, and the seed is fixed.
TEST(ZipfTest, DrawsRanksAsTheLawSays) {
  for (const double exponent : {0.5, 0.99, 1.0, 1.5, 3.0}) {
    EXPECT_LT(ChiSquare(1000, exponent, 100, 300'000, 7), 161) << "exponent " << exponent;
    EXPECT_LT(ChiSquare(10'000'000, exponent, 100, 300'000, 8), 161) << "exponent " << exponent;
  }
}

// The smallest counts have no tail to draw from.
TEST(ZipfTest, OneKeyIsAlwaysTheFirst) {
  Random random(1);
  const Zipf one(1, 0.99);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(one.Draw(random), 0u);
  EXPECT_LT(ChiSquare(2, 0.99, 2, 100'000, 9), 15);
}

// A load must be repeatable: the seed alone decides.
TEST(ZipfTest, TheSameSeedDrawsTheSame) {
  const Zipf zipf(1000, 0.99);
  Random a(5), b(5), c(6);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t rank = zipf.Draw(a);
    EXPECT_EQ(rank, zipf.Draw(b));
    differs |= rank != zipf.Draw(c);
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace cloakroom::bench
