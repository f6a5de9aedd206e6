#include "bench/load/process_stats.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

namespace cloakroom::bench {
namespace {

std::optional<std::string> ReadText(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Time on a processor of one thread, from its schedstat: the first of three numbers.
std::optional<uint64_t> ThreadCpuNs(const std::string& folder) {
  const std::optional<std::string> text = ReadText(folder + "/schedstat");
  unsigned long long ns = 0;
  if (!text || std::sscanf(text->c_str(), "%llu", &ns) != 1) return std::nullopt;
  return ns;
}

/// Of all threads that live. What ended threads used is not in it.
std::optional<uint64_t> ThreadsCpuNs(const std::string& process) {
  const auto close = [](DIR* dir) { closedir(dir); };
  const std::unique_ptr<DIR, decltype(close)> tasks(opendir((process + "/task").c_str()), close);
  if (!tasks) return std::nullopt;
  uint64_t total = 0;
  while (const dirent* entry = readdir(tasks.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto ns = ThreadCpuNs(fmt::format("{}/task/{}", process, entry->d_name));
    if (!ns) return std::nullopt;
    total += *ns;
  }
  return total == 0 ? std::nullopt : std::optional(total);
}

/// User and kernel time from stat, in clock ticks: fields 14 and 15, counted after the name.
std::optional<uint64_t> CoarseCpuNs(const std::string& process) {
  const std::optional<std::string> text = ReadText(process + "/stat");
  if (!text) return std::nullopt;
  unsigned long long user = 0;
  unsigned long long system = 0;
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos ||
      std::sscanf(text->c_str() + name_end + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
    return std::nullopt;
  return (user + system) * (1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
}

uint64_t ToNs(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1000;
}

}  // namespace

std::optional<ProcessSample> SampleProcess(pid_t pid) {
  const std::string process = fmt::format("/proc/{}", pid);
  std::optional<uint64_t> cpu_ns = ThreadsCpuNs(process);
  if (!cpu_ns) cpu_ns = CoarseCpuNs(process);
  const std::optional<std::string> pages = ReadText(process + "/statm");
  unsigned long long resident = 0;
  if (!cpu_ns || !pages || std::sscanf(pages->c_str(), "%*u %llu", &resident) != 1)
    return std::nullopt;
  return ProcessSample{*cpu_ns, resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))};
}

uint64_t OwnCpuNs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return ToNs(usage.ru_utime) + ToNs(usage.ru_stime);
}

}  // namespace cloakroom::bench
