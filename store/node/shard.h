#pragma once

#include <cstdint>
#include <memory>

#include "store/base/result.h"
#include "store/base/time.h"
#include "store/env/clock.h"
#include "store/env/random.h"
#include "store/op/op_log.h"
#include "store/op/write_batch.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// How far a record must have come before the reply that depends on it may leave.
enum class AckLevel : uint8_t { kMemory, kOs, kDisk, kReplicas };

/// The commit path of one shard: time, log, keyspace. One command's batch, or all of an EXEC, is
/// one record.
class Shard {
 public:
  struct Options {
    uint32_t databases = 16;
    uint64_t backlog_bytes_max = 1 << 20;
  };
  Shard(Clock& clock, Random& random, const Options& options);
  ~Shard();

  /// Reads the clock once for a turn: now() = max(wall clock, newest record's time), never back;
  /// while the wall clock is behind it runs on by the monotonic one.
  void BeginTurn();
  [[nodiscard]] TimeMs now() const;

  /// Applies `batch` and appends it to the log; clears it. Inside an open record the ops are
  /// applied now and logged when the record closes. Returns the record's sequence number; for an
  /// empty batch, which leaves no record, that of the newest one.
  uint64_t Commit(WriteBatch& batch);

  /// Between these, commits make up one record (EXEC), or none when nothing was written. Not
  /// nested; no turn begins and nothing is swept meanwhile.
  void OpenRecord();
  void CloseRecord();

  /// Logs the time when a deadline passed and nothing was written since, or a second went by
  /// without a record; then frees what is dead by the log, about `budget` units. Returns false
  /// when more is left to do now.
  bool Sweep(size_t budget);

  [[nodiscard]] Keyspace& keys();
  [[nodiscard]] const Keyspace& keys() const;
  [[nodiscard]] OpLog& log();
  /// The sequence number up to which records have reached `level`. The log is in memory only, so
  /// none ever reaches another level than kMemory.
  [[nodiscard]] uint64_t Reached(AckLevel level) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
