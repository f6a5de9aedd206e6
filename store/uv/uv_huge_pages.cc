#include "store/uv/uv_huge_pages.h"

#include <sys/mman.h>

#include <fstream>
#include <utility>

#include "store/base/check.h"
#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

// The kernel has no huge pages to give, or may not give them: it is asked again in a while.
constexpr TimeMs kRefusedMs = 5000;
constexpr size_t kSmallPageBytes = 4096;

// Whether the whole of what was touched at its first byte is there.
bool IsHuge(char* page) {
  unsigned char there = 0;
  constexpr size_t kLast = ChunkArena::kRegionBytes - kSmallPageBytes;
  return mincore(page + kLast, kSmallPageBytes, &there) == 0 && (there & 1) != 0;
}

// How many mappings the system allows a process; 0: it does not tell.
size_t MappingsMax() {
  size_t mappings = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
  return mappings;
}

}  // namespace

UvHugePages::UvHugePages(UvLoop& loop)
    : timer_(loop.MakeTimer([this] { Make(); })), made_(new uv_async_t) {
  CHECK(uv_async_init(loop.raw(), made_, OnMade) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(made_));
  made_->data = this;
  CHECK(uv_sem_init(&wanted_, 0) == 0);
  constexpr uv_thread_options_t kOptions = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                            .stack_size = 64 << 10};
  has_thread_ = uv_thread_create_ex(&thread_, &kOptions, OnThread, this) == 0;
  if (!has_thread_) return;  // then all pages are small
  if (const size_t mappings = MappingsMax(); mappings != 0)
    ChunkArena::Get().set_mappings_max(mappings);
  ChunkArena::Get().OnWantsHugePage([this] { Ask(); });
}

UvHugePages::~UvHugePages() {
  ChunkArena::Get().OnWantsHugePage(nullptr);
  if (has_thread_) {
    ends_ = true;
    uv_sem_post(&wanted_);
    CHECK(uv_thread_join(&thread_) == 0);
  }
  if (page_ != nullptr) ChunkArena::UnmapHugePage(page_);
  uv_sem_destroy(&wanted_);
  uv_close(reinterpret_cast<uv_handle_t*>(made_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_async_t*>(closed); });
}

void UvHugePages::Ask() {
  if (busy_) return;
  busy_ = true;
  Make();
}

void UvHugePages::Make() {
  page_ = static_cast<char*>(ChunkArena::MapForHugePage());
  if (page_ != nullptr) return uv_sem_post(&wanted_);
  is_huge_ = false;  // no space to be had: as if the kernel had refused
  Finish();
}

// It touches every part: where the machine is a virtual one, its host too must find memory for
// each.
void UvHugePages::OnThread(void* self) {
  auto* const pages = static_cast<UvHugePages*>(self);
  for (;;) {
    uv_sem_wait(&pages->wanted_);
    if (pages->ends_) return;
    auto* const page = static_cast<volatile char*>(pages->page_);
    page[0] = 0;
    pages->is_huge_ = IsHuge(pages->page_);
    for (size_t at = 0; pages->is_huge_ && at < ChunkArena::kRegionBytes; at += kSmallPageBytes)
      page[at] = 0;
    uv_async_send(pages->made_);
  }
}

void UvHugePages::OnMade(uv_async_t* made) { static_cast<UvHugePages*>(made->data)->Finish(); }

void UvHugePages::Finish() {
  char* const page = std::exchange(page_, nullptr);
  if (is_huge_)
    ChunkArena::Get().AddHugePage(page);
  else if (page != nullptr)
    ChunkArena::UnmapHugePage(page);
  busy_ = !is_huge_;
  if (busy_) timer_->Start(kRefusedMs);
}

}  // namespace cloakroom
