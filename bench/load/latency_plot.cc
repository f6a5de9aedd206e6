#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/load/report.h"

namespace cloakroom::bench {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 400;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kTop = 40;
constexpr double kBottom = 50;

/// Where the axes begin and end, and where a value stands on them.
struct Axes {
  double nines;  // the right edge is the share 1 - 10^-nines
  double decade_low;
  double decade_high;  // of microseconds

  [[nodiscard]] double X(double share) const {
    const double at = share >= 1 ? nines : std::min(-std::log10(1 - share), nines);
    return kLeft + at / nines * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double Y(double micros) const {
    const double at = (std::log10(micros) - decade_low) / (decade_high - decade_low);
    return kHeight - kBottom - at * (kHeight - kTop - kBottom);
  }
};

Axes FitAxes(const LatencyHistogram& latency) {
  const double count = static_cast<double>(std::max<uint64_t>(latency.count(), 10));
  const double low = std::max(latency.AtShare(0), 100.0) / 1e3;
  const double high = std::max(static_cast<double>(latency.max_ns()) / 1e3, low * 1.01);
  Axes axes{std::max(1.0, std::ceil(std::log10(count))), std::floor(std::log10(low)),
            std::ceil(std::log10(high))};
  if (axes.decade_high <= axes.decade_low) axes.decade_high = axes.decade_low + 1;
  return axes;
}

void Text(std::string& out, double x, double y, std::string_view anchor, std::string_view text) {
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     text);
}

void GridLine(std::string& out, double x1, double y1, double x2, double y2) {
  out += fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", x1, y1,
      x2, y2);
}

/// 90 %, 99 %, 99.9 %, ...: what is left after `nines` nines.
std::string ShareLabel(int nines) {
  if (nines == 0) return "0 %";
  if (nines == 1) return "90 %";
  return nines == 2 ? "99 %"
                    : fmt::format("99.{} %", std::string(static_cast<size_t>(nines) - 2, '9'));
}

std::string TimeLabel(double micros) {
  if (micros < 1) return fmt::format("{:.0f} ns", micros * 1e3);
  if (micros < 1e3) return fmt::format("{:.0f} us", micros);
  if (micros < 1e6) return fmt::format("{:.0f} ms", micros / 1e3);
  return fmt::format("{:.0f} s", micros / 1e6);
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

void Grid(std::string& out, const Axes& axes) {
  for (int nines = 0; nines <= static_cast<int>(axes.nines); ++nines) {
    const double x = axes.X(1 - std::pow(10.0, -nines));
    GridLine(out, x, kTop, x, kHeight - kBottom);
    Text(out, x, kHeight - kBottom + 16, "middle", ShareLabel(nines));
  }
  for (double decade = axes.decade_low; decade <= axes.decade_high; ++decade) {
    const double y = axes.Y(std::pow(10.0, decade));
    GridLine(out, kLeft, y, kWidth - kRight, y);
    Text(out, kLeft - 8, y + 4, "end", TimeLabel(std::pow(10.0, decade)));
  }
}

}  // namespace

std::string LatencyPlot(const std::string& title, const LatencyHistogram& latency) {
  const Axes axes = FitAxes(latency);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, kHeight);
  Text(out, kWidth / 2, kTop / 2 + 4, "middle", Escaped(title));
  Text(out, kWidth / 2, kHeight - 12, "middle", "share of all requests that took at most so long");
  Grid(out, axes);
  out += "<polyline fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\" points=\"";
  double share = 0;
  for (const LatencyHistogram::Point& point : latency.Curve()) {
    // A step: up to `share` all was faster, from there to the next one it took this long.
    out += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ", axes.X(share), axes.Y(point.ns / 1e3),
                       axes.X(point.share), axes.Y(point.ns / 1e3));
    share = point.share;
  }
  out += "\"/>\n</svg>\n";
  return out;
}

}  // namespace cloakroom::bench
