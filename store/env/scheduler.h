#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "store/base/time.h"

namespace cloakroom {

/// Fires once after a delay, unless it is stopped or started anew before. Destroying it stops it.
class Timer {
 public:
  virtual ~Timer() = default;

  /// Fires `delay_ms` >= 0 from now; forgets an earlier start.
  virtual void Start(TimeMs delay_ms) = 0;
  virtual void Stop() = 0;
};

/// The one thread's loop, as those see it who run on it.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// `fire` runs on the loop, never from within Start.
  [[nodiscard]] virtual std::unique_ptr<Timer> MakeTimer(std::function<void()> fire) = 0;

  /// `turn` runs once after all that was ready in one poll of the network has been handed out.
  /// It returns whether it has more to do at once: then the next poll does not wait. There is one
  /// turn; an empty function takes it away.
  virtual void SetTurn(std::function<bool()> turn) = 0;

  /// Has the turn run soon, without waiting for the network. For timers and others outside a turn.
  virtual void RequestTurn() = 0;

  /// Under a load of many peers with small requests, the loop may wait this long, in microseconds
  /// below a second, before it looks at the network, so that one poll brings many. 0: never.
  virtual void SetPollPause(uint32_t pause_us) = 0;
};

}  // namespace cloakroom
