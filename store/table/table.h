#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/base/function_ref.h"
#include "store/base/position.h"
#include "store/base/random_bits.h"
#include "store/base/time.h"
#include "store/table/entry.h"

namespace cloakroom {

class TableCapture;

/// One database's entries (or the sessions', or the members of one large collection): the hash
/// index, the slabs that its blocks live in, and the expiry wheel. See store/table/README.md for
/// the picture. Growth is segment by segment: no call ever moves more than one segment's entries.
///
/// Pointers to entries are valid until the next mutating call on the same table.
class Table {
 public:
  struct Options {
    bool count_slots = true;  // keep the number of entries of each slot (64 KiB once used)
    bool expires = true;      // has a wheel; false for the insides of collections
    bool compacts = false;    // Compact is called in time, so huge blocks may be freed in slices
    /// From an entry's key to its position, needed when blocks move and segments split.
    Position (*locate)(const void* context, std::string_view key) = nullptr;
    const void* context = nullptr;
  };

  explicit Table(const Options& options);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// The entry of `key`, dead or alive, or nullptr. O(1), at most two cache misses.
  [[nodiscard]] Entry* Find(const KeyRef& key) const;

  /// Visits the entries that may stand at `at`: the one that was meant, if it is there, and hardly
  /// ever another. `visit` must not mutate the table.
  void ForEachAt(const BriefPosition& at, FunctionRef<void(Entry*)> visit) const;

  /// Two-step prefetch for a turn: first the bucket line of many keys, then the blocks their tags
  /// point to.
  void PrefetchBucket(const Position& position) const;
  void PrefetchEntry(const Position& position) const;

  /// Makes an entry with room for `value_bytes` (contents undefined, no deadline).
  /// Precondition: `key` is absent.
  Entry* Insert(const KeyRef& key, ValueType type, Encoding encoding, size_t value_bytes);

  /// Gives `entry` room for `value_bytes`, keeping header, key and the first min(old, new) value
  /// bytes; the block may move. O(1) plus the copy.
  Entry* Resize(const KeyRef& key, Entry* entry, size_t value_bytes);

  /// Sets or clears a deadline, keeping the wheel in step. A later deadline is one store; an
  /// earlier one arms the entry again at once.
  void SetDeadline(const KeyRef& key, Entry* entry, TimeMs deadline);

  /// Frees the entry's block. Whatever the value points to is the caller's to free before.
  void Erase(const KeyRef& key, Entry* entry);

  /// To be called before the value of `key` changes in place, and before anything it points to, or
  /// is read with, is changed or set aside. Insert, Resize, SetDeadline and Erase call it by
  /// themselves. A branch while nothing captures the table.
  void WillChange(const KeyRef& key) {
    if (capture_ != nullptr) [[unlikely]]
      TellCapture(key.position);
  }
  /// Whether a TableCapture needs what is in it: then it must not be drained, nor destroyed.
  [[nodiscard]] bool captured() const { return capture_ != nullptr; }

  [[nodiscard]] size_t size() const;
  /// Entries of `slot`. Precondition: Options::count_slots.
  [[nodiscard]] uint32_t SlotSize(uint32_t slot) const;
  /// How many entries have a deadline, and the mean of those deadlines (0 when there are none).
  [[nodiscard]] size_t WithDeadline() const;
  [[nodiscard]] TimeMs MeanDeadline() const;

  /// Visits the entries of one home bucket from `cursor` on; returns the next cursor, 0 at the
  /// end. Start with 0. Every entry that stays in the table through a whole scan is visited at
  /// least once, whatever else grows, shrinks or moves. Cursors are below 2^53.
  /// `visit` must not mutate the table.
  uint64_t Scan(uint64_t cursor, FunctionRef<void(Entry&)> visit) const;
  /// The same over the entries of one slot, in any order; cursor as above, 0 at the end.
  uint64_t ScanSlot(uint32_t slot, uint64_t cursor, FunctionRef<void(Entry&)> visit) const;

  /// A random entry (nearly uniform: a random segment of the dense array, a random place in it),
  /// or nullptr when empty.
  [[nodiscard]] Entry* Pick(DrawBits draw) const;

  /// The same among those that have a deadline. Where these are few it draws from the wheel, less
  /// evenly: what shares a time bucket with many is less likely.
  [[nodiscard]] Entry* PickExpiring(DrawBits draw);

  /// Fires arms that are due by `now` and hands each entry whose deadline is at or before `now` to
  /// `dying`, which must Erase it, or change it so that it lives on (and SetDeadline). Works on at
  /// most `budget` arms; returns false when more are due. The key handed over lies in the entry.
  /// O(1) when nothing is due; to be called each turn nevertheless, for new deadlines are filed
  /// relative to the newest `now`, the nearer the finer.
  bool FireDue(TimeMs now, size_t budget, FunctionRef<void(const KeyRef&, Entry*)> dying);

  /// Visits the entries that FireDue(now) would hand over, changing nothing. O(those, and arms
  /// whose time is near).
  void ForEachDue(TimeMs now, FunctionRef<void(const Entry&)> visit) const;

  /// The earliest time at which FireDue could have work, or kNoDeadline when none is armed.
  [[nodiscard]] TimeMs NextDue() const;

  /// Moves blocks out of half-empty slab pages, merges sparse segments, and gives back the pages of
  /// huge blocks that were erased: about `budget` blocks or pages. Returns false when more could be
  /// done now.
  bool Compact(size_t budget);
  /// To be called some ten times a second: what hardly changes is compacted further than what does.
  void PackStill();

  /// Frees up to `budget` entries from anywhere, each handed to `dying` first (to free what its
  /// value points to; it must not call back). Returns true when the table is empty and huge blocks
  /// are freed too, else `budget` is used up. For tables that were set aside.
  bool Drain(size_t budget, FunctionRef<void(Entry*)> dying);

  struct Memory {
    size_t index_bytes = 0;  // segments, directories, slot counts
    size_t slab_bytes = 0;   // pages that hold blocks, free places included
    size_t block_bytes = 0;  // blocks in use, in slabs and on their own
    size_t large_bytes = 0;  // blocks of jemalloc's own
    size_t wheel_bytes = 0;
    size_t going_bytes = 0;  // of large_bytes: erased, and being given back in slices
    /// What the allocator has given out for it.
    [[nodiscard]] size_t Total() const {
      return index_bytes + slab_bytes + large_bytes + wheel_bytes;
    }
    /// The same without the free places of slab pages.
    [[nodiscard]] size_t InUse() const { return index_bytes + block_bytes + wheel_bytes; }
  };
  /// O(1).
  [[nodiscard]] Memory memory() const;
  /// Memory::block_bytes added up anew over all entries, for tests. Blocks that are going, which no
  /// entry has any more, are left out. O(all).
  [[nodiscard]] size_t CountBlockBytes() const;

 private:
  friend class TableCapture;
  void TellCapture(const Position& position);

  struct Impl;
  std::unique_ptr<Impl> impl_;
  TableCapture* capture_ = nullptr;
};

}  // namespace cloakroom
