#pragma once

#include <cstdint>
#include <utility>

namespace cloakroom {

/// Decides when the loop should let requests gather before it polls again, as network cards
/// coalesce interrupts. Under the load of many peers that each send one small request at a time, a
/// fast server polls after every one or two of them, and the polls and wake-ups cost more than the
/// commands; a pause of some microseconds, while the peers' side works on, makes one poll serve
/// many. Where it would only add latency it never pauses: with few peers, with little traffic, and
/// where polls bring many requests anyway.
///
/// A pure state machine: the owner reads the clock and sleeps.
class PollCoalescer {
 public:
  /// The rate is taken over windows of at least this length.
  static constexpr int64_t kWindowUs = 256;
  /// Fewer peers in a window than this, and none waits for the others.
  static constexpr uint64_t kPeersMin = 8;

  /// The longest pause in microseconds; 0 switches pausing off.
  void set_pause_us(uint32_t pause_us) { pause_us_ = pause_us; }

  /// Bytes came from a peer. `window` is the peer's own mark, 0 at first.
  void Received(uint32_t& window) {
    ++received_;
    if (window == window_) return;
    window = window_;
    ++peers_;
  }

  /// Whether AfterTurn has to be asked at all: spares the clock an idle turn's reading.
  [[nodiscard]] bool Asks() const { return pause_us_ != 0 && received_ != 0; }

  /// After the requests of a poll were served and answered, and nothing more is to be done at once.
  /// Returns for how many microseconds to pause before the next poll, mostly 0. O(1).
  [[nodiscard]] uint32_t AfterTurn(int64_t now_us) {
    const uint64_t received = std::exchange(received_, 0);
    if (const int64_t elapsed_us = now_us - began_us_; elapsed_us >= kWindowUs) {
      peers_a_window_ = peers_ * kWindowUs / static_cast<uint64_t>(elapsed_us);
      began_us_ = now_us;
      peers_ = 0;
      if (++window_ == 0) window_ = 1;
    }
    if (peers_a_window_ < kPeersMin || received * 2 >= peers_a_window_) return 0;
    return pause_us_;
  }

 private:
  uint32_t pause_us_ = 0;
  uint32_t window_ = 1;
  uint64_t received_ = 0;        // since the last turn
  uint64_t peers_ = 0;           // that sent something in this window
  uint64_t peers_a_window_ = 0;  // as measured over the last one
  int64_t began_us_ = 0;
};

}  // namespace cloakroom
