#include "store/uv/uv_loop.h"

#include <sys/prctl.h>
#include <time.h>

#include <utility>

#include "store/base/check.h"

namespace cloakroom {
namespace {

// A handle on its own in memory: libuv holds on to it until its close callback.
template <typename Handle>
struct Owned {
  Handle handle{};
  std::function<void()> fire;

  explicit Owned(std::function<void()> call) : fire(std::move(call)) { handle.data = this; }

  static void Fire(Handle* handle) { static_cast<Owned*>(handle->data)->fire(); }

  void Close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<Owned*>(closed->data); });
  }
};

class UvTimer final : public Timer {
 public:
  UvTimer(uv_loop_t* loop, std::function<void()> fire)
      : owned_(new Owned<uv_timer_t>(std::move(fire))) {
    CHECK(uv_timer_init(loop, &owned_->handle) == 0);
  }
  ~UvTimer() override { owned_->Close(); }

  void Start(TimeMs delay_ms) override {
    uv_timer_start(&owned_->handle, Owned<uv_timer_t>::Fire, static_cast<uint64_t>(delay_ms), 0);
  }
  void Stop() override { uv_timer_stop(&owned_->handle); }

 private:
  Owned<uv_timer_t>* owned_;
};

void KeepAwake(uv_idle_t* /*handle*/) {}

void CloseRest(uv_handle_t* handle, void* /*arg*/) {
  if (uv_is_closing(handle) != 0) return;
  // Only signals are left: whoever made timers and streams has closed them.
  CHECK(handle->type == UV_SIGNAL);
  uv_close(handle,
           [](uv_handle_t* closed) { delete static_cast<Owned<uv_signal_t>*>(closed->data); });
}

}  // namespace

UvLoop::UvLoop() {
  CHECK(uv_loop_init(&loop_) == 0);
  CHECK(uv_check_init(&loop_, &check_) == 0);
  CHECK(uv_idle_init(&loop_, &awake_) == 0);
  check_.data = this;
  loop_.data = this;
  // Otherwise the kernel may prolong a pause of 20 us by 50 more.
  prctl(PR_SET_TIMERSLACK, 1);
}

UvLoop::~UvLoop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&awake_), nullptr);
  uv_walk(&loop_, CloseRest, nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  CHECK(uv_loop_close(&loop_) == 0);
}

std::unique_ptr<Timer> UvLoop::MakeTimer(std::function<void()> fire) {
  return std::make_unique<UvTimer>(&loop_, std::move(fire));
}

void UvLoop::SetTurn(std::function<bool()> turn) {
  turn_ = std::move(turn);
  if (turn_)
    uv_check_start(&check_, AfterPoll);
  else
    uv_check_stop(&check_);
}

void UvLoop::RequestTurn() { uv_idle_start(&awake_, KeepAwake); }

void UvLoop::OnSignal(int number, std::function<void()> handle) {
  auto* owned = new Owned<uv_signal_t>(std::move(handle));
  CHECK(uv_signal_init(&loop_, &owned->handle) == 0);
  const auto fire = [](uv_signal_t* signal, int /*number*/) { Owned<uv_signal_t>::Fire(signal); };
  CHECK(uv_signal_start(&owned->handle, fire, number) == 0);
}

void UvLoop::AfterPoll(uv_check_t* handle) { static_cast<UvLoop*>(handle->data)->Turn(); }

void UvLoop::Turn() {
  const bool more = turn_();
  const bool awake = uv_is_active(reinterpret_cast<uv_handle_t*>(&awake_)) != 0;
  if (more && !awake) uv_idle_start(&awake_, KeepAwake);
  if (!more && awake) uv_idle_stop(&awake_);
  if (coalescer_.Asks()) {
    const auto now_us = static_cast<int64_t>(uv_hrtime() / 1000);
    const uint32_t pause_us = coalescer_.AfterTurn(now_us);
    if (pause_us != 0 && !more) {
      const timespec pause{.tv_sec = 0, .tv_nsec = long{pause_us} * 1000};
      nanosleep(&pause, nullptr);  // a signal may cut it short
    }
  }
}

void UvLoop::Run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void UvLoop::RunOnce() { uv_run(&loop_, UV_RUN_NOWAIT); }

void UvLoop::Stop() { uv_stop(&loop_); }

}  // namespace cloakroom
