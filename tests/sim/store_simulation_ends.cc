// How the processes of a run begin and end, and what becomes of the disk in between.

#include "tests/sim/store_simulator.h"

namespace cloakroom {

// The start

bool StoreSimulator::Start() {
  machine_.disk.faults = {};
  machine_.disk.capacity_bytes = UINT64_MAX;
  if (Chance(10)) machine_.clock.JumpWall(static_cast<TimeMs>(random_.Below(4000)) - 2000);
  while (good()) {
    const std::optional<Result<void>> started = TryToStart();
    if (!started) continue;  // it ended on the way
    if (*started) {
      AfterStart();
      return good();
    }
    Refused(started->error());
  }
  return false;
}

/// Nothing: it was killed, or the power went, before it was there.
std::optional<Result<void>> StoreSimulator::TryToStart() {
  job_.reset();
  if (Chance(15)) machine_.disk.power_left = random_.Below(25);
  const bool kill = Chance(5);
  process_ = std::make_unique<SimProcess>(machine_, random_, oracle_, kDatabases, options_);
  Result<void> result = process_->persistence.Open();
  while (result && process_->persistence.loading()) {
    if (kill && Chance(30)) {
      ++result_.counts.ends_in_start;
      Vanish(Chance(50));
      return std::nullopt;
    }
    const Result<bool> more = process_->persistence.Load();
    if (!more) result = tl::unexpected(more.error());
  }
  if (machine_.disk.power_left == 0) {
    ++result_.counts.ends_in_start;
    Vanish(true);
    return std::nullopt;
  }
  machine_.disk.power_left = UINT64_MAX;
  return result;
}

void StoreSimulator::AfterStart() {
  ++result_.lives;
  Shard& shard = process_->shard;
  shard.BeginTurn();
  const uint64_t executed = oracle_.last();
  if (flip_ && flip_->image) {
    ++result_.counts.fallbacks;
    saved_ = 0;
  } else if (flip_) {
    // Only after a clean end does the log say of all its records that they were durable.
    if (!clean_) oracle_.Forgive(saved_);
    log_is_rotten_ = true;
  }
  flip_.reset();
  Expect("after the start", oracle_.CheckRecovered(shard));
  if (oracle_.last() < saved_) Problem("{} was in an image, {} is there", saved_, oracle_.last());
  result_.counts.cut_back += oracle_.last() < executed ? 1 : 0;
  Trace("started: {} of {} records", oracle_.last(), executed);
  if (memory_bytes_ == 0) return;
  Shard::MemoryOptions memory;
  memory.limit_bytes = shard.Measure().Used() + memory_bytes_;
  memory.eviction.policy = eviction_;
  shard.SetMemoryOptions(memory);
}

/// Right only where something has rotted that cannot be done without. Then a person puts it right.
void StoreSimulator::Refused(const Error& error) {
  Trace("the start is refused: {}", error.message);
  if (!flip_ || !flip_->fatal || error.code != Code::kDamaged)
    return Problem("the start is refused: {}", error.message);
  const size_t slash = flip_->path.rfind('/');
  const std::string directory = flip_->path.substr(0, slash + 1);
  if (error.message.find(directory) == std::string::npos)
    return Problem("an error that does not name a file of {}: {}", directory, error.message);
  ++result_.counts.refused_starts;
  process_.reset();
  machine_.disk.KillProcess();
  machine_.disk.FlipBit(flip_->path, flip_->bit);
  flip_.reset();
}

// The end

void StoreSimulator::End() {
  if (!process_->failure.empty()) {
    Trace("it stops: {}", process_->failure);
    ++result_.counts.failed_sync_stops;
  }
  clean_ = process_->failure.empty() && Chance(20) && StopCleanly();
  result_.counts.ends_in_image += process_->persistence.status().saving ? 1 : 0;
  Vanish(Chance(70));
}

bool StoreSimulator::StopCleanly() {
  process_->shard.EndTurn();
  std::optional<Result<void>> stopped;
  process_->persistence.Stop([&stopped](Result<void> result) { stopped = std::move(result); });
  machine_.loop.SetTurn({});
  for (int i = 0; i < 100 && !stopped; ++i) machine_.Pass(10);
  if (!stopped) Problem("it does not stop");
  if (!stopped || !*stopped) return false;
  ++result_.counts.clean_ends;
  oracle_.Promise(AckLevel::kDisk, oracle_.last());
  if (Chance(50) && process_->persistence.SaveNow())
    saved_ = process_->persistence.status().last_save_sequence;
  return true;
}

void StoreSimulator::Vanish(bool power) {
  Trace("{}; promised are {}", power ? "the power goes" : "it is killed", oracle_.promised());
  process_.reset();
  ++(power ? result_.counts.power_cuts : result_.counts.kills);
  if (power) {
    machine_.disk.Crash();
    oracle_.LosePower();
  } else {
    machine_.disk.KillProcess();
  }
}

std::vector<std::string> StoreSimulator::FilesIn(std::string_view directory,
                                                 std::string_view suffix) {
  std::vector<std::string> paths;
  for (const std::string& name :
       machine_.disk.ListNow(std::string(directory)).value_or(std::vector<std::string>{}))
    if (name.ends_with(suffix)) paths.push_back(fmt::format("{}/{}", directory, name));
  return paths;
}

/// One bit of the newest image, or of the log.
void StoreSimulator::Rot() {
  if (log_is_rotten_) return;
  Flip flip;
  flip.image = Chance(60);
  const std::vector<std::string> files =
      FilesIn(flip.image ? kDirectory : kLogDirectory, flip.image ? ".img" : "");
  if (files.empty()) return;
  flip.path = flip.image ? files.back() : files[random_.Below(files.size())];
  const std::string& bytes = machine_.disk.Contents(flip.path);
  const size_t used = bytes.find_last_not_of('\0') + 1;  // npos + 1: none
  if (used == 0) return;
  flip.bit = random_.Below((flip.image ? bytes.size() : used) * 8);
  flip.fatal = !flip.image || files.size() < 2 || options_.images_kept < 2;
  machine_.disk.FlipBit(flip.path, flip.bit);
  ++(flip.image ? result_.counts.rotten_images : result_.counts.rotten_logs);
  Trace("bit {} of {} rots", flip.bit, flip.path);
  flip_ = std::move(flip);
}

}  // namespace cloakroom
