#include "client/ring_draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numbers>
#include <vector>

#include "store/ring/hash_ring.h"

namespace cloakroom {
namespace {

// The picture, in pixels: the circle to the left, the legend in columns to its right.
constexpr double kCentreX = 430, kCentreY = 420, kRadius = 300, kBand = 72;
constexpr int kHeight = 840, kLegendX = 880, kLegendY = 120, kRow = 28, kColumn = 390;
constexpr size_t kRows = 22, kRowsMax = 4 * kRows;
constexpr double kBarWidth = 100;

/// A stretch of the circle in turns, from 0 (the top) to 1.
struct Arc {
  double from;
  double to;
};

// Told apart at a glance; from the thirteenth shard on, hues a golden angle apart.
std::string Colour(size_t index) {
  constexpr const char* kPalette[] = {"#3b6fb6", "#f28e2b", "#d1495b", "#2a9d8f",
                                      "#7a5195", "#edae49", "#66a182", "#c86fa5",
                                      "#5b5f97", "#a3684a", "#8ab6d6", "#9aa24b"};
  if (index < std::size(kPalette)) return kPalette[index];
  const double hue = std::fmod(137.508 * static_cast<double>(index), 360.0);
  return fmt::format("hsl({:.0f}, {}%, {}%)", hue, 45 + index % 3 * 12, 42 + index % 4 * 8);
}

std::string At(double turn, double radius) {
  const double angle = (turn - 0.25) * 2 * std::numbers::pi;
  return fmt::format("{:.2f} {:.2f}", kCentreX + radius * std::cos(angle),
                     kCentreY + radius * std::sin(angle));
}

// A piece of the band. An SVG arc cannot go all the way round, so a long one is drawn in two; and
// each reaches a little into the next, or the ground would shine through between them.
void AppendArc(std::string& path, Arc arc) {
  constexpr double kOuter = kRadius + kBand / 2, kInner = kRadius - kBand / 2;
  constexpr double kOverlap = 0.2 / (2 * std::numbers::pi * kOuter);
  if (arc.to - arc.from > 0.5) {
    const double middle = (arc.from + arc.to) / 2;
    AppendArc(path, {arc.from, middle});
    AppendArc(path, {middle, arc.to});
    return;
  }
  const double to = arc.to + kOverlap;
  path += fmt::format("M{}A{} {} 0 0 1 {}L{}A{} {} 0 0 0 {}Z", At(arc.from, kOuter), kOuter, kOuter,
                      At(to, kOuter), At(to, kInner), kInner, kInner, At(arc.from, kInner));
}

// Each shard's arcs, neighbours of one owner joined. What lies before the first virtual node is
// the end of the arc that began after the last one.
std::map<ShardId, std::vector<Arc>> ArcsOf(const HashRing& ring) {
  std::map<ShardId, std::vector<Arc>> arcs;
  const auto nodes = ring.nodes();
  double from = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i + 1 < nodes.size() && nodes[i + 1].shard == nodes[i].shard) continue;
    const double to = static_cast<double>(nodes[i].point) * 0x1p-64;
    arcs[nodes[i].shard].push_back({from, to});
    from = to;
  }
  if (!nodes.empty()) arcs[nodes.front().shard].push_back({from, 1});
  return arcs;
}

void Text(std::string& out, double x, double y, const char* style, std::string_view text) {
  out += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" class=\"{}\">{}</text>\n", x, y, style, text);
}

// A mark and a number at each quarter, counted in slots.
void DrawScale(std::string& out) {
  constexpr double kOut = kRadius + kBand / 2;
  for (int quarter = 0; quarter < 4; ++quarter)
    out += fmt::format("<path d=\"M{}L{}\" stroke=\"#9a9a94\"/>\n", At(quarter / 4.0, kOut + 4),
                       At(quarter / 4.0, kOut + 12));
  Text(out, kCentreX, kCentreY - kOut - 20, "mark", "slot 0");
  Text(out, kCentreX + kOut + 38, kCentreY + 5, "mark", "4096");
  Text(out, kCentreX, kCentreY + kOut + 30, "mark", "8192");
  Text(out, kCentreX - kOut - 38, kCentreY + 5, "mark", "12288");
}

// One row: the colour, the shard, its part of the circle, and a bar against a tick at 1.00.
void DrawLegendRow(std::string& out, double x, double y, size_t index, ShardId id, double part,
                   double ratio) {
  out += fmt::format(
      "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"16\" height=\"16\" rx=\"4\" fill=\"{}\"/>\n", x,
      y - 13, Colour(index));
  Text(out, x + 26, y, "name", fmt::format("shard {}", id));
  Text(out, x + 190, y, "number", fmt::format("{:.2f}&#8201;%", part * 100));
  out += fmt::format(
      "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"8\" rx=\"2\" fill=\"{}\"/>\n",
      x + 208, y - 9, kBarWidth * std::min(ratio, 1.25) * 0.8, Colour(index));
  out += fmt::format("<path d=\"M{0:.1f} {1:.0f}v14\" stroke=\"#55554f\"/>\n",
                     x + 208 + kBarWidth * 0.8, y - 12);
  Text(out, x + 362, y, "number", ratio > 0 ? fmt::format("{:.2f}", ratio) : "-");
}

constexpr std::string_view kStyle =
    "<style>text{font-family:\"Helvetica Neue\",Helvetica,Arial,\"Liberation Sans\",sans-serif;"
    "fill:#33332f}"
    ".title{font-size:30px;font-weight:600}.mark{font-size:14px;text-anchor:middle;fill:#7a7a74}"
    ".big{font-size:46px;font-weight:600;text-anchor:middle}"
    ".under{font-size:17px;text-anchor:middle;fill:#7a7a74}"
    ".head{font-size:14px;text-anchor:end;fill:#7a7a74}.name{font-size:16px}"
    ".number{font-size:16px;text-anchor:end;font-variant-numeric:tabular-nums}</style>\n";

}  // namespace

std::string DrawRing(const ShardList& shards, uint32_t vnodes) {
  const HashRing ring(shards, vnodes);
  const auto arcs = ArcsOf(ring);
  double total_weight = 0;
  for (const auto& shard : shards) total_weight += shard.weight;

  const size_t shown = std::min(shards.size(), kRowsMax);
  const size_t columns = std::max<size_t>(1, (shown + kRows - 1) / kRows);
  const size_t width = kLegendX + columns * kColumn + 20;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>The ring of {2} shards</title>\n{3}"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fcfcf9\"/>\n",
      width, kHeight, shards.size(), kStyle);

  double largest = 0;
  std::string legend;
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto [id, weight] = shards[i];
    double part = 0;
    if (const auto at = arcs.find(id); at != arcs.end()) {
      std::string path;
      for (const Arc arc : at->second) {
        part += arc.to - arc.from;
        AppendArc(path, arc);
      }
      out += fmt::format(
          "<path fill=\"{}\" d=\"{}\"><title>shard {}: {:.2f} % of the circle</title></path>\n",
          Colour(i), path, id, part * 100);
    }
    const double ratio = weight == 0 ? 0 : part * total_weight / weight;
    largest = std::max(largest, ratio);
    if (i >= shown) continue;
    const size_t column = i / kRows;
    const double x = kLegendX + static_cast<double>(column) * kColumn;
    DrawLegendRow(legend, x, kLegendY + 34 + static_cast<double>(i % kRows) * kRow, i, id, part,
                  ratio);
  }
  DrawScale(out);
  Text(out, kCentreX, kCentreY - 22, "big", fmt::format("{}", shards.size()));
  Text(out, kCentreX, kCentreY + 6, "under", shards.size() == 1 ? "shard" : "shards");
  Text(out, kCentreX, kCentreY + 44, "under",
       fmt::format("{} virtual node{}", ring.nodes().size(), ring.nodes().size() == 1 ? "" : "s"));
  Text(out, kCentreX, kCentreY + 68, "under", fmt::format("largest share {:.2f}", largest));

  Text(out, kLegendX, 84, "title", "Who owns the ring");
  for (size_t column = 0; column < columns; ++column) {
    const double x = kLegendX + static_cast<double>(column) * kColumn;
    Text(out, x + 190, kLegendY, "head", "of the circle");
    Text(out, x + 362, kLegendY, "head", "over fair share");
  }
  out += legend;
  if (shown < shards.size())
    Text(out, kLegendX, kLegendY + 34 + kRows * kRow + 10, "name",
         fmt::format("and {} more", shards.size() - shown));
  return out + "</svg>\n";
}

}  // namespace cloakroom
