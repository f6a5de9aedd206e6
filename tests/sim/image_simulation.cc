#include "tests/sim/image_simulation.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/image/image_loader.h"
#include "store/image/image_scan.h"
#include "tests/sim/session_player.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/keyspace_player.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_disk.h"

namespace cloakroom {
namespace {

constexpr char kPath[] = "/images/one";

struct State {
  KeyspaceDump keys;
  std::vector<std::string> sessions;
  std::vector<std::string> wrong;
};

State StateOf(const Keyspace& keys, TimeMs time) {
  State state;
  state.keys = DumpKeyspace(keys, time);
  keys.sessions().Describe(time, [&](std::string_view line) { state.sessions.emplace_back(line); });
  std::sort(state.sessions.begin(), state.sessions.end());
  state.wrong = keys.sessions().Inconsistencies();
  return state;
}

/// The first thing in which `is` is not what it should be; empty: nothing.
std::string Difference(const State& is, const State& should) {
  if (!is.wrong.empty()) return "the sessions do not agree with themselves: " + is.wrong.front();
  for (size_t db = 0; db < should.keys.size(); ++db) {
    for (const auto& [key, value] : should.keys[db]) {
      const auto found = is.keys[db].find(key);
      if (found == is.keys[db].end()) return fmt::format("db {}: {} is missing", db, key);
      if (found->second != value)
        return fmt::format("db {}: {} is {}, should be {}", db, key, found->second.substr(0, 200),
                           value.substr(0, 200));
    }
    for (const auto& [key, value] : is.keys[db])
      if (!should.keys[db].contains(key)) return fmt::format("db {}: {} is too many", db, key);
  }
  std::vector<std::string> lines;
  std::set_symmetric_difference(is.sessions.begin(), is.sessions.end(), should.sessions.begin(),
                                should.sessions.end(), std::back_inserter(lines));
  return lines.empty() ? "" : fmt::format("{} lines differ: {}", lines.size(), lines.front());
}

class ImageSimulation {
 public:
  explicit ImageSimulation(uint64_t seed)
      : dice_(seed), player_(seed), sessions_(player_.log, seed * 31 + 7) {
    player_.keys = 10 + dice_.Below(300);
    player_.large_bytes = 200'000;
    player_.whole_every = dice_.Below(4) == 0 ? 2 : 200;
  }

  ImageRun Run() {
    for (uint64_t i = dice_.Below(3000); i > 0; --i) Live();
    ImageRun run;
    do {
      Begin();
      run.records_meanwhile = player_.log.records.size();
      while (!Step()) {
        for (uint64_t i = dice_.Below(10); i > 0; --i) Live();
        // Given up: whatever it has left behind, the next one starts from nothing.
        if (dice_.Below(100) == 0) Begin();
      }
      run.records_meanwhile = player_.log.records.size() - header_.sequence;
      run.entries = scan_->entries();
      scan_.reset();
      run.problem = Load();
    } while (run.problem.empty() && dice_.Below(3) == 0);
    return run;
  }

 private:
  KeyspaceLog& log() { return player_.log; }

  /// A record or two; time and sweeps.
  void Live() {
    if (dice_.Below(2) == 0)
      player_.Step();
    else
      sessions_.Step();
    if (dice_.Below(20) == 0) log().now += static_cast<TimeMs>(dice_.Below(30'000));
    Tidy(log().keys, log().now);
  }
  void Tidy(Keyspace& keys, TimeMs now) {
    const uint64_t kind = dice_.Below(30);
    if (kind < 6) keys.Sweep(now, 1 + dice_.Below(60));
    if (kind == 6) keys.DrainDetached(dice_.Below(500));
    if (kind == 7) keys.PackStill();
    if (kind == 8 && dice_.Below(10) == 0) keys.SweepDetached();
  }

  void Begin() {
    scan_.reset();
    image_.clear();
    header_ = {.sequence = log().records.size(), .epoch = 1, .time_ms = log().now};
    then_ = StateOf(log().keys, log().now);
    const ImageScan::Options options{.zstd_level = dice_.Below(2) == 0 ? 0 : 1};
    scan_ = std::make_unique<ImageScan>(log().keys, header_, options);
  }
  bool Step() {
    const bool done = scan_->Step(1 + dice_.Below(dice_.Below(3) == 0 ? 200 : 8));
    if (done || dice_.Below(5) == 0) image_ += scan_->Take();
    return done;
  }

  std::string Load() {
    ManualClock clock;
    SimDisk disk(clock, 1);
    if (!disk.MakeDirectoryNow("/images")) return "no directory";
    const auto file = disk.OpenNow(kPath, Disk::Mode::kCreate);
    if (!file || !(*file)->WriteNow(0, image_)) return "no file";
    const Result<ImageInfo> checked = CheckImage(disk, kPath);
    if (!checked) return checked.error().message;

    Keyspace loaded(KeyspacePlayer::kDatabases, dice_.Draw());
    Result<ImageLoader> loader = ImageLoader::Open(disk, kPath);
    if (!loader) return loader.error().message;
    while (true) {
      const Result<bool> more = loader->Step(loaded, 1 + dice_.Below(10'000));
      if (!more) return more.error().message;
      if (!*more) break;
    }
    std::string problem = Difference(StateOf(loaded, header_.time_ms), then_);
    if (!problem.empty()) return "the image is not what was: " + problem;

    const auto& records = log().records;
    for (size_t i = header_.sequence; i < records.size(); ++i) {
      loaded.Apply(records[i].header, records[i].ops);
      Tidy(loaded, records[i].header.time_ms);
    }
    problem = Difference(StateOf(loaded, log().now), StateOf(log().keys, log().now));
    return problem.empty() ? "" : "image and tail are not what is: " + problem;
  }

  SeededRandom dice_;
  KeyspacePlayer player_;
  SessionPlayer sessions_;
  std::unique_ptr<ImageScan> scan_;
  ImageHeader header_;
  State then_;
  std::string image_;
};

}  // namespace

ImageRun SimulateImage(uint64_t seed) { return ImageSimulation(seed).Run(); }

}  // namespace cloakroom
