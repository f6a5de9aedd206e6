#include "redis_compat/modules/memory_doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "redis_compat/modules/info.h"

namespace cloakroom {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kTooLittle = 5 * kMiB;   // used; with less nothing can be told
constexpr double kPeakRatio = 1.5;          // of what is used now
constexpr double kWasteRatio = 1.25;        // of pages over what lies on them
constexpr uint64_t kWasteMin = 10 * kMiB;   // less is no matter
constexpr uint64_t kClientMax = 200 << 10;  // of each, on average
constexpr double kNearLimit = 0.9;
constexpr double kOverLimit = 1.01;       // eviction keeps memory about at its limit
constexpr double kManyTombstones = 0.1;   // of maxmemory
constexpr double kSlabFillMin = 0.8;      // compacting keeps it above 0.9, given time
constexpr double kCgroupHeadroom = 0.85;  // of a control group's limit, for maxmemory

/// Pages are wasted, and enough of them to matter.
bool Wastes(uint64_t held, uint64_t wanted) {
  return Ratio(held, wanted) > kWasteRatio && held - wanted > kWasteMin;
}

void CheckPeak(const MemoryMetrics& process, std::string& findings) {
  if (Ratio(process.peak, process.used) <= kPeakRatio) return;
  findings += fmt::format(
      " * Peak: {} were in use once, {} are now. Where the ratio below is high, that is where it "
      "comes from; MEMORY PURGE gives back what is free.\n\n",
      HumanBytes(process.peak), HumanBytes(process.used));
}

void CheckFragmentation(const MemoryFigures& figures, std::string& findings) {
  const MemoryMetrics& process = figures.process;
  if (Wastes(process.allocator_active, process.allocator_allocated))
    findings += fmt::format(
        " * Allocator fragmentation: {} of pages hold {}. Large values of changing sizes do that; "
        "small ones are compacted.\n\n",
        HumanBytes(process.allocator_active), HumanBytes(process.allocator_allocated));
  if (Wastes(process.allocator_resident, process.allocator_active))
    findings += fmt::format(
        " * Free pages: the allocator holds {} and needs {}. They go back within seconds; MEMORY "
        "PURGE returns them now.\n\n",
        HumanBytes(process.allocator_resident), HumanBytes(process.allocator_active));
  if (Wastes(process.resident, process.allocator_resident))
    findings += fmt::format(
        " * Process overhead: {} are resident, the allocator holds {}. Transparent huge pages or "
        "memory outside the allocator may be the reason.\n\n",
        HumanBytes(process.resident), HumanBytes(process.allocator_resident));
  const uint64_t slabs = figures.slab_bytes();
  const uint64_t used = figures.slab_used_bytes();
  if (slabs - std::min(slabs, used) > kWasteMin && Ratio(used, slabs) < kSlabFillMin)
    findings += fmt::format(
        " * Sparse slabs: {} of pages hold {} of entries, as after many deletes. They are being "
        "compacted in slices; look again in a while.\n\n",
        HumanBytes(slabs), HumanBytes(used));
  if (figures.going > kWasteMin)
    findings += fmt::format(
        " * Freeing: {} belong to what was deleted or flushed, and come back in slices.\n\n",
        HumanBytes(figures.going));
}

void CheckClients(const MemoryFigures& figures, const ServerMetrics& metrics,
                  std::string& findings) {
  const uint64_t clients = std::max<uint64_t>(1, metrics.connected_clients);
  if (figures.process.clients / clients <= kClientMax) return;
  findings += fmt::format(
      " * Client buffers: {} clients hold {}. Some may not read their replies: look at tot-mem in "
      "CLIENT LIST, and consider maxmemory-clients or client-output-buffer-limit.\n\n",
      clients, HumanBytes(figures.process.clients));
}

void CheckLimits(const MemoryFigures& figures, std::string& findings) {
  const MemoryMetrics& process = figures.process;
  const uint64_t counted = process.used - std::min(process.used, figures.going);
  if (figures.limit > 0 && Ratio(counted, figures.limit) > kOverLimit)
    findings += fmt::format(
        " * Over the limit: {} are in use, and maxmemory is {}. Writes that take memory are "
        "refused, "
        "or entries evicted, as maxmemory-policy says.\n\n",
        HumanBytes(counted), HumanBytes(figures.limit));
  else if (figures.limit > 0 && Ratio(counted, figures.limit) > kNearLimit)
    findings += fmt::format(
        " * Near the limit: {} of maxmemory's {} are in use. Soon writes will be refused, or "
        "entries evicted, as maxmemory-policy says.\n\n",
        HumanBytes(counted), HumanBytes(figures.limit));
  if (figures.limit > 0 && Ratio(figures.tombstones, figures.limit) > kManyTombstones)
    findings += fmt::format(
        " * Tombstones: {} are about what ended sessions have left, so that nobody puts their "
        "tokens "
        "again. They go by themselves; a shorter tombstone of the policy keeps fewer.\n\n",
        HumanBytes(figures.tombstones));
  const uint64_t roof = process.cgroup_limit;
  if (roof == 0) return;
  if (figures.limit == 0 || Ratio(figures.limit, roof) > kCgroupHeadroom)
    findings += fmt::format(
        " * Control group: the kernel ends the process at {}, and maxmemory is {}. Set maxmemory "
        "to at most {}: fragmentation needs room too.\n\n",
        HumanBytes(roof), figures.limit == 0 ? "not set" : HumanBytes(figures.limit),
        HumanBytes(static_cast<uint64_t>(kCgroupHeadroom * static_cast<double>(roof))));
}

}  // namespace

std::string DiagnoseMemory(const MemoryFigures& figures, const ServerMetrics& metrics) {
  std::string findings;
  CheckLimits(figures, findings);
  if (figures.process.used < kTooLittle) {
    if (findings.empty())
      return "Less than 5 MB are in use: too little to judge memory by. Ask again when there is "
             "data.\n";
  } else {
    CheckPeak(figures.process, findings);
    CheckFragmentation(figures, findings);
    CheckClients(figures, metrics, findings);
  }
  if (findings.empty()) return "Nothing seems wrong with memory.\n";
  return "This was found about memory:\n\n" + findings;
}

}  // namespace cloakroom
