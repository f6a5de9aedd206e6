#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "bench/load/latency_histogram.h"
#include "bench/load/process_stats.h"
#include "bench/load/workload.h"

namespace cloakroom::bench {

/// When a client sends its next steps.
enum class Sending : uint8_t {
  kBatch,   // when all lanes of the connection were answered, as redis-benchmark does
  kWindow,  // each lane as soon as it was answered: the pipeline is always full
};

/// One stage of a run: what to send, how much of it and how fast.
struct StagePlan {
  std::string name;  // for the progress line
  Workload* workload = nullptr;
  Sending sending = Sending::kBatch;
  bool await_each = false;   // within a step too, a command waits for the reply to the one before
  uint64_t flows = 0;        // 0: no limit
  uint64_t duration_ns = 0;  // 0: no limit; flows under way at its end are finished
  double rate = 0;           // flows a second, an open loop; 0: a closed one
};

/// What a stage did.
struct StageResult {
  LatencyHistogram latency;  // of each step, in nanoseconds
  uint64_t flows = 0;        // that were finished
  uint64_t steps = 0;
  uint64_t commands = 0;
  uint64_t replies = 0;
  uint64_t misses = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t elapsed_ns = 0;
  uint64_t own_cpu_ns = 0;
  std::optional<ProcessSample> server_before;
  std::optional<ProcessSample> server_after;
  std::map<std::string, uint64_t> errors;  // how often, by message

  [[nodiscard]] uint64_t ErrorCount() const;
  void CountError(std::string_view message);
};

}  // namespace cloakroom::bench
