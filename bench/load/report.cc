#include "bench/load/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace cloakroom::bench {
namespace {

constexpr double kMiB = 1 << 20;

double Seconds(uint64_t ns) { return static_cast<double>(ns) / 1e9; }

double PerSecond(uint64_t count, uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(count) / Seconds(ns);
}

double OwnCpuPercent(const StageResult& result) {
  return result.elapsed_ns == 0 ? 0
                                : 100 * static_cast<double>(result.own_cpu_ns) /
                                      static_cast<double>(result.elapsed_ns);
}

/// Microseconds of the server's processor time for each of `count`; 0 when there were none.
double ServerMicros(const StageResult& result, uint64_t count) {
  if (count == 0) return 0;
  const uint64_t ns = result.server_after->cpu_ns - result.server_before->cpu_ns;
  return static_cast<double>(ns) / 1e3 / static_cast<double>(count);
}

void Line(std::string& out, std::string_view name, const std::string& value) {
  out += fmt::format("{:<28}{:>16}\n", name, value);
}

}  // namespace

std::string ReportTable(const Options& options, const StageResult& result) {
  std::string out;
  Line(out, "workload", options.workload);
  Line(out, "clients x pipeline", fmt::format("{} x {}", options.clients, options.pipeline));
  Line(out, "requests", fmt::format("{}", result.flows));
  if (result.commands != result.flows) Line(out, "commands", fmt::format("{}", result.commands));
  Line(out, "seconds", fmt::format("{:.2f}", Seconds(result.elapsed_ns)));
  Line(out, "requests a second", fmt::format("{:.0f}", PerSecond(result.flows, result.elapsed_ns)));
  if (result.commands != result.flows)
    Line(out, "commands a second",
         fmt::format("{:.0f}", PerSecond(result.commands, result.elapsed_ns)));
  for (const auto& [name, share] :
       {std::pair{"latency p50 us", 0.5}, std::pair{"latency p90 us", 0.9},
        std::pair{"latency p99 us", 0.99}, std::pair{"latency p99.9 us", 0.999}})
    Line(out, name, fmt::format("{:.1f}", result.latency.AtShare(share) / 1e3));
  Line(out, "latency max us",
       fmt::format("{:.1f}", static_cast<double>(result.latency.max_ns()) / 1e3));
  Line(out, "own CPU %", fmt::format("{:.0f}", OwnCpuPercent(result)));
  if (result.server_before && result.server_after) {
    Line(out, "server CPU us a command",
         fmt::format("{:.3f}", ServerMicros(result, result.commands)));
    if (result.commands != result.flows)
      Line(out, "server CPU us a request",
           fmt::format("{:.3f}", ServerMicros(result, result.flows)));
    Line(out, "server RSS MiB",
         fmt::format("{:.1f}", static_cast<double>(result.server_after->rss_bytes) / kMiB));
  }
  Line(out, "not found", fmt::format("{}", result.misses));
  Line(out, "errors", fmt::format("{}", result.ErrorCount()));
  for (const auto& [message, times] : result.errors)
    out += fmt::format("  {} x {}\n", times, message);
  return out;
}

std::string ReportJson(const Options& options, const StageResult& result) {
  nlohmann::ordered_json json;
  json["workload"] = options.workload;
  json["clients"] = options.clients;
  json["pipeline"] = options.pipeline;
  json["keys"] = options.load.keys;
  json["requests"] = result.flows;
  json["steps"] = result.steps;
  json["commands"] = result.commands;
  json["replies"] = result.replies;
  json["misses"] = result.misses;
  json["seconds"] = Seconds(result.elapsed_ns);
  json["requests_per_second"] = PerSecond(result.flows, result.elapsed_ns);
  json["commands_per_second"] = PerSecond(result.commands, result.elapsed_ns);
  json["bytes_sent"] = result.bytes_sent;
  json["bytes_received"] = result.bytes_received;
  json["own_cpu_percent"] = OwnCpuPercent(result);
  auto& latency = json["latency_us"];
  latency["count"] = result.latency.count();
  latency["mean"] = result.latency.MeanNs() / 1e3;
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, std::pair{"p90", 0.9},
                                    std::pair{"p99", 0.99}, std::pair{"p99.9", 0.999}})
    latency[name] = result.latency.AtShare(share) / 1e3;
  latency["max"] = static_cast<double>(result.latency.max_ns()) / 1e3;
  auto& server = json["server"];
  if (result.server_before && result.server_after) {
    server["cpu_us_per_command"] = ServerMicros(result, result.commands);
    server["cpu_us_per_request"] = ServerMicros(result, result.flows);
    server["rss_bytes_before"] = result.server_before->rss_bytes;
    server["rss_bytes_after"] = result.server_after->rss_bytes;
  }
  json["errors"] = result.errors;
  auto& curve = json["curve_us"];
  curve = nlohmann::ordered_json::array();
  for (const LatencyHistogram::Point& point : result.latency.Curve())
    curve.push_back({point.share, point.ns / 1e3});
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cloakroom::bench
