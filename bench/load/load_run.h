#pragma once

#include <sys/types.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "bench/load/client.h"
#include "bench/load/schedule.h"
#include "bench/load/stage.h"

namespace cloakroom::bench {

/// The connections of one run, and the stages that they go through together, on one thread.
class LoadRun final : public ClientOwner {
 public:
  struct Setup {
    Endpoint endpoint;
    uint32_t clients = 50;
    uint32_t lanes = 1;
    std::optional<pid_t> server;  // whose processor time and memory to read
    bool progress = false;        // a line on standard error each second
  };

  explicit LoadRun(Setup setup);
  ~LoadRun() override;
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  /// Opens all connections.
  ///   errors  kUnavailable  the name does not resolve, or a connection or AUTH is refused
  [[nodiscard]] Result<void> Connect();

  /// Runs one stage to its end. Failures are in the result's errors; when a connection is lost, the
  /// others go on. SIGINT and SIGTERM end it, and all later ones, early. Precondition: connected.
  [[nodiscard]] StageResult Run(const StagePlan& plan);

  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  bool TakeFlow(uint64_t now_ns, uint64_t& counted_from_ns) override;
  bool NoMoreFlows(uint64_t now_ns) override;
  void OnAnswered() override;

  /// Hands the arrivals that are due to clients in turn, and sets the clock for the next one.
  void PumpArrivals();
  void KickAll();
  void Interrupt();
  void PrintProgress();

  Setup setup_;
  uv_loop_t loop_;
  uv_timer_t progress_timer_;
  uv_signal_t signals_[2];  // SIGINT and SIGTERM end the stage early, with what was measured
  uv_poll_t arrival_poll_;
  int arrival_fd_ = -1;
  ReadBuffer buffer_;
  std::vector<std::unique_ptr<Client>> clients_;
  size_t awaited_ = 0;      // clients whose answer the loop runs for
  size_t next_client_ = 0;  // whose turn the next arrival is
  const StagePlan* plan_ = nullptr;
  StageResult* result_ = nullptr;
  std::optional<Schedule> schedule_;
  uint64_t started_ns_ = 0;
  uint64_t taken_ = 0;
  bool interrupted_ = false;
  uint64_t flows_at_last_line_ = 0;
};

}  // namespace cloakroom::bench
