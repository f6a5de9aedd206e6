#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/env/disk.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_inode.h"

namespace cloakroom {

/// A disk in memory, from a seed, with the faults of a real one. Time is the manual clock's;
/// nothing that is under way ends but in Poll, and then in any order.
class SimDisk final : public Disk {
 public:
  /// Chances in 1000, for each operation that does not block.
  struct Faults {
    uint32_t slow = 0;         // it takes up to `slow_ms`
    uint32_t write_fails = 0;  // after a part of it
    uint32_t sync_fails = 0;   // and what it was to write is forgotten
    TimeMs slow_ms = 30;
  };

  SimDisk(ManualClock& clock, uint64_t seed) : clock_(clock), random_(seed) {}
  ~SimDisk() override = default;

  // What the machine's side does.

  /// Ends what is due. Returns whether there was anything.
  bool Poll();
  /// Operations that are under way.
  [[nodiscard]] size_t UnderWay() const { return calls_.size(); }

  /// kill -9: of what is under way, each takes effect or not, a write perhaps in part; what the
  /// kernel has got stays. Nobody is told anything any more.
  void KillProcess();
  /// The power goes as well: what was not synced survives by luck, whole, in part, or not at all.
  void Crash();
  /// A bit of the file rots. The file must be there and have it.
  void FlipBit(const std::string& path, uint64_t bit);

  Faults faults;
  /// Files whose bytes cannot be read, though they are listed and opened.
  std::set<std::string> unreadable;
  /// So many changes that block still take effect; then the power is off, and whatever is tried
  /// fails, until Crash.
  uint64_t power_left = UINT64_MAX;
  /// All files together hold at most so much. What was reserved before stays usable.
  uint64_t capacity_bytes = UINT64_MAX;

  [[nodiscard]] uint64_t UsedBytes() const;
  [[nodiscard]] const SimDiskCounts& counts() const { return counts_; }
  /// What is seen of a file; it must be there.
  [[nodiscard]] const std::string& Contents(const std::string& path) const;

  // Disk
  void Open(std::string path, Mode mode, OpenDone done) override;
  void Rename(std::string from, std::string to, Done done) override;
  void Remove(std::string path, Done done) override;
  void SyncDirectory(std::string directory, Done done) override;
  [[nodiscard]] Result<DiskFilePtr> OpenNow(const std::string& path, Mode mode) override;
  [[nodiscard]] Result<void> RenameNow(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> RemoveNow(const std::string& path) override;
  [[nodiscard]] Result<void> SyncDirectoryNow(const std::string& directory) override;
  [[nodiscard]] Result<void> MakeDirectoryNow(const std::string& directory) override;
  [[nodiscard]] Result<std::vector<std::string>> ListNow(const std::string& directory) override;

 private:
  friend class SimFile;
  using InodePtr = std::shared_ptr<SimInode>;
  /// An empty inode: a directory.
  using Names = std::map<std::string, InodePtr>;

  /// An operation under way.
  struct Call {
    uint64_t number;
    int64_t due_us;
    uint64_t tie;
    std::function<void()> end;   // has its effect and tells
    std::function<void()> kill;  // has some effect and tells nobody
  };
  /// A change of names that its directory was not synced after.
  struct NameChange {
    std::string directory;
    std::string from;  // goes; empty: nothing
    std::string to;    // comes; empty: nothing
    InodePtr inode;
  };

  void Begin(std::function<void()> end, std::function<void()> kill);
  [[nodiscard]] bool Chance(uint32_t in_1000) { return random_.Below(1000) < in_1000; }
  void Change(NameChange change);
  static void ApplyTo(Names& names, const NameChange& change);
  [[nodiscard]] bool IsDirectory(const std::string& path) const;
  /// Whether the power is on, for one more change that blocks.
  [[nodiscard]] Result<void> UsePower();
  /// Writes what fits; the rest is an error.
  [[nodiscard]] Result<void> WriteTo(SimInode& inode, const std::string& path, uint64_t offset,
                                     std::string_view bytes);
  [[nodiscard]] Result<void> AllocateTo(SimInode& inode, const std::string& path, uint64_t end);
  [[nodiscard]] Result<void> EndSync(SimInode& inode, const std::string& path,
                                     const SimInode::Snapshot& snapshot, bool may_fail);

  ManualClock& clock_;
  SeededRandom random_;
  SimDiskCounts counts_;
  std::vector<Call> calls_;
  uint64_t next_number_ = 0;
  uint64_t writes_ = 0;
  Names names_;
  Names platter_names_;
  std::vector<NameChange> changes_;
};

}  // namespace cloakroom
