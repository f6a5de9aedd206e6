#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/env/network.h"
#include "store/env/scheduler.h"
#include "tests/support/manual_clock.h"

namespace cloakroom {

/// One client's end of a simulated connection, and what lies in the kernel between.
class SimPeer {
 public:
  /// Bytes for the server; they arrive at the next poll.
  void Send(std::string_view bytes) { to_server.append(bytes); }
  /// Ends our side: the server sees it after what was sent.
  void End() { ended = true; }
  /// Breaks the connection: what was sent and not read is lost.
  void Break() { broken = true; }
  /// What the server sent since the last call. Frees its place in the window.
  std::string Take() { return std::exchange(from_server, {}); }

  std::string to_server;
  std::string from_server;
  size_t window_bytes = SIZE_MAX;  // how much the server may send that was not taken
  bool ended = false;
  bool broken = false;
  bool closed = false;    // by the server
  uint64_t writes = 0;    // calls that the server made to send
  uint64_t reads = 0;     // and to receive
  int keep_alive_s = -1;  // as the server set it
};
using SimPeerPtr = std::shared_ptr<SimPeer>;

/// A network, its kernel and the loop on top, in one thread and in the order of creation: the same
/// calls give the same run. Time is the manual clock's; nothing happens but in Poll.
class SimNetwork final : public Network, public Scheduler {
 public:
  explicit SimNetwork(ManualClock& clock) : clock_(clock) {}
  ~SimNetwork() override { Collect(); }

  // What the machine's side does.

  /// One pass of the loop: due timers, reads, writes, then the turn. Returns whether the next pass
  /// would find something to do at once.
  bool Poll() {
    FireTimers();
    timers_asked_ = requested_;
    for (size_t i = 0; i < streams_.size(); ++i) {
      streams_[i]->Deliver();
      streams_[i]->Drain();
    }
    requested_ = false;
    const bool more = turn_ && turn_();
    Collect();
    return more || requested_ ||
           std::any_of(streams_.begin(), streams_.end(),
                       [](const auto& stream) { return stream->Readable(); });
  }

  /// Whether the timers of the last poll asked for a turn, or something before it did. Here one
  /// runs in any case; a real loop would wait for the network first.
  [[nodiscard]] bool timers_asked_for_turn() const { return timers_asked_; }

  /// Polls until the turn has nothing to do, at most `polls_max` times.
  void Settle(int polls_max = 10'000) {
    while (Poll() && --polls_max > 0) {
    }
  }

  /// Lets `span_ms` pass in steps of 10 ms, polling after each.
  void Pass(TimeMs span_ms) {
    for (; span_ms > 0; span_ms -= 10) {
      clock_.Advance(std::min<TimeMs>(span_ms, 10));
      Settle();
    }
  }

  /// A new client from `peer_host`. nullptr when nobody listens at `port` or `path`.
  SimPeerPtr Connect(uint16_t port, std::string peer_host = "127.0.0.1") {
    for (SimListener* listener : listeners_)
      if (listener->address.path.empty() && listener->address.port == port)
        return Admit(*listener, std::move(peer_host));
    return nullptr;
  }
  SimPeerPtr Connect(const std::string& path) {
    for (SimListener* listener : listeners_)
      if (listener->address.path == path) return Admit(*listener, "");
    return nullptr;
  }

  /// Addresses whose Listen fails, as if the machine did not have them, or had them in use.
  std::vector<std::string> absent_hosts;
  std::vector<std::string> used_hosts;

  [[nodiscard]] size_t streams() const { return streams_.size(); }

  /// Where the machine wants to connect to, in order. It waits for one of the calls below.
  [[nodiscard]] std::vector<PeerAddress> Connects() const {
    std::vector<PeerAddress> peers;
    for (const SimConnecting* each : connecting_) peers.push_back(each->peer);
    return peers;
  }
  /// The oldest of them succeeds: what is returned is the other side's end.
  SimPeerPtr LetConnect() {
    const PeerAddress to = connecting_.front()->peer;
    Stream::Info info;
    info.loopback = to.host == "127.0.0.1";
    info.peer = to.host + ":" + std::to_string(to.port);
    info.local = "127.0.0.1:" + std::to_string(next_port_++);
    auto peer = std::make_shared<SimPeer>();
    streams_.push_back(std::make_unique<SimStream>(peer, std::move(info)));
    TellOldest(StreamPtr(streams_.back().get()));
    return peer;
  }
  /// It fails.
  void RefuseConnect() { TellOldest(Fail(Code::kUnavailable, "connection refused")); }

  // Network
  [[nodiscard]] Result<ListenerPtr> Listen(
      const ListenAddress& address, std::function<void(StreamPtr stream)> accepted) override {
    const auto has = [&address](const std::vector<std::string>& hosts) {
      return std::find(hosts.begin(), hosts.end(), address.host) != hosts.end();
    };
    if (has(absent_hosts)) return Fail(Code::kUnavailable, "Cannot assign requested address");
    if (has(used_hosts)) return Fail(Code::kInvalid, "Address already in use");
    listeners_.push_back(new SimListener(*this, address, std::move(accepted)));
    return ListenerPtr(listeners_.back());
  }

  [[nodiscard]] ConnectingPtr Connect(const PeerAddress& peer,
                                      std::function<void(Result<StreamPtr>)> done) override {
    connecting_.push_back(new SimConnecting(*this, peer, std::move(done)));
    return ConnectingPtr(connecting_.back());
  }

  // Scheduler
  [[nodiscard]] std::unique_ptr<Timer> MakeTimer(std::function<void()> fire) override {
    return std::make_unique<SimTimer>(*this, std::move(fire));
  }
  void SetTurn(std::function<bool()> turn) override { turn_ = std::move(turn); }
  void RequestTurn() override { requested_ = true; }
  void SetPollPause(uint32_t /*pause_us*/) override {}  // all that comes in a turn comes at once

 private:
  class SimListener final : public Listener {
   public:
    SimListener(SimNetwork& network, ListenAddress where, std::function<void(StreamPtr)> call)
        : address(std::move(where)), accepted(std::move(call)), network_(network) {}
    [[nodiscard]] uint16_t port() const override { return address.port; }
    void Close() override {
      std::erase(network_.listeners_, this);
      delete this;
    }
    ListenAddress address;
    std::function<void(StreamPtr)> accepted;

   private:
    SimNetwork& network_;
  };

  class SimConnecting final : public Connecting {
   public:
    SimConnecting(SimNetwork& network, PeerAddress to, std::function<void(Result<StreamPtr>)> call)
        : peer(std::move(to)), done(std::move(call)), network_(network) {}
    void Close() override {
      std::erase(network_.connecting_, this);
      delete this;
    }
    PeerAddress peer;
    std::function<void(Result<StreamPtr>)> done;

   private:
    SimNetwork& network_;
  };

  void TellOldest(Result<StreamPtr> result) {
    SimConnecting* const oldest = connecting_.front();
    connecting_.erase(connecting_.begin());
    std::exchange(oldest->done, nullptr)(std::move(result));
  }

  class SimStream final : public Stream {
   public:
    SimStream(SimPeerPtr peer, Info info) : peer_(std::move(peer)), info_(std::move(info)) {}

    [[nodiscard]] Info info() const override { return info_; }
    void SetEvents(StreamEvents* events) override { events_ = events; }
    void StartReading() override { reading_ = true; }
    void StopReading() override { reading_ = false; }
    [[nodiscard]] size_t TryWrite(std::string_view bytes) override {
      ++peer_->writes;
      if (!pending_.empty() || peer_->broken) return 0;
      return Put(bytes);
    }
    void Write(std::string bytes, size_t from) override { pending_ = bytes.substr(from); }
    [[nodiscard]] size_t Unwritten() const override { return pending_.size(); }
    void SetKeepAlive(int seconds) override { peer_->keep_alive_s = seconds; }
    void Close() override {
      peer_->closed = true;
      events_ = nullptr;
    }
    [[nodiscard]] bool closed() const { return peer_->closed; }

    [[nodiscard]] bool Readable() const {
      return Alive() && reading_ && (!peer_->to_server.empty() || (peer_->ended && !end_told_));
    }

    // As libuv does: up to 32 reads while each fills the space it was given.
    void Deliver() {
      for (int reads = 0; reads < 32 && Alive() && reading_ && !peer_->to_server.empty(); ++reads) {
        const std::span<char> space = events_->ReadSpace();
        if (space.empty()) return;
        const size_t size = std::min(space.size(), peer_->to_server.size());
        std::copy_n(peer_->to_server.data(), size, space.data());
        peer_->to_server.erase(0, size);
        ++peer_->reads;
        events_->Received(size);
        if (size < space.size()) break;
      }
      if (Alive() && reading_ && peer_->ended && peer_->to_server.empty() && !end_told_) {
        end_told_ = true;
        events_->Ended();
      }
    }

    void Drain() {
      if (closed()) return;
      if (peer_->broken) {
        if (!std::exchange(break_told_, true)) events_->Broken();
        return;
      }
      if (pending_.empty()) return;
      pending_.erase(0, Put(pending_));
      if (pending_.empty()) events_->Written();
    }

   private:
    [[nodiscard]] bool Alive() const { return !peer_->closed && !peer_->broken; }
    size_t Put(std::string_view bytes) {
      const size_t used = std::min(peer_->from_server.size(), peer_->window_bytes);
      const size_t size = std::min(bytes.size(), peer_->window_bytes - used);
      peer_->from_server.append(bytes.substr(0, size));
      return size;
    }

    SimPeerPtr peer_;
    Info info_;
    StreamEvents* events_ = nullptr;
    std::string pending_;
    bool reading_ = false;
    bool end_told_ = false;
    bool break_told_ = false;
  };

  class SimTimer final : public Timer {
   public:
    SimTimer(SimNetwork& network, std::function<void()> call)
        : fire(std::move(call)), network_(network) {
      network_.timers_.push_back(this);
    }
    ~SimTimer() override { std::erase(network_.timers_, this); }
    void Start(TimeMs delay_ms) override {
      due_us = network_.clock_.MonotonicUs() + delay_ms * 1000;
    }
    void Stop() override { due_us = -1; }

    std::function<void()> fire;
    int64_t due_us = -1;  // -1: stopped

   private:
    SimNetwork& network_;
  };

  void FireTimers() {
    const int64_t now_us = clock_.MonotonicUs();
    for (size_t i = 0; i < timers_.size(); ++i) {
      if (timers_[i]->due_us < 0 || timers_[i]->due_us > now_us) continue;
      timers_[i]->due_us = -1;
      timers_[i]->fire();
    }
  }

  SimPeerPtr Admit(SimListener& listener, std::string peer_host) {
    Stream::Info info;
    if (listener.address.path.empty()) {
      info.loopback = peer_host == "127.0.0.1" || peer_host == "::1";
      info.peer = peer_host + ":" + std::to_string(next_port_++);
      info.local = "127.0.0.1:" + std::to_string(listener.address.port);
    } else {
      info.peer = info.local = listener.address.path + ":0";
      info.unix_socket = info.loopback = true;
    }
    auto peer = std::make_shared<SimPeer>();
    streams_.push_back(std::make_unique<SimStream>(peer, std::move(info)));
    listener.accepted(StreamPtr(streams_.back().get()));
    return peer;
  }

  void Collect() {
    std::erase_if(streams_, [](const auto& stream) { return stream->closed(); });
  }

  ManualClock& clock_;
  std::function<bool()> turn_;
  bool requested_ = false;
  bool timers_asked_ = false;
  uint16_t next_port_ = 50'000;
  std::vector<std::unique_ptr<SimStream>> streams_;
  std::vector<SimListener*> listeners_;
  std::vector<SimTimer*> timers_;
  std::vector<SimConnecting*> connecting_;
};

}  // namespace cloakroom
