#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/base/check.h"
#include "store/op/op_reader.h"
#include "store/op/write_batch.h"
#include "store/table/session_space.h"
#include "tests/support/seeded_random.h"

namespace cloakroom {

/// Sessions with a log of their own and a clock that the test moves: commits a batch as a shard
/// does, and can give the same log to another SessionSpace.
class SessionShard {
 public:
  explicit SessionShard(uint64_t seed = 1) : random(seed), space(seed * 31 + 7) {}

  /// Applies `batch` at `now`, logs and clears it.
  void Commit() {
    if (batch.empty()) return;
    log.emplace_back(now, batch.bytes());
    Apply(space, log.size(), now, batch.bytes());
    batch.Clear();
  }

  /// The batch of a command that was refused must be empty.
  [[nodiscard]] bool Dropped() {
    const bool empty = batch.empty();
    batch.Clear();
    return empty;
  }

  static void Apply(SessionSpace& to, uint64_t sequence, TimeMs time, std::string_view ops) {
    OpReader reader(ops);
    Op op;
    while (reader.Next(op)) to.Apply({sequence, 1, time}, op);
    CHECK(reader.ok());
  }

  /// Frees all that is dead.
  void SweepAll() {
    for (int i = 0; i < 10'000 && !space.Sweep(now, 1000); ++i) {
    }
  }

  /// The state as of `time`, line by line, in one order.
  static std::vector<std::string> Lines(const SessionSpace& of, TimeMs time) {
    std::vector<std::string> lines;
    of.Describe(time, [&](std::string_view line) { lines.emplace_back(line); });
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  SeededRandom random;
  SessionSpace space;
  WriteBatch batch;
  TimeMs now = 1'700'000'000'000;
  std::vector<std::pair<TimeMs, std::string>> log;
};

}  // namespace cloakroom
