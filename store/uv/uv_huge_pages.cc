#include "store/uv/uv_huge_pages.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/base/check.h"
#include "store/base/chunk_arena.h"

namespace cloakroom {
namespace {

// Filling a page takes 0.4 ms: so the loop spends a fiftieth of its time on it at most.
constexpr TimeMs kPauseMs = 20;
// The kernel has no huge pages to give, or may not give them: it is asked again in a while.
constexpr TimeMs kRefusedMs = 5000;
constexpr int kLowPriority = 19;

// Whether the whole of what was touched at its first byte is there.
bool IsHuge(char* page) {
  unsigned char there = 0;
  constexpr size_t kLast = ChunkArena::kRegionBytes - 4096;
  return mincore(page + kLast, 4096, &there) == 0 && (there & 1) != 0;
}

}  // namespace

UvHugePages::UvHugePages(UvLoop& loop)
    : timer_(loop.MakeTimer([this] { Make(); })), made_(new uv_async_t) {
  CHECK(uv_async_init(loop.raw(), made_, OnMade) == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(made_));
  made_->data = this;
  ChunkArena::Get().OnWantsHugePage([this] { Ask(); });
}

UvHugePages::~UvHugePages() {
  ChunkArena::Get().OnWantsHugePage(nullptr);
  if (page_ != nullptr) {
    CHECK(uv_thread_join(&thread_) == 0);
    CHECK(munmap(page_, ChunkArena::kRegionBytes) == 0);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(made_),
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_async_t*>(closed); });
}

void UvHugePages::Ask() {
  if (busy_) return;
  busy_ = true;
  timer_->Start(kPauseMs);
}

void UvHugePages::Make() {
  page_ = static_cast<char*>(ChunkArena::MapForHugePage());
  constexpr uv_thread_options_t kOptions = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                            .stack_size = 64 << 10};
  if (uv_thread_create_ex(&thread_, &kOptions, OnThread, this) == 0) return;
  is_huge_ = false;  // no thread to be had: as if the kernel had refused
  Finish();
}

void UvHugePages::OnThread(void* self) {
  auto* const pages = static_cast<UvHugePages*>(self);
  (void)setpriority(PRIO_PROCESS, 0, kLowPriority);  // in Linux: of this thread
  *static_cast<volatile char*>(pages->page_) = 0;
  pages->is_huge_ = IsHuge(pages->page_);
  uv_async_send(pages->made_);
}

void UvHugePages::OnMade(uv_async_t* made) {
  auto* const pages = static_cast<UvHugePages*>(made->data);
  CHECK(uv_thread_join(&pages->thread_) == 0);
  pages->Finish();
}

void UvHugePages::Finish() {
  char* const page = page_;
  page_ = nullptr;
  if (is_huge_)
    ChunkArena::Get().PutOnHugePage(page);
  else
    CHECK(munmap(page, ChunkArena::kRegionBytes) == 0);
  busy_ = ChunkArena::Get().WantsHugePage();
  if (busy_) timer_->Start(is_huge_ ? kPauseMs : kRefusedMs);
}

}  // namespace cloakroom
