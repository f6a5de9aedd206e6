#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace cloakroom::bench {

/// What the kernel says of a process, all its threads together.
struct ProcessSample {
  uint64_t cpu_ns = 0;     // time on a processor, user and kernel
  uint64_t rss_bytes = 0;  // resident memory
};

/// Reads /proc/`pid`: the schedstat of each thread (nanoseconds), or where the kernel keeps none,
/// stat (hundredths of a second). nullopt: there is no such process.
[[nodiscard]] std::optional<ProcessSample> SampleProcess(pid_t pid);

/// The processor time of this process so far, user and kernel.
[[nodiscard]] uint64_t OwnCpuNs();

}  // namespace cloakroom::bench
