#pragma once

#include <memory>

#include "store/uv/uv_loop.h"

namespace cloakroom {

/// Puts full regions of the ChunkArena on huge pages, one after another and with pauses. Where the
/// machine has not touched the memory before, to make a huge page takes the kernel 4 ms and more,
/// so a thread of low priority does that, one for each page; the loop only fills it (0.4 ms,
/// between turns).
class UvHugePages {
 public:
  explicit UvHugePages(UvLoop& loop);
  /// Waits for the thread, should there be one.
  ~UvHugePages();
  UvHugePages(const UvHugePages&) = delete;
  UvHugePages& operator=(const UvHugePages&) = delete;

 private:
  void Ask();
  void Make();
  static void OnThread(void* self);
  static void OnMade(uv_async_t* made);
  void Finish();

  std::unique_ptr<Timer> timer_;  // runs until the next page is to be made
  uv_async_t* made_;              // libuv's until it has closed it
  uv_thread_t thread_{};
  bool busy_ = false;     // the timer runs, or a page is in the making
  char* page_ = nullptr;  // in the making: the thread's, until it has told of it
  bool is_huge_ = false;
};

}  // namespace cloakroom
