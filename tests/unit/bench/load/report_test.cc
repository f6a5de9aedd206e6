#include "bench/load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cloakroom::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

StageResult Sample() {
  StageResult result;
  result.flows = result.steps = 1000;
  result.commands = result.replies = 4000;
  result.elapsed_ns = 2'000'000'000;
  result.own_cpu_ns = 500'000'000;
  for (uint64_t i = 1; i <= 1000; ++i) result.latency.Record(i * 1000, 1);
  result.server_before = ProcessSample{1'000'000, 1 << 20};
  result.server_after = ProcessSample{9'000'000, 3 << 20};
  result.CountError("NOSESSION no such session");
  result.CountError("NOSESSION no such session");
  return result;
}

TEST(ReportTest, JsonHasTheFiguresInTheirUnits) {
  const auto json = nlohmann::json::parse(ReportJson({}, Sample()));
  EXPECT_EQ(json["requests"], 1000);
  EXPECT_EQ(json["requests_per_second"], 500);
  EXPECT_EQ(json["commands_per_second"], 2000);
  EXPECT_EQ(json["own_cpu_percent"], 25);
  EXPECT_EQ(json["server"]["cpu_us_per_command"], 2);
  EXPECT_EQ(json["server"]["cpu_us_per_request"], 8);
  EXPECT_EQ(json["server"]["rss_bytes_after"], 3 << 20);
  EXPECT_NEAR(json["latency_us"]["p50"].get<double>(), 500, 3);
  EXPECT_EQ(json["latency_us"]["max"], 1000);
  EXPECT_EQ(json["errors"]["NOSESSION no such session"], 2);
  EXPECT_EQ(json["curve_us"].back()[0], 1);
}

TEST(ReportTest, TheTableNamesEachError) {
  const std::string table = ReportTable({}, Sample());
  EXPECT_THAT(table, HasSubstr("2 x NOSESSION no such session"));
  EXPECT_THAT(table, HasSubstr("server CPU us a command"));
  StageResult blind = Sample();
  blind.server_after.reset();
  EXPECT_THAT(ReportTable({}, blind), Not(HasSubstr("server CPU")));
}

// A server can put anything into its messages; the JSON must stay one.
TEST(ReportTest, MessagesThatAreNoTextStayJson) {
  StageResult result = Sample();
  result.CountError("ERR \xff\xfe\"\n");
  EXPECT_FALSE(nlohmann::json::parse(ReportJson({}, result), nullptr, false).is_discarded());
}

// Messages that name a key would otherwise be as many as the requests.
TEST(ReportTest, ErrorsOfManyMessagesAreCountedTogether) {
  StageResult result;
  for (int i = 0; i < 1000; ++i) result.CountError(fmt::format("ERR key {}", i));
  EXPECT_LE(result.errors.size(), 101u);
  EXPECT_EQ(result.ErrorCount(), 1000u);
}

TEST(ReportTest, ThePlotIsOfAnyHistogram) {
  for (const std::string& plot :
       {LatencyPlot("a < b & c", Sample().latency), LatencyPlot("empty", {})}) {
    EXPECT_THAT(plot, HasSubstr("<svg "));
    EXPECT_THAT(plot, HasSubstr("</svg>"));
    EXPECT_THAT(plot, Not(HasSubstr("nan")));
    EXPECT_THAT(plot, Not(HasSubstr("inf")));
  }
  EXPECT_THAT(LatencyPlot("a < b & c", Sample().latency), HasSubstr("a &lt; b &amp; c"));
}

}  // namespace
}  // namespace cloakroom::bench
