#pragma once

#include <atomic>
#include <memory>

#include "store/uv/uv_loop.h"

namespace cloakroom {

/// Keeps a huge page ready for the next region of the ChunkArena. Where the machine has not touched
/// the memory before, to make one takes the kernel 4 ms and more, so a thread of its own does that;
/// the loop only hands it over.
class UvHugePages {
 public:
  explicit UvHugePages(UvLoop& loop);
  /// Waits for the thread, which may be at work on a page.
  ~UvHugePages();
  UvHugePages(const UvHugePages&) = delete;
  UvHugePages& operator=(const UvHugePages&) = delete;

 private:
  void Ask();
  void Make();
  static void OnThread(void* self);
  static void OnMade(uv_async_t* made);
  void Finish();

  std::unique_ptr<Timer> timer_;  // runs until the kernel is asked again after a refusal
  uv_async_t* made_;              // libuv's until it has closed it
  uv_sem_t wanted_{};             // wakes the thread
  uv_thread_t thread_{};
  bool has_thread_ = false;
  std::atomic<bool> ends_ = false;
  bool busy_ = false;     // the timer runs, or a page is in the making
  char* page_ = nullptr;  // in the making: the thread's, until it has told of it
  bool is_huge_ = false;
};

}  // namespace cloakroom
