#pragma once

#include <string>

#include "bench/load/options.h"
#include "bench/load/stage.h"

namespace cloakroom::bench {

/// The table that a person reads.
[[nodiscard]] std::string ReportTable(const Options& options, const StageResult& result);

/// The same for programs: one JSON object, with the curve of percentiles.
[[nodiscard]] std::string ReportJson(const Options& options, const StageResult& result);

/// The curve of percentiles as an SVG picture: shares on a logarithmic axis that widens towards
/// 100 %, latencies on a logarithmic one.
[[nodiscard]] std::string LatencyPlot(const std::string& title, const LatencyHistogram& latency);

}  // namespace cloakroom::bench
