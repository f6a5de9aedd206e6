#include "bench/load/options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "bench/load/process_stats.h"

namespace cloakroom::bench {
namespace {

constexpr uint64_t kKeysMax = 1'000'000'000;
constexpr uint64_t kCountMax = 1'000'000'000'000;
constexpr uint32_t kClientsMax = 20'000;
constexpr uint32_t kPipelineMax = 1'000'000;
constexpr double kSecondsMax = 86'400;

/// A range check whose message says the range in full digits.
CLI::Validator Between(uint64_t low, uint64_t high) {
  return CLI::Validator(
      [low, high](std::string& text) -> std::string {
        uint64_t value = 0;
        if (text.starts_with('-') || !CLI::detail::lexical_cast(text, value) || value < low ||
            value > high)
          return fmt::format("'{}' is not a whole number from {} to {}", text, low, high);
        return {};
      },
      fmt::format("{}..{}", low, high));
}

CLI::Validator Positive(double high) {
  return CLI::Validator(
      [high](std::string& text) -> std::string {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value) || !(value > 0) || value > high)
          return fmt::format("'{}' is not a number above 0 and up to {:.0f}", text, high);
        return {};
      },
      fmt::format("0..{:.0f}", high));
}

CLI::Validator OneOf(std::vector<std::string> names) {
  return CLI::Validator(
      [names](std::string& text) -> std::string {
        if (std::find(names.begin(), names.end(), text) != names.end()) return {};
        return fmt::format("'{}' is none of: {}", text, CLI::detail::join(names, ", "));
      },
      fmt::format("{}", CLI::detail::join(names, "|")));
}

void AddTargetOptions(CLI::App& app, Options& options) {
  app.add_option("--host", options.endpoint.host, "Where the server is")->capture_default_str();
  app.add_option("--port", options.endpoint.port, "Its port")
      ->check(Between(1, 65535))
      ->capture_default_str();
  app.add_option("--unix", options.endpoint.unix_path, "Its unix socket, instead of host and port");
  app.add_option("--auth", options.endpoint.auth, "Password, or 'user password'");
  app.add_option("--server-pid", options.server,
                 "Process id of the server: reports its processor time and memory")
      ->check(Between(1, 1 << 30));
}

void AddLoadOptions(CLI::App& app, Options& options, std::string& sending) {
  app.add_option("--workload", options.workload, "What to send")
      ->check(OneOf(WorkloadNames()))
      ->capture_default_str();
  app.add_option("--clients", options.clients, "Connections")
      ->check(Between(1, kClientsMax))
      ->capture_default_str();
  app.add_option("--pipeline", options.pipeline, "Requests under way at once on each connection")
      ->check(Between(1, kPipelineMax))
      ->capture_default_str();
  app.add_option(
         "--send", sending,
         "batch: the next requests when all of the last were answered; window: each as soon "
         "as one was answered, so that the pipeline stays full")
      ->check(OneOf({"batch", "window"}))
      ->capture_default_str();
  app.add_option(
         "--requests", options.requests,
         "How many requests to measure; a login flow counts as one (default: 100000, unless "
         "there is a --duration)")
      ->check(Between(1, kCountMax));
  app.add_flag("--await-each", options.await_each,
               "Each command waits for the reply to the one before, also within a transaction, as "
               "blocking clients without pipelines do");
  app.add_option("--duration", options.duration_seconds, "How many seconds to measure")
      ->check(Positive(kSecondsMax));
  app.add_option("--rate", options.rate,
                 "Open loop: so many requests begin each second, whatever the server does, and "
                 "latencies count from when they were due")
      ->check(Positive(1e7));
  app.add_option("--warmup", options.warmup, "Requests to send before measuring")
      ->check(Between(1, kCountMax));
  app.add_flag("--preload", options.preload,
               "First fill every key exactly once; session-get and session-mix do it by themselves "
               "unless they are given --tokens");
  app.add_flag("--preload-only", options.preload_only, "Fill every key exactly once, then end");
  app.add_option("--tokens", options.token_file,
                 "File for the tokens of session-get and session-mix: written by a preload, read "
                 "without one");
}

void AddDataOptions(CLI::App& app, Options& options, std::string& distribution) {
  WorkloadOptions& load = options.load;
  app.add_option("--keys", load.keys, "Keys, or sessions")
      ->check(Between(1, kKeysMax))
      ->capture_default_str();
  app.add_option("--distribution", distribution,
                 "How keys are picked: sequence takes each in turn, half each of a random half")
      ->check(OneOf({"uniform", "zipf", "sequence", "half"}))
      ->capture_default_str();
  app.add_option("--zipf-exponent", load.zipf_exponent, "How uneven zipf is")
      ->check(Positive(10))
      ->capture_default_str();
  app.add_option("--first-key", load.first_key,
                 "Number of the first key, for other keys than an earlier run had; strings only")
      ->check(Between(0, kCountMax))
      ->capture_default_str();
  app.add_option("--value-size", load.value_bytes, "Bytes of a value")
      ->check(Between(1, TextPool::kBytesMax))
      ->capture_default_str();
  app.add_option("--value-size-max", load.value_bytes_max,
                 "Sizes are drawn from --value-size up to this (default: all the same)")
      ->check(Between(1, TextPool::kBytesMax));
  app.add_option("--field-size", load.field_bytes,
                 "Bytes of each field of a session (default: six fields of a small web session, "
                 "112 bytes with their names)")
      ->check(Between(1, TextPool::kBytesMax));
  app.add_option("--field-count", load.field_count, "Fields of a session, with --field-size")
      ->check(Between(1, 100))
      ->capture_default_str();
  app.add_option("--user-agent-size", load.user_agent_bytes,
                 "Bytes of the user agent that each session has, random like all values")
      ->check(Between(0, TextPool::kBytesMax));
  app.add_option("--sessions-per-user", load.sessions_per_user, "Sessions of each user")
      ->check(Between(1, kKeysMax))
      ->capture_default_str();
  app.add_option("--expire", load.expire_seconds,
                 "Seconds that keys and sessions live (default: keys for ever, sessions 1800)")
      ->check(Between(1, 315'360'000));
  app.add_option("--expire-at", load.expire_at_ms,
                 "One deadline for all keys, in unix milliseconds; strings only")
      ->check(Between(1, kCountMax * 100));
  app.add_option("--seed", load.seed, "Seed of all that is random")
      ->check(Between(0, UINT64_MAX))
      ->capture_default_str();
}

void AddOutputOptions(CLI::App& app, Options& options) {
  app.add_option("--json", options.json_file,
                 "Write the result to this file; - is standard output");
  app.add_option("--svg", options.svg_file, "Plot latency by percentile to this file");
  app.add_flag("--quiet", options.quiet, "No table and no progress, only errors");
  app.add_flag("--progress", options.progress, "A progress line each second, also to no terminal");
}

/// Whether the workload uses sessions that were there before, by the tokens that they got.
bool ShowsTokens(const Options& options) {
  return options.workload == "session-get" || options.workload == "session-mix";
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  CLI::App app("Puts load on a server that speaks RESP, and says how it bore it",
               "cloakroom-bench");
  std::string distribution = "uniform";
  std::string sending = "batch";
  AddTargetOptions(app, options);
  AddLoadOptions(app, options, sending);
  AddDataOptions(app, options, distribution);
  AddOutputOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
    return parsed;
  }
  if (distribution == "zipf") options.load.distribution = Distribution::kZipf;
  if (distribution == "sequence") options.load.distribution = Distribution::kSequence;
  if (distribution == "half") options.load.distribution = Distribution::kHalf;
  if (sending == "window") options.sending = Sending::kWindow;
  // Only a preload can tell which tokens the server minted, unless an earlier one wrote them down.
  if (options.preload_only || (ShowsTokens(options) && options.token_file.empty()))
    options.preload = true;
  if (options.requests == 0 && options.duration_seconds == 0) options.requests = 100'000;
  return parsed;
}

Result<void> CheckOptions(const Options& options) {
  const WorkloadOptions& load = options.load;
  const bool pings = options.workload == "ping";
  const bool strings = options.workload == "get" || options.workload == "set";
  if (options.requests != 0 && options.duration_seconds != 0)
    return Fail(Code::kInvalid, "--requests and --duration exclude each other");
  if (pings && options.preload)
    return Fail(Code::kInvalid, "--preload: the workload ping has no keys to fill");
  if (!strings && (load.first_key != 0 || load.expire_at_ms != 0 || load.value_bytes_max != 0))
    return Fail(Code::kInvalid,
                "--first-key, --expire-at and --value-size-max: only get and set know them");
  if (load.expire_at_ms != 0 && load.expire_seconds != 0)
    return Fail(Code::kInvalid, "--expire and --expire-at exclude each other");
  if (load.value_bytes_max != 0 && load.value_bytes_max < load.value_bytes)
    return Fail(Code::kInvalid, "--value-size-max {} is below --value-size {}",
                load.value_bytes_max, load.value_bytes);
  if (options.rate > 0 && options.sending == Sending::kWindow)
    return Fail(Code::kInvalid, "--send window: with --rate the schedule says when to send");
  if (!options.token_file.empty() && !ShowsTokens(options))
    return Fail(Code::kInvalid, "--tokens: only session-get and session-mix show minted tokens");
  if (options.preload_only && (!options.json_file.empty() || !options.svg_file.empty()))
    return Fail(Code::kInvalid, "--preload-only measures nothing to write to --json or --svg");
  if (options.server && !SampleProcess(*options.server))
    return Fail(Code::kInvalid, "--server-pid {}: no such process here", *options.server);
  return {};
}

}  // namespace cloakroom::bench
