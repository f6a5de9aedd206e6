#include "tests/sim/wal_simulation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "tests/support/seeded_random.h"
#include "tests/unit/store/wal/wal_machine.h"

namespace cloakroom {
namespace {

class Simulator {
 public:
  explicit Simulator(uint64_t seed) : random_(seed), machine_(seed + 1) {}

  WalSimulation Run() {
    for (uint64_t lives = 1 + random_.Below(4); lives > 0 && problem().empty(); --lives) Live();
    if (problem().empty() && Chance(40)) Rot();
    result_.disk = machine_.disk.counts();
    return result_;
  }

 private:
  std::string& problem() { return result_.problem; }
  bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  template <typename... Args>
  void Problem(fmt::format_string<Args...> format, Args&&... args) {
    if (problem().empty()) problem() = fmt::format(format, std::forward<Args>(args)...);
  }

  GroupCommit::Options Options() {
    GroupCommit::Options options;
    options.policy = static_cast<SyncPolicy>(random_.Below(3));
    options.log.segment_bytes = 1000 + random_.Below(10'000);
    options.log.reserve_bytes = 500 + random_.Below(3000);
    return options;
  }

  /// A process, from its start to its end.
  void Live() {
    machine_.disk.faults = {};
    machine_.disk.capacity_bytes = UINT64_MAX;
    const Result<void> started = machine_.Start(Options(), from_);
    if (!started) return Problem("start: {}", started.error().message);
    CheckRecovered();
    promised_os_ = promised_disk_ = machine_.last;
    if (Chance(50)) machine_.disk.faults.slow = static_cast<uint32_t>(random_.Below(500));
    if (Chance(20)) machine_.disk.faults.write_fails = 30;
    if (Chance(20)) machine_.disk.faults.sync_fails = 50;
    for (uint64_t steps = random_.Below(150); steps > 0 && problem().empty(); --steps) {
      Step();
      CheckLevels();
      if (!machine_.failure.empty()) break;  // it says so and stops
    }
    End();
  }

  void Step() {
    switch (random_.Below(10)) {
      case 0:
        machine_.Pass(static_cast<TimeMs>(random_.Below(40)));
        break;
      case 1:
        machine_.Pass(static_cast<TimeMs>(Chance(20) ? random_.Below(1500) : 1));
        break;
      case 2:
        machine_.log->NeedDisk(random_.Below(machine_.last + 1));
        machine_.log->EndTurn();
        break;
      case 3:
        StepRarely();
        break;
      case 4:
      case 5:
        machine_.disk.Poll();
        break;
      default:
        Append();
    }
  }

  void StepRarely() {
    switch (random_.Below(4)) {
      case 0:
        machine_.log->set_policy(static_cast<SyncPolicy>(random_.Below(3)));
        break;
      case 1:  // an image is safe
        from_ = std::max(from_, promised_disk_ + 1 - random_.Below(promised_disk_ + 1));
        machine_.log->writer().DropBefore(from_, HeaderOf(machine_.last).time_ms);
        break;
      case 2:
        machine_.disk.capacity_bytes = machine_.disk.UsedBytes() + random_.Below(3000);
        break;
      default:
        machine_.disk.capacity_bytes = UINT64_MAX;
    }
  }

  void Append() {
    const size_t size_bytes = Chance(3) ? random_.Below(6000) : 10 + random_.Below(200);
    const uint64_t count = 1 + random_.Below(4);
    const LogRoom room = machine_.log->MakeRoom(count * (size_bytes + kWalFrameBytes));
    if (room == LogRoom::kLater) machine_.log->EndTurn();
    if (room != LogRoom::kYes) {
      ++result_.refusals;
      return;
    }
    const size_t segments = machine_.log->writer().segments();
    for (uint64_t records = count; records > 0; --records) {
      machine_.Append(size_bytes);
      appended_[machine_.last] = size_bytes;
      ++result_.records;
    }
    machine_.log->EndTurn();
    machine_.disk.Poll();
    result_.segments += machine_.log->writer().segments() > segments ? 1 : 0;
  }

  void CheckLevels() {
    const uint64_t os = machine_.os();
    const uint64_t disk = machine_.on_disk();
    if (os < promised_os_ || disk < promised_disk_) Problem("a level fell");
    if (disk > os || os > machine_.last) Problem("levels: disk {}, os {}", disk, os);
    // Whatever becomes of the disk: what was accepted has its space.
    const uint64_t room = machine_.log->writer().RoomBytes();
    if (machine_.log->PendingBytes() > room)
      Problem("{} bytes for a room of {}", machine_.log->PendingBytes(), room);
    promised_os_ = os;
    promised_disk_ = disk;
  }

  void End() {
    clean_ = Chance(20) && StopCleanly();
    const bool power = Chance(70);
    promised_ = power ? promised_disk_ : promised_os_;
    power ? machine_.CutPower() : machine_.Kill();
  }

  bool StopCleanly() {
    std::optional<Result<void>> stopped;
    machine_.log->Stop([&stopped](Result<void> result) { stopped = std::move(result); });
    for (int i = 0; i < 10 && !stopped; ++i) machine_.Pass(100);
    if (!stopped) Problem("it does not stop");
    CheckLevels();
    const bool good = stopped && *stopped;
    if (good && promised_disk_ != machine_.last) Problem("stopped at {}", promised_disk_);
    return good;
  }

  void CheckRecovered() {
    ++result_.recoveries;
    uint64_t expected = from_;
    for (const auto& [header, ops] : machine_.recovered) {
      if (header.sequence != expected) return Problem("{} for {}", header.sequence, expected);
      const auto appended = appended_.find(expected);
      if (appended == appended_.end()) return Problem("record {} was never appended", expected);
      if (ops != OpsOf(expected, appended->second) ||
          header.time_ms != HeaderOf(expected).time_ms || header.epoch != HeaderOf(expected).epoch)
        return Problem("record {} is not what was appended", expected);
      ++expected;
    }
    const uint64_t last = machine_.last;
    if (last < promised_) Problem("{} was promised, {} is there", promised_, last);
    if (!appended_.empty() && last < appended_.rbegin()->first) ++result_.cut_back;
    appended_.erase(appended_.upper_bound(last), appended_.end());
  }

  /// One bit of the log that the last process has left.
  void Rot() {
    const std::vector<std::string> names = *machine_.disk.ListNow("/log");
    if (names.empty()) return;
    const std::string path = "/log/" + names[random_.Below(names.size())];
    const std::string& bytes = machine_.disk.Contents(path);
    const size_t used = bytes.find_last_not_of('\0') + 1;  // npos + 1: none
    if (used == 0) return;
    machine_.disk.FlipBit(path, random_.Below(used * 8));
    machine_.disk.capacity_bytes = UINT64_MAX;
    const Result<void> started = machine_.Start(Options(), from_);
    if (!started && started.error().code != Code::kDamaged)
      return Problem("rotten: {}", started.error().message);
    result_.damage += started ? 0 : 1;
    if (!started) return;
    // Only after a clean end does the log say of all its records that they were durable.
    if (!clean_) promised_ = 0;
    CheckRecovered();
  }

  SeededRandom random_;
  WalMachine machine_;
  WalSimulation result_;
  std::map<uint64_t, size_t> appended_;  // sizes of the records since the oldest that was cut
  uint64_t from_ = 1;                    // an image has what is before
  uint64_t promised_os_ = 0;
  uint64_t promised_disk_ = 0;
  uint64_t promised_ = 0;  // to those who asked the process that has ended
  bool clean_ = false;     // it ended by itself
};

}  // namespace

WalSimulation SimulateWal(uint64_t seed) { return Simulator(seed * 7919).Run(); }

}  // namespace cloakroom
