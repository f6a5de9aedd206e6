#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/wal/group_commit.h"
#include "store/wal/wal_recovery.h"
#include "tests/support/sim_machine.h"
#include "tests/unit/store/wal/wal_builder.h"

namespace cloakroom {

/// A machine with a disk, on which a process keeps a log, again and again.
class WalMachine : public SimMachine {
 public:
  using SimMachine::SimMachine;

  /// A process starts: recovers from record `from` on, and goes on behind what it has found, which
  /// is in `recovered`.
  [[nodiscard]] Result<void> Start(GroupCommit::Options options, uint64_t from = 1) {
    recovered.clear();
    failure.clear();
    TRY(const WalEnd end,
        RecoverWal(disk, "/log", from, [this](const RecordHeader& header, std::string_view ops) {
          recovered.emplace_back(header, std::string(ops));
          return true;
        }));
    options.log.directory = "/log";
    options.log.history = end.history.value_or(kTestHistory);
    log = std::make_unique<GroupCommit>(
        clock, loop, disk, std::move(options),
        GroupCommit::Events{.changed = [this] { ++changes; },
                            .failed = [this](const Error& error) { failure = error.message; }});
    last = std::max(end.newest.sequence, from - 1);
    return log->StartNow(end, last);
  }

  /// The process is gone; of what is under way, see SimDisk.
  void Kill() {
    log.reset();
    disk.KillProcess();
  }
  void CutPower() {
    log.reset();
    disk.Crash();
  }

  void Append(size_t size_bytes = 20) {
    ++last;
    log->Append(HeaderOf(last), OpsOf(last, size_bytes));
  }
  void AppendTurn(size_t records = 1) {
    while (records-- > 0) Append();
    log->EndTurn();
  }

  [[nodiscard]] uint64_t os() const { return log->Reached(AckLevel::kOs); }
  [[nodiscard]] uint64_t on_disk() const { return log->Reached(AckLevel::kDisk); }

  std::unique_ptr<GroupCommit> log;
  std::vector<std::pair<RecordHeader, std::string>> recovered;
  uint64_t last = 0;    // appended
  int changes = 0;      // told
  std::string failure;  // told
};

}  // namespace cloakroom
