#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/check.h"
#include "store/node/persistence.h"
#include "store/node/shard.h"
#include "store/op/write_batch.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_machine.h"

namespace cloakroom {

/// A shard of one database that is kept in /data of a simulated machine, process after process.
class PersistentShard {
 public:
  PersistentShard() {
    CHECK(machine.disk.MakeDirectoryNow("/data") && machine.disk.SyncDirectoryNow("/"));
    options.directory = "/data";
    options.log_name = "log";
    options.sync = SyncPolicy::kAlways;
  }

  /// A process begins; it has not looked at the disk yet.
  void Begin() {
    End();
    shard = std::make_unique<Shard>(machine.clock, random_, Shard::Options{.databases = 1});
    persistence = std::make_unique<Persistence>(machine.clock, random_, machine.loop, machine.disk,
                                                *shard, options);
    persistence->SetEvents({.changed = [] {},
                            .job_done = [this] { ++jobs_done; },
                            .failed = [this](const Error& error) { failure = error.message; }});
  }
  [[nodiscard]] Result<void> Start() {
    Begin();
    return persistence->LoadNow();
  }
  /// The process is killed.
  void End() {
    persistence.reset();
    shard.reset();
    machine.disk.KillProcess();
  }

  /// Sets a key, as a command of its own, and waits until it is on disk. Returns its record.
  uint64_t Put(std::string_view key, std::string_view value = "value") {
    shard->BeginTurn();
    batch_.PutString(0, shard->keys().Ref(key), value, kNoDeadline);
    const uint64_t sequence = shard->Commit(batch_);
    shard->EndTurn();
    machine.Settle();
    return sequence;
  }
  [[nodiscard]] bool Has(std::string_view key) const {
    return shard->keys().Find(0, shard->keys().Ref(key), shard->now()) != nullptr;
  }

  /// Lets `span_ms` pass, with the turns and the upkeep of a server.
  void Pass(TimeMs span_ms) {
    for (; span_ms >= 0; span_ms -= 10) {
      shard->BeginTurn();
      persistence->Housekeep();
      persistence->Step();
      shard->EndTurn();
      machine.Settle();
      machine.clock.Advance(10);
    }
  }
  /// Takes an image. Returns how the job ended; nothing: it did not.
  std::optional<Result<void>> Save() {
    const Result<uint64_t> job = persistence->BeginImage();
    if (!job) return tl::unexpected(job.error());
    Pass(200);
    return persistence->JobResult(*job);
  }

  /// The names of the images and what became of them.
  [[nodiscard]] std::vector<std::string> Files() { return *machine.disk.ListNow("/data"); }
  [[nodiscard]] std::vector<std::string> Segments() { return *machine.disk.ListNow("/data/log"); }

  SimMachine machine{1};
  Persistence::Options options;
  std::unique_ptr<Shard> shard;
  std::unique_ptr<Persistence> persistence;
  std::string failure;
  int jobs_done = 0;

 private:
  SeededRandom random_{2};
  WriteBatch batch_;
};

}  // namespace cloakroom
