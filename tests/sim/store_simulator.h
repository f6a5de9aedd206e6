#pragma once

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/node_oracle.h"
#include "tests/sim/random_commands.h"
#include "tests/sim/sim_process.h"
#include "tests/sim/store_simulation.h"

namespace cloakroom {

/// The inside of SimulateStore: one seed, one run.
class StoreSimulator {
 public:
  static constexpr uint32_t kDatabases = 3;
  static constexpr std::string_view kDirectory = "/data";
  static constexpr std::string_view kLogDirectory = "/data/log";

  StoreSimulator(uint64_t seed, bool trace)
      : random_(seed), machine_(seed + 1), commands_(random_, kDatabases), trace_(trace) {}

  StoreSimulation Run();

 private:
  bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  template <typename... Args>
  void Trace(fmt::format_string<Args...> format, Args&&... args) {
    if (trace_)
      fmt::print("{:>7} {}\n", oracle_.last(), fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void Problem(fmt::format_string<Args...> format, Args&&... args) {
    if (!result_.problem.empty()) return;
    result_.problem = fmt::format(format, std::forward<Args>(args)...);
    Trace("PROBLEM {}", result_.problem);
  }
  void Expect(const char* what, const std::string& problem) {
    if (!problem.empty()) Problem("{}: {}", what, problem);
  }
  [[nodiscard]] bool good() const { return result_.problem.empty(); }

  void DrawOptions();
  void DrawFaults();
  void Live();

  // The start.
  bool Start();
  [[nodiscard]] std::optional<Result<void>> TryToStart();
  void AfterStart();
  void Refused(const Error& error);

  // While it lives.
  void Step();
  void StepRarely();
  void Execute();
  void CheckRefusal();
  void BeginImage();
  void LookAtJob();
  void Pass(TimeMs span_ms);
  void ComeBack();

  // The end.
  void End();
  bool StopCleanly();
  void Vanish(bool power);
  void Rot();
  [[nodiscard]] std::vector<std::string> FilesIn(std::string_view directory,
                                                 std::string_view suffix);

  /// A bit that was flipped since the last process ended.
  struct Flip {
    std::string path;
    uint64_t bit = 0;
    bool image = false;
    bool fatal = true;  // a start may stop because of it
  };

  SeededRandom random_;
  SimMachine machine_;
  RandomCommands commands_;
  NodeOracle oracle_{kDatabases};
  const bool trace_;
  StoreSimulation result_;

  Persistence::Options options_;
  uint64_t memory_bytes_ = 0;  // that may be in use beyond what an empty shard has
  EvictionPolicy eviction_ = EvictionPolicy::kNone;
  std::unique_ptr<SimProcess> process_;
  std::optional<uint64_t> job_;
  std::string job_path_;
  uint64_t saved_ = 0;  // the record of the newest finished image
  bool clean_ = false;  // the last process ended by itself, and well
  std::optional<Flip> flip_;
  bool log_is_rotten_ = false;  // somewhere, and no start has minded
};

}  // namespace cloakroom
