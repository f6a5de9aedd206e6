#include "tests/support/sim_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/base/check.h"

namespace cloakroom {
namespace {

constexpr uint16_t kFirstPort = 7000;
constexpr int kReadsMax = 8;  // of a stream, in a pass

}  // namespace

/// Two ends, and what is under way to each.
struct SimCluster::Connection {
  struct Piece {
    std::string bytes;
    int64_t due_us;
  };
  struct End {
    size_t machine = 0;
    SimStream* stream = nullptr;  // nullptr: closed
    std::deque<Piece> wire;       // to it
    std::string arrived;          // and not read yet
    size_t bytes = 0;             // of both
    int64_t newest_due_us = 0;
    std::optional<int64_t> end_us;    // then it sees that the other has ended
    std::optional<int64_t> break_us;  // or that the connection broke
    bool deaf = false;                // what is sent to it goes nowhere, and nobody is told
  };
  uint64_t id = 0;
  std::array<End, 2> ends;
};

class SimCluster::SimStream final : public Stream {
 public:
  SimStream(SimCluster& cluster, std::shared_ptr<Connection> connection, size_t side, Info info)
      : cluster_(cluster),
        connection_(std::move(connection)),
        side_(side),
        info_(std::move(info)) {}

  [[nodiscard]] Info info() const override { return info_; }
  void SetEvents(StreamEvents* events) override { events_ = events; }
  void StartReading() override { reading_ = true; }
  void StopReading() override { reading_ = false; }
  [[nodiscard]] size_t TryWrite(std::string_view bytes) override {
    if (!pending_.empty() || broken_) return 0;
    return cluster_.Put(*connection_, side_, bytes);
  }
  void Write(std::string bytes, size_t from) override { pending_ = bytes.substr(from); }
  [[nodiscard]] size_t Unwritten() const override { return pending_.size(); }
  void SetKeepAlive(int /*seconds*/) override {}
  void Close() override {
    cluster_.Close(*connection_, side_);
    delete this;
  }

  void Poll() {
    Connection::End& end = connection_->ends[side_];
    const size_t from = connection_->ends[1 - side_].machine;
    const bool blocked = cluster_.direction(from, end.machine).blocked;
    const int64_t now_us = cluster_.now_us_;
    if (blocked && !end.wire.empty()) cluster_.counts_.held += end.wire.front().bytes.size();
    while (!blocked && !end.wire.empty() && end.wire.front().due_us <= now_us) {
      end.arrived += end.wire.front().bytes;
      end.wire.pop_front();
    }
    if (events_ == nullptr || broken_) return;
    Deliver(end);
    if (blocked) return Drain();
    if (end.break_us && *end.break_us <= now_us) {
      broken_ = true;
      cluster_.Note(connection_->id * 4 + 1);
      return events_->Broken();
    }
    if (reading_ && end.end_us && *end.end_us <= now_us && end.bytes == 0 && !ended_) {
      ended_ = true;
      cluster_.Note(connection_->id * 4 + 2);
      events_->Ended();
    }
    Drain();
  }

 private:
  void Deliver(Connection::End& end) {
    for (int reads = 0; reads < kReadsMax && reading_ && !end.arrived.empty(); ++reads) {
      const std::span<char> space = events_->ReadSpace();
      size_t size = std::min(space.size(), end.arrived.size());
      if (size == 0) return;
      if (cluster_.random_.Below(6) == 0) size = 1 + cluster_.random_.Below(size);
      std::copy_n(end.arrived.data(), size, space.data());
      end.arrived.erase(0, size);
      end.bytes -= size;
      cluster_.Note(connection_->id * 4 + 3);
      cluster_.Note(size);
      events_->Received(size);
    }
  }
  void Drain() {
    if (pending_.empty() || broken_) return;
    pending_.erase(0, cluster_.Put(*connection_, side_, pending_));
    if (pending_.empty()) events_->Written();
  }

  SimCluster& cluster_;
  std::shared_ptr<Connection> connection_;
  const size_t side_;
  Info info_;
  StreamEvents* events_ = nullptr;
  std::string pending_;
  bool reading_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

class SimCluster::Machine::SimListener final : public Listener {
 public:
  SimListener(Machine& machine, std::function<void(StreamPtr)> call)
      : accepted(std::move(call)), machine_(machine) {}
  [[nodiscard]] uint16_t port() const override { return AddressOf(machine_.index_).port; }
  void Close() override {
    machine_.listener_ = nullptr;
    machine_.accepted_.clear();
    delete this;
  }
  std::function<void(StreamPtr)> accepted;

 private:
  Machine& machine_;
};

class SimCluster::Machine::SimConnecting final : public Connecting {
 public:
  SimConnecting(Machine& machine, size_t target, std::function<void(Result<StreamPtr>)> call)
      : to(target), done(std::move(call)), machine_(machine) {}
  void Close() override {
    std::erase(machine_.connecting_, this);
    delete this;
  }
  size_t to;
  int64_t due_us = 0;
  std::function<void(Result<StreamPtr>)> done;

 private:
  Machine& machine_;
};

class SimCluster::Machine::SimTimer final : public Timer {
 public:
  SimTimer(Machine& machine, std::function<void()> call)
      : fire(std::move(call)), id(machine.next_timer_++), machine_(machine) {
    machine_.timers_.push_back(this);
  }
  ~SimTimer() override { std::erase(machine_.timers_, this); }
  void Start(TimeMs delay_ms) override { due_us = machine_.clock.MonotonicUs() + delay_ms * 1000; }
  void Stop() override { due_us.reset(); }

  std::function<void()> fire;
  std::optional<int64_t> due_us;
  const uint64_t id;

 private:
  Machine& machine_;
};

SimCluster::SimCluster(uint64_t seed, size_t machines, size_t buffer_bytes)
    : random_(seed), buffer_bytes_(buffer_bytes), directions_(machines * machines) {
  for (size_t i = 0; i < machines; ++i) machines_.push_back(std::make_unique<Machine>(*this, i));
}
SimCluster::~SimCluster() = default;

PeerAddress SimCluster::AddressOf(size_t i) {
  return {"10.0.0." + std::to_string(i + 1), static_cast<uint16_t>(kFirstPort + i)};
}

void SimCluster::Advance(TimeMs span_ms) {
  now_us_ += span_ms * 1000;
  for (const auto& machine : machines_) machine->clock.Advance(span_ms);
}

std::shared_ptr<SimCluster::Connection> SimCluster::Establish(size_t from, size_t to) {
  auto connection = std::make_shared<Connection>();
  connection->id = next_id_++;
  connection->ends[0].machine = from;
  connection->ends[1].machine = to;
  const std::string here = fmt::format("10.0.0.{}:{}", from + 1, 50'000 + connection->id);
  const std::string there = fmt::format("10.0.0.{}:{}", to + 1, kFirstPort + to);
  Stream::Info info;
  for (size_t side = 0; side < 2; ++side) {
    info.peer = side == 0 ? there : here;
    info.local = side == 0 ? here : there;
    connection->ends[side].stream = new SimStream(*this, connection, side, info);
  }
  connections_.push_back(connection);
  ++counts_.connects;
  return connection;
}

size_t SimCluster::Put(Connection& connection, size_t side, std::string_view bytes) {
  Connection::End& peer = connection.ends[1 - side];
  const size_t from = connection.ends[side].machine;
  const size_t size = std::min(bytes.size(), buffer_bytes_ - std::min(buffer_bytes_, peer.bytes));
  if (size < bytes.size()) ++counts_.full;
  if (size == 0) return 0;
  const Direction& way = direction(from, peer.machine);
  const auto jitter_us = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(way.delay_us)));
  peer.newest_due_us = std::max(peer.newest_due_us, now_us_ + way.delay_us / 2 + jitter_us);
  if (!peer.deaf && peer.stream == nullptr) {  // the answer is that nobody is there
    Connection::End& own = connection.ends[side];
    if (!own.break_us) own.break_us = now_us_ + 2 * way.delay_us;
    return size;
  }
  peer.bytes += size;
  if (!peer.deaf) peer.wire.push_back({std::string(bytes.substr(0, size)), peer.newest_due_us});
  return size;
}

void SimCluster::Close(Connection& connection, size_t side) {
  Connection::End& own = connection.ends[side];
  Connection::End& peer = connection.ends[1 - side];
  own.stream = nullptr;
  if (machines_[own.machine]->vanishes) {
    own.deaf = true;
  } else if (!peer.deaf && !peer.end_us) {
    const int64_t delay_us = direction(own.machine, peer.machine).delay_us;
    peer.end_us = std::max(now_us_ + delay_us, peer.newest_due_us);
  }
  if (peer.stream == nullptr)
    std::erase_if(connections_, [&](const auto& each) { return each.get() == &connection; });
}

/// Of what is under way to `side` a part arrives; then it hears of the end, or never.
void SimCluster::Tear(Connection& connection, size_t side, bool told) {
  Connection::End& end = connection.ends[side];
  std::string under_way;
  for (const Connection::Piece& piece : end.wire) under_way += piece.bytes;
  end.wire.clear();
  under_way.resize(random_.Below(under_way.size() + 1));
  end.arrived += under_way;
  end.bytes = end.arrived.size();
  end.deaf = true;
  if (told) end.break_us = now_us_;
}

bool SimCluster::CutAny(bool half) {
  std::vector<Connection*> whole;
  for (const auto& each : connections_)
    if (each->ends[0].stream != nullptr && each->ends[1].stream != nullptr && !each->ends[0].deaf &&
        !each->ends[1].deaf)
      whole.push_back(each.get());
  if (whole.empty()) return false;
  Connection& connection = *whole[random_.Below(whole.size())];
  const size_t told = random_.Below(2);
  for (size_t side = 0; side < 2; ++side) Tear(connection, side, !half || side == told);
  ++(half ? counts_.halves : counts_.cuts);
  return true;
}

void SimCluster::Heal() {
  for (Direction& each : directions_) each = {};
  for (const auto& each : machines_) each->stopped = each->refuses = false;
}

void SimCluster::Machine::Poll() {
  if (stopped || off) return;
  FireTimers();
  TryConnects();
  Accept();
  // Who is told something may close a stream, but only later, in the turn.
  const std::vector<std::shared_ptr<Connection>> all = cluster_.connections_;
  for (const auto& each : all)
    for (Connection::End& end : each->ends)
      if (end.machine == index_ && end.stream != nullptr) end.stream->Poll();
  if (turn_) static_cast<void>(turn_());
}

void SimCluster::Machine::FireTimers() {
  const int64_t now_us = clock.MonotonicUs();
  std::vector<std::pair<int64_t, uint64_t>> due;
  for (const SimTimer* each : timers_)
    if (each->due_us && *each->due_us <= now_us) due.emplace_back(*each->due_us, each->id);
  std::sort(due.begin(), due.end());
  for (const auto& [at_us, id] : due) {
    const auto found = std::find_if(timers_.begin(), timers_.end(),
                                    [&](const SimTimer* each) { return each->id == id; });
    if (found == timers_.end() || (*found)->due_us != at_us) continue;
    (*found)->due_us.reset();
    (*found)->fire();
  }
}

void SimCluster::Machine::TryConnects() {
  const std::vector<SimConnecting*> all = connecting_;
  for (SimConnecting* const each : all) {
    Machine& target = *cluster_.machines_[each->to];
    const bool blocked = cluster_.direction(index_, each->to).blocked ||
                         cluster_.direction(each->to, index_).blocked || target.off;
    if (each->due_us > cluster_.now_us_ || blocked) continue;
    std::erase(connecting_, each);
    const auto done = std::exchange(each->done, nullptr);
    cluster_.Note(index_ * 16 + each->to);
    if (target.listener_ == nullptr || target.refuses) {
      ++cluster_.counts_.refused;
      done(Fail(Code::kUnavailable, "connection refused"));
      continue;
    }
    const std::shared_ptr<Connection> made = cluster_.Establish(index_, each->to);
    target.accepted_.emplace_back(made->ends[1].stream);
    done(StreamPtr(made->ends[0].stream));
  }
}

void SimCluster::Machine::Accept() {
  while (listener_ != nullptr && !accepted_.empty()) {
    StreamPtr stream = std::move(accepted_.front());
    accepted_.pop_front();
    listener_->accepted(std::move(stream));
  }
}

Result<ListenerPtr> SimCluster::Machine::Listen(const ListenAddress& /*address*/,
                                                std::function<void(StreamPtr stream)> accepted) {
  CHECK(listener_ == nullptr);
  listener_ = new SimListener(*this, std::move(accepted));
  return ListenerPtr(listener_);
}

ConnectingPtr SimCluster::Machine::Connect(const PeerAddress& peer,
                                           std::function<void(Result<StreamPtr>)> done) {
  auto* const made = new SimConnecting(*this, peer.port - kFirstPort, std::move(done));
  made->due_us = cluster_.now_us_ + cluster_.direction(index_, made->to).delay_us +
                 cluster_.direction(made->to, index_).delay_us;
  connecting_.push_back(made);
  return ConnectingPtr(made);
}

std::unique_ptr<Timer> SimCluster::Machine::MakeTimer(std::function<void()> fire) {
  return std::make_unique<SimTimer>(*this, std::move(fire));
}

}  // namespace cloakroom
