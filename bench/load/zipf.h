#pragma once

#include <cstdint>

#include "bench/load/random.h"

namespace cloakroom::bench {

/// Draws ranks with the probabilities of Zipf's law: rank r of 0 .. count-1 in proportion to
/// 1 / (r + 1)^exponent. Rejection-inversion after W. Hörmann and G. Derflinger (1996): no table,
/// so that ten million keys cost as little as ten.
class Zipf {
 public:
  /// Preconditions: count >= 1, exponent > 0.
  Zipf(uint64_t count, double exponent);

  /// A rank in [0, count). Cost: about 60 ns; a draw is repeated in less than a fifth of all cases.
  [[nodiscard]] uint64_t Draw(Random& random) const;

 private:
  [[nodiscard]] double Density(double x) const;   // x^-exponent
  [[nodiscard]] double Integral(double x) const;  // of the density, from 1 to x
  [[nodiscard]] double IntegralInverse(double y) const;

  double count_;
  double exponent_;
  double integral_first_;
  double integral_last_;
  double accept_below_;  // so close above its rank an x is taken without looking further
};

}  // namespace cloakroom::bench
