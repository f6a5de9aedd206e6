#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/env/disk.h"
#include "store/node/shard.h"
#include "store/op/ack_level.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// The first thing in which `is` differs, to those who read it at `now`, from what it should be, or
/// in which its user index is not what its sessions make of it; or nothing.
[[nodiscard]] std::string KeyspaceDifference(const Keyspace& is, const Keyspace& should,
                                             TimeMs now);

/// Knows what was executed in the present lineage, record by record, and what was promised of it;
/// tells whether a keyspace or an image holds what it should. The checks return what is wrong, or
/// nothing.
class NodeOracle {
 public:
  explicit NodeOracle(uint32_t databases) : databases_(databases) {}

  /// Takes the records that `shard` has made since the last call.
  void Tap(Shard& shard);
  [[nodiscard]] uint64_t last() const { return records_.size(); }

  /// A reply has left that waited for record `sequence` to reach `level`.
  void Promise(AckLevel level, uint64_t sequence);
  /// What is left of the promises when the power goes: those of the disk. A kill leaves the others.
  void LosePower() { on_os_ = on_disk_; }
  /// No more was promised than that record `sequence` is there: what came later may have rotted.
  void Forgive(uint64_t sequence);
  [[nodiscard]] uint64_t promised() const { return on_os_; }

  /// A process has recovered into `shard`: all that was promised must be there, and what is there
  /// must be a prefix of what was executed. From now on it is all that was.
  [[nodiscard]] std::string CheckRecovered(Shard& shard);
  /// Whether `keys` is, to those who read it at `now`, what the records up to `sequence` make of
  /// an empty keyspace.
  [[nodiscard]] std::string CheckState(const Keyspace& keys, uint64_t sequence, TimeMs now);
  /// The same of the image at `path`, at its own sequence number and time.
  [[nodiscard]] std::string CheckImage(Disk& disk, const std::string& path);

 private:
  struct Record {
    RecordHeader header;
    std::string ops;
  };

  [[nodiscard]] std::string Compare(const Shard& shard) const;
  [[nodiscard]] const Keyspace& At(uint64_t sequence);

  const uint32_t databases_;
  std::vector<Record> records_;  // record n at n - 1
  uint64_t on_os_ = 0;           // promised
  uint64_t on_disk_ = 0;
  std::unique_ptr<Keyspace> reference_;  // what the first records make
  uint64_t reference_at_ = 0;            // so many of them
};

}  // namespace cloakroom
