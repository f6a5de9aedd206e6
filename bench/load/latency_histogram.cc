#include "bench/load/latency_histogram.h"

#include <algorithm>
#include <boost/histogram/make_histogram.hpp>
#include <boost/histogram/weight.hpp>
#include <boost/throw_exception.hpp>
#include <cmath>
#include <exception>

#include "store/base/check.h"

#ifdef BOOST_NO_EXCEPTIONS
/// What Boost calls in place of a throw. Only a broken invariant of ours gets here.
void boost::throw_exception(const std::exception& error, const boost::source_location&) {
  cloakroom::CheckFailed(error.what(), __FILE__, __LINE__);
}
#endif

namespace cloakroom::bench {
namespace {

constexpr unsigned kBins = 7168;
constexpr double kFloorNs = 100;
constexpr double kCeilingNs = 100e9;

}  // namespace

LatencyHistogram::LatencyHistogram()
    : bins_(boost::histogram::make_histogram_with(boost::histogram::dense_storage<uint64_t>(),
                                                  Axis(kBins, kFloorNs, kCeilingNs))) {}

void LatencyHistogram::Record(uint64_t ns, uint64_t times) {
  const double value = static_cast<double>(ns);
  bins_(std::clamp(value, kFloorNs, kCeilingNs * 0.999), boost::histogram::weight(times));
  count_ += times;
  sum_ns_ += value * static_cast<double>(times);
  max_ns_ = std::max(max_ns_, ns);
}

uint64_t LatencyHistogram::CountIn(int bin) const {
  return *(bins_.begin() + 1 + bin);  // the first one stands for what is below the range
}

double LatencyHistogram::AtShare(double share) const {
  if (count_ == 0) return 0;
  const double wanted = std::max(1.0, std::ceil(share * static_cast<double>(count_)));
  double seen = 0;
  for (int bin = 0; bin < static_cast<int>(kBins); ++bin) {
    seen += static_cast<double>(CountIn(bin));
    if (seen >= wanted) return std::min(bins_.axis().value(bin + 1), static_cast<double>(max_ns_));
  }
  return static_cast<double>(max_ns_);
}

double LatencyHistogram::MeanNs() const {
  return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_);
}

std::vector<LatencyHistogram::Point> LatencyHistogram::Curve() const {
  std::vector<Point> curve;
  uint64_t seen = 0;
  for (int bin = 0; bin < static_cast<int>(kBins); ++bin) {
    if (CountIn(bin) == 0) continue;
    seen += CountIn(bin);
    curve.push_back({static_cast<double>(seen) / static_cast<double>(count_),
                     std::min(bins_.axis().value(bin + 1), static_cast<double>(max_ns_))});
  }
  return curve;
}

}  // namespace cloakroom::bench
