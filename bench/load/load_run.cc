#include "bench/load/load_run.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "store/base/check.h"

namespace cloakroom::bench {
namespace {

constexpr size_t kReadBufferBytes = 256 * 1024;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kArrivalRetryNs = 20'000;

LoadRun& Self(void* data) { return *static_cast<LoadRun*>(data); }

/// Finds the first address of `host`, with `port`.
Result<void> Resolve(uv_loop_t& loop, const std::string& host, int port,
                     sockaddr_storage& address) {
  uv_getaddrinfo_t request;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(&loop, &request, nullptr, host.c_str(), std::to_string(port).c_str(), &hints);
  if (status != 0)
    return Fail(Code::kUnavailable, "cannot resolve '{}': {}", host, uv_strerror(status));
  std::memcpy(&address, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
  uv_freeaddrinfo(request.addrinfo);
  return {};
}

}  // namespace

uint64_t StageResult::ErrorCount() const {
  return std::accumulate(errors.begin(), errors.end(), uint64_t{0},
                         [](uint64_t sum, const auto& error) { return sum + error.second; });
}

void StageResult::CountError(std::string_view message) {
  // Messages that name what they are about could be as many as the requests.
  constexpr size_t kMessagesMax = 100;
  // An unknown command is answered with what it was given: other for each request, the same error.
  const std::string text(message.substr(0, message.find(", with args beginning with")));
  const bool known = errors.size() < kMessagesMax || errors.contains(text);
  ++errors[known ? text : "(other messages)"];
}

LoadRun::LoadRun(Setup setup) : setup_(std::move(setup)), buffer_(kReadBufferBytes) {
  CHECK(uv_loop_init(&loop_) == 0);
  CHECK(uv_timer_init(&loop_, &progress_timer_) == 0);
  arrival_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  CHECK(arrival_fd_ >= 0 && uv_poll_init(&loop_, &arrival_poll_, arrival_fd_) == 0);
  progress_timer_.data = arrival_poll_.data = this;
  for (uv_signal_t& signal : signals_) {
    CHECK(uv_signal_init(&loop_, &signal) == 0);
    signal.data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(&signal));
  }
}

LoadRun::~LoadRun() {
  for (const auto& client : clients_) client->Close();
  uv_close(reinterpret_cast<uv_handle_t*>(&progress_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&arrival_poll_), nullptr);
  for (uv_signal_t& signal : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  close(arrival_fd_);
  CHECK(uv_loop_close(&loop_) == 0);
}

Result<void> LoadRun::Connect() {
  sockaddr_storage address{};
  if (setup_.endpoint.unix_path.empty())
    TRY_VOID(Resolve(loop_, setup_.endpoint.host, setup_.endpoint.port, address));
  StageResult result;
  awaited_ = setup_.clients;
  for (uint32_t i = 0; i < setup_.clients; ++i) {
    clients_.push_back(std::make_unique<Client>(loop_, *this, buffer_, setup_.lanes));
    clients_.back()->Connect(setup_.endpoint, reinterpret_cast<const sockaddr*>(&address), result);
  }
  while (awaited_ > 0) uv_run(&loop_, UV_RUN_DEFAULT);
  if (result.errors.empty()) return {};
  const std::string where = setup_.endpoint.unix_path.empty()
                                ? fmt::format("{}:{}", setup_.endpoint.host, setup_.endpoint.port)
                                : setup_.endpoint.unix_path;
  return Fail(Code::kUnavailable, "{}: {}", where, result.errors.begin()->first);
}

StageResult LoadRun::Run(const StagePlan& plan) {
  StageResult result;
  plan_ = &plan;
  result_ = &result;
  taken_ = 0;
  flows_at_last_line_ = 0;
  std::vector<Client*> open;
  for (const auto& client : clients_) {
    if (!client->closed()) open.push_back(client.get());
  }
  if (open.empty()) result.CountError("no connection is left");
  awaited_ = open.size();
  if (setup_.server) result.server_before = SampleProcess(*setup_.server);
  const uint64_t own_cpu_ns = OwnCpuNs();
  started_ns_ = uv_hrtime();
  schedule_.reset();
  if (plan.rate > 0) schedule_.emplace(plan.rate, started_ns_);
  if (setup_.progress)
    uv_timer_start(
        &progress_timer_, [](uv_timer_t* t) { Self(t->data).PrintProgress(); }, 1000, 1000);
  constexpr int kSignals[] = {SIGINT, SIGTERM};
  for (size_t i = 0; i < std::size(signals_); ++i)
    uv_signal_start(
        &signals_[i], [](uv_signal_t* signal, int) { Self(signal->data).Interrupt(); },
        kSignals[i]);
  for (Client* client : open) client->Begin(plan, result);
  if (schedule_) {
    uv_poll_start(&arrival_poll_, UV_READABLE,
                  [](uv_poll_t* poll, int, int) { Self(poll->data).PumpArrivals(); });
    PumpArrivals();
  }
  while (awaited_ > 0) uv_run(&loop_, UV_RUN_DEFAULT);
  result.elapsed_ns = uv_hrtime() - started_ns_;
  result.own_cpu_ns = OwnCpuNs() - own_cpu_ns;
  if (setup_.server) result.server_after = SampleProcess(*setup_.server);
  uv_timer_stop(&progress_timer_);
  for (uv_signal_t& signal : signals_) uv_signal_stop(&signal);
  uv_poll_stop(&arrival_poll_);
  if (setup_.progress) std::fputs("\r\033[K", stderr);
  return result;
}

bool LoadRun::TakeFlow(uint64_t now_ns, uint64_t& counted_from_ns) {
  if (NoMoreFlows(now_ns)) return false;
  if (schedule_) {
    if (schedule_->NextDue() > now_ns) return false;
    counted_from_ns = schedule_->NextDue();
    schedule_->Take();
  }
  ++taken_;
  return true;
}

bool LoadRun::NoMoreFlows(uint64_t now_ns) {
  if (interrupted_) return true;
  if (plan_->flows > 0 && taken_ >= plan_->flows) return true;
  if (plan_->duration_ns == 0) return false;
  // In an open loop what was due before the end is owed, however late.
  const uint64_t end_ns = started_ns_ + plan_->duration_ns;
  return (schedule_ ? schedule_->NextDue() : now_ns) >= end_ns;
}

void LoadRun::OnAnswered() {
  CHECK(awaited_ > 0);
  if (--awaited_ == 0) uv_stop(&loop_);
}

void LoadRun::PumpArrivals() {
  uint64_t fired = 0;
  while (read(arrival_fd_, &fired, sizeof fired) > 0) continue;
  const uint64_t now_ns = uv_hrtime();
  size_t passed_over = 0;  // clients without room, in a row
  while (passed_over < clients_.size() && !NoMoreFlows(now_ns) && schedule_->NextDue() <= now_ns) {
    Client& client = *clients_[next_client_];
    next_client_ = (next_client_ + 1) % clients_.size();
    passed_over = client.HasRoom() ? 0 : passed_over + 1;
    if (client.HasRoom()) client.Kick();
  }
  if (NoMoreFlows(now_ns)) {
    // Those without a flow under way learn that none will come.
    return KickAll();
  }
  // With every lane busy an arrival waits for the next answer; look again soon all the same.
  const uint64_t due_ns = std::max(schedule_->NextDue(), now_ns + kArrivalRetryNs);
  itimerspec at{};
  at.it_value.tv_sec = static_cast<time_t>(due_ns / kSecondNs);
  at.it_value.tv_nsec = static_cast<long>(due_ns % kSecondNs);
  CHECK(timerfd_settime(arrival_fd_, TFD_TIMER_ABSTIME, &at, nullptr) == 0);
}

void LoadRun::KickAll() {
  for (const auto& client : clients_) client->Kick();
}

void LoadRun::Interrupt() {
  interrupted_ = true;
  // Once more, and the process ends as ever.
  for (uv_signal_t& signal : signals_) uv_signal_stop(&signal);
  KickAll();
}

void LoadRun::PrintProgress() {
  const uint64_t flows = result_->flows;
  const double seconds = static_cast<double>(uv_hrtime() - started_ns_) / 1e9;
  const std::string line = fmt::format(
      "{}: {:.0f} s, {} done, {} a second, p99 {:.0f} us, {} errors", plan_->name, seconds, flows,
      flows - flows_at_last_line_, result_->latency.AtShare(0.99) / 1e3, result_->ErrorCount());
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  flows_at_last_line_ = flows;
}

}  // namespace cloakroom::bench
