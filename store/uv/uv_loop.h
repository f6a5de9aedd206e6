#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include "store/env/scheduler.h"
#include "store/uv/poll_coalescer.h"

namespace cloakroom {

/// libuv's loop. Everything built on it must be gone before it is destroyed; what closes slowly is
/// waited for.
class UvLoop final : public Scheduler {
 public:
  UvLoop();
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  [[nodiscard]] std::unique_ptr<Timer> MakeTimer(std::function<void()> fire) override;
  void SetTurn(std::function<bool()> turn) override;
  void RequestTurn() override;
  void SetPollPause(uint32_t pause_us) override { coalescer_.set_pause_us(pause_us); }

  /// Calls `handle` on the loop whenever the process gets signal `number`.
  void OnSignal(int number, std::function<void()> handle);

  /// Runs until Stop.
  void Run();
  /// One pass that does not wait for anything.
  void RunOnce();
  void Stop();

  /// Streams tell it what they received.
  [[nodiscard]] PollCoalescer& coalescer() { return coalescer_; }
  /// The UvLoop around one of libuv's.
  [[nodiscard]] static UvLoop& Of(const uv_loop_t* loop) {
    return *static_cast<UvLoop*>(loop->data);
  }

  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  static void AfterPoll(uv_check_t* handle);
  void Turn();

  uv_loop_t loop_{};
  uv_check_t check_{};
  uv_idle_t awake_{};  // while it runs, a poll does not wait
  std::function<bool()> turn_;
  PollCoalescer coalescer_;
};

}  // namespace cloakroom
