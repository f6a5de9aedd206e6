#include "tests/sim/store_simulation.h"

#include <algorithm>

#include "store/base/check.h"
#include "store/base/log.h"
#include "tests/sim/store_simulator.h"

namespace cloakroom {

StoreSimulation StoreSimulator::Run() {
  DrawOptions();
  CHECK(machine_.disk.MakeDirectoryNow(std::string(kDirectory)) &&
        machine_.disk.SyncDirectoryNow("/"));
  for (uint64_t lives = 1 + random_.Below(5); lives > 0 && good(); --lives) {
    Live();
    if (good() && Chance(30)) Rot();
  }
  if (good() && Start()) process_.reset();
  result_.disk = machine_.disk.counts();
  result_.records = oracle_.last();
  return result_;
}

void StoreSimulator::DrawOptions() {
  options_.directory = kDirectory;
  options_.log_name = "log";
  options_.sync = static_cast<SyncPolicy>(random_.Below(3));
  options_.log_segment_bytes = 2000 + random_.Below(20'000);
  options_.log_reserve_bytes = 500 + random_.Below(4000);
  options_.images_kept = static_cast<uint32_t>(1 + random_.Below(3));
  options_.zstd_level = Chance(30) ? 1 : 0;
  options_.log_growth_percent = Chance(50) ? 100 : 0;
  options_.log_bytes_min = 2000 + random_.Below(20'000);
  if (Chance(50)) options_.log_keep_bytes = random_.Below(20'000);
  if (Chance(20)) options_.log_keep_ms = static_cast<TimeMs>(random_.Below(5000));
  if (Chance(40))
    options_.save_rules = {{static_cast<TimeMs>(random_.Below(3000)), 1 + random_.Below(100)}};
  options_.stop_writes_on_failure = Chance(70);
  if (!Chance(15)) return;
  memory_bytes_ = 10'000 + random_.Below(100'000);
  eviction_ = static_cast<EvictionPolicy>(
      random_.Below(static_cast<uint64_t>(EvictionPolicy::kSessionsAnonymousFirst) + 1));
}

void StoreSimulator::DrawFaults() {
  SimDisk::Faults& faults = machine_.disk.faults;
  if (Chance(40)) faults.slow = static_cast<uint32_t>(random_.Below(500));
  if (Chance(15)) faults.write_fails = 20;
  if (Chance(12)) faults.sync_fails = 30;
}

/// A process, from its start to its end.
void StoreSimulator::Live() {
  if (!Start()) return;
  DrawFaults();
  for (uint64_t steps = random_.Below(120); steps > 0 && good() && process_->failure.empty();
       --steps)
    Step();
  if (!good()) return;
  if (process_->failure.empty() && Chance(25)) ComeBack();
  if (good() && Chance(30))
    Expect("while it lives",
           oracle_.CheckState(process_->shard.keys(), oracle_.last(), process_->shard.now()));
  End();
}

// While it lives

void StoreSimulator::Step() {
  switch (random_.Below(12)) {
    case 0:
      Pass(static_cast<TimeMs>(random_.Below(60)));
      break;
    case 1:
      Pass(static_cast<TimeMs>(Chance(20) ? random_.Below(2500) : 1));
      break;
    case 2:
      StepRarely();
      break;
    case 3:
    case 4:
      machine_.disk.Poll();
      break;
    case 5:
      machine_.loop.Poll();
      break;
    default:
      Execute();
  }
  LookAtJob();
}

void StoreSimulator::StepRarely() {
  switch (random_.Below(7)) {
    case 0:
      options_.sync = static_cast<SyncPolicy>(random_.Below(3));
      process_->persistence.SetOptions(options_);
      Trace("syncs by policy {}", static_cast<int>(options_.sync));
      break;
    case 1:
      machine_.disk.capacity_bytes = machine_.disk.UsedBytes() + random_.Below(4000);
      Trace("the disk is full but for {}",
            machine_.disk.capacity_bytes - machine_.disk.UsedBytes());
      break;
    case 2:
      machine_.disk.capacity_bytes = UINT64_MAX;
      break;
    case 3:
      process_->persistence.Housekeep();
      break;
    default:
      BeginImage();
  }
}

void StoreSimulator::Execute() {
  for (uint64_t commands = 1 + random_.Below(5); commands > 0 && good(); --commands) {
    if (process_->shard.Congested()) return;
    const RandomCommands::Words words = commands_.Next();
    const uint64_t before = oracle_.last();
    const uint64_t evicted = process_->shard.evictor().counters().evicted_keys;
    const std::string reply = process_->Run(words);
    commands_.Learn(words, reply);
    result_.counts.evictions += process_->shard.evictor().counters().evicted_keys - evicted;
    Trace("{} {} -> {}", words[0], words.size() > 1 ? words[1] : "",
          reply.substr(0, reply.find('\r')));
    if (reply.find("MISCONF") == std::string::npos) continue;
    ++result_.counts.refused_writes;
    // Within a transaction a single command may be refused, by what those before it have written.
    if (reply.front() != '*' && oracle_.last() != before)
      Problem("a write that was refused has made a record");
    CheckRefusal();
  }
  process_->shard.EndTurn();
  process_->Release();
}

/// While writes are refused, reads go on.
void StoreSimulator::CheckRefusal() {
  const std::string reply = process_->Run({"STRLEN", "nothing"});
  if (reply.find("MISCONF") != std::string::npos) Problem("a read is answered {}", reply);
}

void StoreSimulator::BeginImage() {
  if (const Result<uint64_t> begun = process_->persistence.BeginImage()) {
    job_ = *begun;
    Trace("an image begins");
  }
}

void StoreSimulator::LookAtJob() {
  if (!job_) return;
  const std::optional<Result<void>> ended = process_->persistence.JobResult(*job_);
  if (!ended) return;
  job_.reset();
  Trace("the image ends: {}", *ended ? "well" : ended->error().message);
  if (!*ended) {
    ++result_.counts.failed_images;
    return;
  }
  ++result_.counts.images;
  const std::vector<std::string> images = FilesIn(kDirectory, ".img");
  if (images.empty()) return Problem("the image that was finished is not there");
  saved_ = process_->persistence.status().last_save_sequence;
  if (Chance(40)) Expect("an image", oracle_.CheckImage(machine_.disk, images.back()));
}

void StoreSimulator::Pass(TimeMs span_ms) {
  for (TimeMs left = span_ms; left > 0 && process_->failure.empty(); left -= 10) {
    machine_.Pass(0);
    machine_.clock.Advance(std::min<TimeMs>(left, 10));
    if (left % 100 < 10) process_->persistence.Housekeep();
  }
}

/// The disk is well again: writes are accepted, and whoever waits gets his reply.
void StoreSimulator::ComeBack() {
  machine_.disk.faults = {};
  machine_.disk.capacity_bytes = UINT64_MAX;
  bool written = false;
  for (int i = 0; i < 80 && good() && process_->failure.empty(); ++i) {
    Pass(150);
    LookAtJob();
    if (written && process_->held() == 0) {
      ++result_.counts.came_back;
      return;
    }
    if (!written) written = process_->Run({"DEL", "nothing"}).find("MISCONF") == std::string::npos;
    process_->shard.EndTurn();
  }
  if (!good() || !process_->failure.empty()) return;
  if (!written) return Problem("writes do not come back: {}", process_->shard.refusal());
  Problem("{} replies do not leave", process_->held());
}

StoreSimulation SimulateStore(uint64_t seed, bool trace) {
  if (trace) SetLogSink([](LogLevel, std::string_view line) { fmt::print("        {}\n", line); });
  return StoreSimulator(seed * 7919, trace).Run();
}

}  // namespace cloakroom
