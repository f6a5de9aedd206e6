#include "bench/load/client.h"

#include <cstring>

#include "bench/load/request_text.h"
#include "store/base/check.h"

namespace cloakroom::bench {
namespace {

Client& Self(void* data) { return *static_cast<Client*>(data); }

}  // namespace

Client::Client(uv_loop_t& loop, ClientOwner& owner, ReadBuffer& buffer, uint32_t lanes)
    : loop_(loop), owner_(owner), buffer_(buffer), lanes_(lanes) {
  for (uint32_t lane = lanes; lane > 0; --lane) idle_.push_back(lane - 1);
}

void Client::Connect(const Endpoint& endpoint, const sockaddr* address, StageResult& result) {
  result_ = &result;
  awaited_ = true;
  if (!endpoint.auth.empty()) {
    const size_t blank = endpoint.auth.find(' ');
    if (blank == std::string::npos)
      AppendRequest(auth_, "AUTH", endpoint.auth);
    else
      AppendRequest(auth_, "AUTH", endpoint.auth.substr(0, blank), endpoint.auth.substr(blank + 1));
  }
  connect_.data = this;
  opened_ = true;
  if (endpoint.unix_path.empty()) {
    CHECK(uv_tcp_init(&loop_, &handle_.tcp) == 0);
    handle_.handle.data = this;
    uv_tcp_nodelay(&handle_.tcp, 1);
    const int status = uv_tcp_connect(&connect_, &handle_.tcp, address, OnConnected);
    if (status != 0) Fail("connect", status);
  } else {
    CHECK(uv_pipe_init(&loop_, &handle_.pipe, 0) == 0);
    handle_.handle.data = this;
    uv_pipe_connect(&connect_, &handle_.pipe, endpoint.unix_path.c_str(), OnConnected);
  }
}

void Client::OnConnected(uv_connect_t* request, int status) {
  Client& self = Self(request->data);
  if (self.closed_) return;
  if (status != 0) return self.Fail("connect", status);
  uv_read_start(&self.handle_.stream, OnAllocate, OnRead);
  if (self.auth_.empty()) return self.Answer();
  self.authenticating_ = true;
  self.out_ = self.auth_;
  self.Flush();
}

void Client::Begin(const StagePlan& plan, StageResult& result) {
  CHECK(flights_.empty() && out_.empty());
  plan_ = &plan;
  result_ = &result;
  active_ = true;
  awaited_ = true;
  Kick();
}

void Client::Kick() {
  if (closed_ || !active_) return;
  const uint64_t now_ns = uv_hrtime();
  StartFlows(now_ns);
  Flush();
  if (active_ && flights_.empty() && owner_.NoMoreFlows(now_ns)) {
    active_ = false;
    Answer();
  }
}

void Client::Close() {
  if (closed_) return;
  closed_ = true;
  if (opened_ && !uv_is_closing(&handle_.handle)) uv_close(&handle_.handle, nullptr);
}

void Client::StartFlows(uint64_t now_ns) {
  // A batch begins when the last one was answered whole; in an open loop each arrival for itself.
  const bool batch = plan_->sending == Sending::kBatch && plan_->rate == 0;
  if (batch && !flights_.empty()) return;
  for (const uint32_t lane : waiting_) SendStep(lane, now_ns);
  waiting_.clear();
  uint64_t counted_from_ns = now_ns;
  while (!idle_.empty() && owner_.TakeFlow(now_ns, counted_from_ns)) {
    const uint32_t lane = idle_.back();
    idle_.pop_back();
    lanes_[lane].flow.step = 0;
    SendStep(lane, counted_from_ns);
    if (plan_->rate > 0) return;  // the next arrival is another client's turn
  }
}

void Client::SendStep(uint32_t lane, uint64_t counted_from_ns) {
  LaneState& state = lanes_[lane];
  uint32_t replies = 1;
  if (state.unsent.empty()) {
    const Step step = plan_->workload->Append(state.flow, plan_->await_each ? state.unsent : out_);
    ++state.flow.step;
    state.replies = replies = step.replies;
    state.judged = 0;
    state.last = step.last;
    result_->commands += step.commands;
  }
  if (plan_->await_each) {
    // A request has the form of a reply, so the scanner finds its end.
    ReplyScanner requests;
    CHECK(requests.Next(state.unsent) == ReplyScanner::Found::kReply);
    const size_t size = requests.reply().size();
    out_.append(state.unsent, 0, size);
    state.unsent.erase(0, size);
    replies = 1;
  }
  ++result_->steps;
  flights_.push_back({counted_from_ns, lane, replies});
}

void Client::Flush() {
  if (out_.empty() || writing_ || closed_) return;
  uv_buf_t rest = uv_buf_init(out_.data(), static_cast<unsigned>(out_.size()));
  const int sent = uv_try_write(&handle_.stream, &rest, 1);
  if (sent < 0 && sent != UV_EAGAIN) return Fail("write", sent);
  if (sent > 0) result_->bytes_sent += static_cast<uint64_t>(sent);
  if (sent == static_cast<int>(out_.size())) return out_.clear();
  written_.swap(out_);
  out_.clear();
  const size_t from = sent > 0 ? static_cast<size_t>(sent) : 0;
  rest = uv_buf_init(written_.data() + from, static_cast<unsigned>(written_.size() - from));
  result_->bytes_sent += rest.len;
  writing_ = true;
  write_.data = this;
  const int status = uv_write(&write_, &handle_.stream, &rest, 1, OnWritten);
  if (status != 0) Fail("write", status);
}

void Client::OnWritten(uv_write_t* request, int status) {
  Client& self = Self(request->data);
  self.writing_ = false;
  if (self.closed_) return;
  if (status != 0) return self.Fail("write", status);
  self.Flush();
}

void Client::OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
  Client& self = Self(handle->data);
  ReadBuffer& shared = self.buffer_;
  // The unfinished reply goes before what is read next, with at least as much room after it.
  if (shared.size() < 2 * self.rest_.size()) shared.resize(2 * self.rest_.size());
  std::memcpy(shared.data(), self.rest_.data(), self.rest_.size());
  *buffer = uv_buf_init(shared.data() + self.rest_.size(),
                        static_cast<unsigned>(shared.size() - self.rest_.size()));
}

void Client::OnRead(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  Client& self = Self(stream->data);
  if (size == 0 || self.closed_) return;
  if (size < 0) return self.Fail("read", static_cast<int>(size));
  if (self.active_) self.result_->bytes_received += static_cast<uint64_t>(size);
  const std::string_view bytes(self.buffer_.data(), self.rest_.size() + static_cast<size_t>(size));
  size_t taken = 0;
  if (!self.TakeReplies(bytes, taken)) return;
  self.rest_.assign(bytes.substr(taken));
  if (self.active_) self.Kick();
}

bool Client::TakeReplies(std::string_view bytes, size_t& taken) {
  const uint64_t now_ns = uv_hrtime();
  while (taken < bytes.size()) {
    switch (scanner_.Next(bytes.substr(taken))) {
      case ReplyScanner::Found::kMore:
        FlushLatency();
        return true;
      case ReplyScanner::Found::kBroken:
        Fail("the server's reply is no RESP", 0);
        return false;
      case ReplyScanner::Found::kReply:
        break;
    }
    const std::string_view reply = scanner_.reply();
    taken += reply.size();
    TakeReply(reply, now_ns);
    if (closed_) return false;
  }
  FlushLatency();
  return true;
}

void Client::TakeReply(std::string_view reply, uint64_t now_ns) {
  if (authenticating_) {
    authenticating_ = false;
    if (!scanner_.error().empty()) return Fail(scanner_.error(), 0);
    return Answer();
  }
  if (flights_.empty()) return Fail("the server replied without being asked", 0);
  Flight& flight = flights_.front();
  ++result_->replies;
  LaneState& state = lanes_[flight.lane];
  if (!scanner_.error().empty()) {
    result_->CountError(scanner_.error());
    // A flow whose first step failed has nothing to go on with.
    state.last |= state.flow.step == 1;
  } else {
    const Verdict verdict = plan_->workload->Judge(state.flow, state.judged, reply);
    if (verdict == Verdict::kMiss) ++result_->misses;
    state.last |= verdict == Verdict::kAbandon;
  }
  ++state.judged;
  if (--flight.replies > 0) return;
  CountLatency(now_ns - flight.counted_from_ns);
  if (state.last && state.judged == state.replies) {
    ++result_->flows;
    idle_.push_back(flight.lane);
  } else {
    waiting_.push_back(flight.lane);
  }
  flights_.pop_front();
}

void Client::CountLatency(uint64_t ns) {
  if (ns != equal_ns_) FlushLatency();
  equal_ns_ = ns;
  ++equal_times_;
}

void Client::FlushLatency() {
  if (equal_times_ != 0) result_->latency.Record(equal_ns_, equal_times_);
  equal_times_ = 0;
}

void Client::Answer() {
  if (!awaited_) return;
  awaited_ = false;
  owner_.OnAnswered();
}

void Client::Fail(std::string_view what, int status) {
  if (closed_) return;
  result_->CountError(status == 0 ? std::string(what)
                                  : fmt::format("{}: {}", what, uv_strerror(status)));
  Close();
  Answer();
}

}  // namespace cloakroom::bench
