#include "store/uv/uv_process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "store/base/chunk_arena.h"
#include "store/uv/cgroup.h"

// jemalloc's, when the program is linked with it; a build under a sanitizer is not.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_size,
                                             void* new_value, size_t new_size);
extern "C" __attribute__((weak)) void malloc_stats_print(void (*write)(void*, const char*),
                                                         void* out, const char* options);

namespace cloakroom {
namespace {

constexpr size_t kDirtyPagesIgnored = 256;  // what a server at work has always lying about

void RefreshFigures() {
  uint64_t epoch = 1;
  size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
}

}  // namespace

int UvProcess::id() const { return static_cast<int>(getpid()); }

size_t UvProcess::ResidentBytes() const {
  size_t bytes = 0;
  return uv_resident_set_memory(&bytes) == 0 ? bytes : 0;
}

size_t UvProcess::AllocatedBytes() const { return AllocatorFigures().allocated; }

// malloc's figures, and those of the chunks that tables have beside it.
Process::Allocator UvProcess::AllocatorFigures() const {
  const size_t used = ChunkArena::Get().used_bytes_beside_malloc();
  const size_t free = ChunkArena::Get().free_bytes();
  if (mallctl == nullptr) {
    const struct mallinfo2 info = mallinfo2();
    const size_t held = info.arena + info.hblkhd;
    return {info.uordblks + info.hblkhd + used, held + used, held + used + free};
  }
  RefreshFigures();
  const auto figure = [](const char* name) {
    size_t bytes = 0;
    size_t bytes_size = sizeof bytes;
    return mallctl(name, &bytes, &bytes_size, nullptr, 0) == 0 ? bytes : 0;
  };
  return {figure("stats.allocated") + used, figure("stats.active") + used,
          figure("stats.resident") + used + free};
}

std::string UvProcess::AllocatorReport() const {
  std::string report;
  if (malloc_stats_print == nullptr) return report;
  malloc_stats_print(
      [](void* out, const char* text) { static_cast<std::string*>(out)->append(text); }, &report,
      nullptr);
  return report;
}

size_t UvProcess::SystemMemoryBytes() const { return uv_get_total_memory(); }
size_t UvProcess::CgroupMemoryBytes() const { return CgroupMemoryLimit(""); }

std::string UvProcess::AllocatorName() const {
  if (mallctl == nullptr) return "libc";
  const char* version = "";
  size_t size = sizeof(void*);
  mallctl("version", &version, &size, nullptr, 0);
  const std::string_view text(version);
  return "jemalloc-" + std::string(text.substr(0, text.find('-')));
}

bool UvProcess::ReturnMemory() {
  if (mallctl == nullptr) return false;
  // The process has one arena (main.cc).
  mallctl("arena.0.decay", nullptr, nullptr, nullptr, 0);
  RefreshFigures();
  size_t dirty_pages = 0;
  size_t size = sizeof dirty_pages;
  const int failed = mallctl("stats.arenas.0.pdirty", &dirty_pages, &size, nullptr, 0);
  return failed == 0 && dirty_pages > kDirtyPagesIgnored;
}

void UvProcess::PurgeMemory() {
  ChunkArena::Get().PurgeAll();
  if (mallctl == nullptr) {
    malloc_trim(0);
    return;
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

size_t UvProcess::RaiseFileLimit(size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  rlimit raised{wanted, std::max<rlim_t>(wanted, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  raised = {std::min<rlim_t>(wanted, limit.rlim_max), limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace cloakroom
