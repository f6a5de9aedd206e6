#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/seeded_random.h"

namespace cloakroom {

/// What a simulated disk did to those who wrote.
struct SimDiskCounts {
  uint64_t dropped = 0;        // writes of which nothing was left after a power cut
  uint64_t torn = 0;           // of which a part was left
  uint64_t reordered = 0;      // power cuts that kept a later write and lost an earlier one
  uint64_t lost_sizes = 0;     // files that came back with an older size
  uint64_t lost_names = 0;     // names made, moved or removed that came back as before
  uint64_t cut_writes = 0;     // writes that ended midway because the process was killed
  uint64_t flipped = 0;        // bits
  uint64_t full = 0;           // operations refused because the disk was full
  uint64_t failed_writes = 0;  // refused for another reason
  uint64_t failed_syncs = 0;
  uint64_t slow = 0;       // operations that took long
  uint64_t overtaken = 0;  // operations that ended after one that began later

  void Add(const SimDiskCounts& other);
  [[nodiscard]] std::string Text() const;
  /// The smallest of them: 0 when some kind of fault never came.
  [[nodiscard]] uint64_t Least() const;
};

/// The contents of a simulated file: as processes see them, and as they are on the platter.
///
/// The platter learns of a sector when the file is synced, or at a power cut, by luck. A sector
/// that a failed sync was to write is forgotten: processes still see it, no later sync writes it.
class SimInode {
 public:
  static constexpr uint64_t kSectorBytes = 512;

  /// How much of `size` bytes at `offset` a write that fails midway leaves: whole sectors.
  [[nodiscard]] static uint64_t WholeSectors(uint64_t offset, uint64_t size) {
    const uint64_t end = (offset + size) / kSectorBytes * kSectorBytes;
    return end > offset ? end - offset : 0;
  }

  [[nodiscard]] const std::string& live() const { return live_; }
  /// Where the space ends that the file holds.
  [[nodiscard]] uint64_t reserved() const { return reserved_; }

  void Write(uint64_t offset, std::string_view bytes);
  void Allocate(uint64_t end);
  void Truncate(uint64_t size);
  /// Flips one bit of the platter, and of what is seen: it rotted.
  void FlipBit(uint64_t bit);

  /// What a sync that begins now is to make durable.
  struct Snapshot {
    std::map<uint64_t, std::string> sectors;
    uint64_t size = 0;
    uint64_t writes = 0;         // how many there were
    uint64_t sizes_changed = 0;  // how often
  };
  [[nodiscard]] Snapshot BeginSync() const;
  void EndSync(const Snapshot& snapshot, bool good);

  /// The power goes: of what was not synced some survives, by sectors. Where a write is cut off and
  /// nothing behind it survives, anywhere, a part of a sector may: `last` says that none was later.
  void Crash(Random& random, bool last, SimDiskCounts& counts);
  /// The disk's number of the newest write to it.
  uint64_t newest_write = 0;

 private:
  struct Extent {
    uint64_t offset;
    uint64_t size;
  };

  void Dirty(uint64_t offset, uint64_t size);
  void KeepSome(Random& random, std::string& platter) const;
  void KeepFirst(Random& random, bool last, std::string& platter) const;
  void Count(const std::string& platter, SimDiskCounts& counts) const;

  std::string live_;
  std::string platter_;
  std::map<uint64_t, bool> dirty_;  // sectors that the platter does not have
  std::deque<Extent> writes_;       // since the last sync, in order
  uint64_t writes_synced_ = 0;      // how many there were before those
  uint64_t sizes_changed_ = 0;      // how often
  uint64_t sizes_synced_ = 0;
  uint64_t reserved_ = 0;
};

}  // namespace cloakroom
