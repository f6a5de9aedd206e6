#include "bench/load/zipf.h"

#include <algorithm>
#include <cmath>

#include "store/base/check.h"

namespace cloakroom::bench {
namespace {

constexpr double kTiny = 1e-8;

/// log(1 + x) / x, also where x is next to 0.
double Log1pOver(double x) { return std::abs(x) > kTiny ? std::log1p(x) / x : 1 - x / 2; }

/// (e^x - 1) / x, also where x is next to 0.
double Expm1Over(double x) { return std::abs(x) > kTiny ? std::expm1(x) / x : 1 + x / 2; }

}  // namespace

Zipf::Zipf(uint64_t count, double exponent)
    : count_(static_cast<double>(count)), exponent_(exponent) {
  CHECK(count >= 1 && exponent > 0);
  integral_first_ = Integral(1.5) - 1;
  integral_last_ = Integral(count_ + 0.5);
  accept_below_ = 2 - IntegralInverse(Integral(2.5) - Density(2));
}

uint64_t Zipf::Draw(Random& random) const {
  while (true) {
    const double area = integral_last_ + random.Unit() * (integral_first_ - integral_last_);
    const double x = IntegralInverse(area);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, count_);
    if (rank - x <= accept_below_ || area >= Integral(rank + 0.5) - Density(rank))
      return static_cast<uint64_t>(rank) - 1;
  }
}

double Zipf::Density(double x) const { return std::exp(-exponent_ * std::log(x)); }

double Zipf::Integral(double x) const {
  const double log_x = std::log(x);
  return Expm1Over((1 - exponent_) * log_x) * log_x;
}

double Zipf::IntegralInverse(double y) const {
  const double t = std::max(y * (1 - exponent_), -1.0);
  return std::exp(Log1pOver(t) * y);
}

}  // namespace cloakroom::bench
