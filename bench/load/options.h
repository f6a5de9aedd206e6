#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "bench/load/client.h"
#include "bench/load/stage.h"
#include "bench/load/workload.h"

namespace cloakroom::bench {

/// All that the command line says.
struct Options {
  Endpoint endpoint;
  std::string workload = "get";
  WorkloadOptions load;
  uint32_t clients = 50;
  uint32_t pipeline = 1;
  Sending sending = Sending::kBatch;
  bool await_each = false;
  uint64_t requests = 0;  // 0: none given
  double duration_seconds = 0;
  double rate = 0;
  uint64_t warmup = 0;
  bool preload = false;
  bool preload_only = false;
  std::string token_file;
  std::optional<pid_t> server;
  std::string json_file;
  std::string svg_file;
  bool quiet = false;
  bool progress = false;
};

/// Reads the command line. Returns an exit code instead of options when there is nothing to run: 0
/// after --help, otherwise what was wrong has been said on standard error.
struct ParsedOptions {
  Options options;
  std::optional<int> exit_code;
};
[[nodiscard]] ParsedOptions ParseOptions(int argc, const char* const* argv);

/// What no single option can tell: which of them do not go together.
///   errors  kInvalid  names the options and why
[[nodiscard]] Result<void> CheckOptions(const Options& options);

}  // namespace cloakroom::bench
