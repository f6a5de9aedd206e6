// cloakroom-bench: puts load on a server that speaks RESP, and says how it bore it.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "bench/load/load_run.h"
#include "bench/load/options.h"
#include "bench/load/report.h"

namespace cloakroom::bench {
namespace {

constexpr int kExitErrors = 1;
constexpr int kExitUsage = 2;
constexpr uint32_t kPreloadPipeline = 16;

int Say(const std::string& message, int exit_code) {
  std::fprintf(stderr, "cloakroom-bench: %s\n", message.c_str());
  return exit_code;
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return {};
  }
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.flush();
  if (!file) return Fail(Code::kUnavailable, "cannot write '{}'", path);
  return {};
}

Result<void> WriteReports(const Options& options, const StageResult& result) {
  if (!options.quiet && options.json_file != "-")
    std::fputs(ReportTable(options, result).c_str(), stdout);
  if (!options.json_file.empty())
    TRY_VOID(WriteFile(options.json_file, ReportJson(options, result)));
  if (!options.svg_file.empty()) {
    const std::string title = fmt::format("{}: {} clients, pipeline {}", options.workload,
                                          options.clients, options.pipeline);
    TRY_VOID(WriteFile(options.svg_file, LatencyPlot(title, result.latency)));
  }
  return {};
}

/// Fails with the first errors of a stage that must have none.
Result<void> WithoutErrors(const std::string& stage, const StageResult& result) {
  if (result.errors.empty()) return {};
  const auto& [message, times] = *result.errors.begin();
  return Fail(Code::kUnavailable, "{}: {} errors, {} of them: {}", stage, result.ErrorCount(),
              times, message);
}

/// Fills all keys and finds the tokens that the measured stage will show.
Result<void> Prepare(const Options& options, const LoadRun::Setup& setup, WorkloadPair& pair,
                     WorkloadContext& context) {
  if (pair.needs_tokens) context.tokens = TokenTable(options.load.keys);
  if (!options.preload) {
    if (pair.needs_tokens) return context.tokens.Load(options.token_file);
    return {};
  }
  LoadRun::Setup filling = setup;
  filling.lanes = std::max(setup.lanes, kPreloadPipeline);
  LoadRun run(filling);
  TRY_VOID(run.Connect());
  const StagePlan plan{.name = "preload",
                       .workload = pair.preload.get(),
                       .sending = Sending::kBatch,
                       .flows = pair.preload->PreloadFlows()};
  TRY_VOID(WithoutErrors("preload", run.Run(plan)));
  if (run.interrupted()) return Fail(Code::kUnavailable, "interrupted during the preload");
  if (!options.token_file.empty()) return context.tokens.Save(options.token_file);
  return {};
}

Result<StageResult> Measure(const Options& options) {
  WorkloadContext context{options.load, {}, TokenTable(0)};
  TRY(WorkloadPair pair, MakeWorkload(options.workload, context));
  const LoadRun::Setup setup{
      .endpoint = options.endpoint,
      .clients = options.clients,
      .lanes = options.pipeline,
      .server = options.server,
      .progress = options.progress || (!options.quiet && isatty(STDERR_FILENO) != 0)};
  TRY_VOID(Prepare(options, setup, pair, context));
  if (options.preload_only) return StageResult();
  LoadRun run(setup);
  TRY_VOID(run.Connect());
  StagePlan plan{.name = "warmup",
                 .workload = pair.load.get(),
                 .sending = options.sending,
                 .await_each = options.await_each,
                 .flows = options.warmup};
  if (options.warmup > 0) TRY_VOID(WithoutErrors("warmup", run.Run(plan)));
  plan.name = options.workload;
  plan.flows = options.requests;
  plan.duration_ns = static_cast<uint64_t>(options.duration_seconds * 1e9);
  plan.rate = options.rate;
  return run.Run(plan);
}

int Main(int argc, const char* const* argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a server that is gone is an error of one write
  const ParsedOptions parsed = ParseOptions(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  const Options& options = parsed.options;
  if (const auto checked = CheckOptions(options); !checked)
    return Say(checked.error().message, kExitUsage);
  const auto result = Measure(options);
  if (!result) return Say(result.error().message, kExitErrors);
  if (options.preload_only) return 0;
  if (const auto written = WriteReports(options, *result); !written)
    return Say(written.error().message, kExitErrors);
  if (result->errors.empty()) return 0;
  return Say(fmt::format("{} errors", result->ErrorCount()), kExitErrors);
}

}  // namespace
}  // namespace cloakroom::bench

int main(int argc, char** argv) { return cloakroom::bench::Main(argc, argv); }
