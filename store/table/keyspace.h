#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/base/function_ref.h"
#include "store/base/position.h"
#include "store/base/random_bits.h"
#include "store/base/time.h"
#include "store/op/op.h"
#include "store/op/write_batch.h"
#include "store/table/access_clock.h"
#include "store/table/entry.h"
#include "store/table/memory_budget.h"
#include "store/table/table.h"

namespace cloakroom {

class EventObserver;
class SessionSpace;

/// When a collection leaves its packed form; local to a node, not part of the state.
struct PackedLimits {
  uint32_t hash_entries_max = 512;
  uint32_t hash_value_bytes_max = 64;
  uint32_t set_intset_entries_max = 512;
};

/// Told of every key that an op changes; for WATCH. Expiry is no op, so it
/// tells nobody: who watches a live key asks in the end whether it still lives.
/// Called within Apply: it may read the keyspace, not apply to it.
class KeyObserver {
 public:
  virtual ~KeyObserver() = default;
  /// After the change. A rename touches both of its keys, a copy the new one.
  virtual void KeyTouched(uint32_t db, std::string_view key) = 0;
  /// Before the keys of `db` go: those that are there are the ones that change.
  virtual void DatabaseFlushed(uint32_t db) = 0;
  /// Before the two change places.
  virtual void DatabasesSwapped(uint32_t db, uint32_t db2) = 0;
};

/// The whole state of one shard: the databases and the sessions. Apply is the only mutator.
/// Everybody else reads, with `now` passed in; what is past its deadline is never returned.
class Keyspace {
 public:
  Keyspace(uint32_t databases, uint64_t hash_seed);
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  /// Empties it for good, as if nothing had ever been applied; how it works (limits, the access
  /// clock's options, who observes) stays. For a loader that must begin anew. O(all).
  void Reset();

  [[nodiscard]] uint32_t databases() const;
  /// Hashes `key`: slot and keyed hash, about 25 ns.
  [[nodiscard]] KeyRef Ref(std::string_view key) const;

  /// The live entry of `key`, or nullptr.
  [[nodiscard]] const Entry* Find(uint32_t db, const KeyRef& key, TimeMs now) const;
  /// Keys of the database, expired ones that are not yet freed included (as DBSIZE counts).
  [[nodiscard]] size_t Size(uint32_t db) const;
  [[nodiscard]] size_t SizeWithDeadline(uint32_t db) const;
  /// The mean of their deadlines, 0 when there are none.
  [[nodiscard]] TimeMs MeanDeadline(uint32_t db) const;
  /// Keys of `slot` in database `db`.
  [[nodiscard]] uint32_t SlotSize(uint32_t db, uint32_t slot) const;
  /// Table::Scan over the live entries.
  uint64_t Scan(uint32_t db, uint64_t cursor, TimeMs now,
                FunctionRef<void(const Entry&)> visit) const;
  uint64_t ScanSlot(uint32_t db, uint32_t slot, uint64_t cursor, TimeMs now,
                    FunctionRef<void(const Entry&)> visit) const;
  /// A random live entry, or nullptr when there is none.
  [[nodiscard]] const Entry* Pick(uint32_t db, TimeMs now, DrawBits draw) const;
  /// For eviction: a random entry, dead or alive, or nullptr; if `expiring`, one that has a
  /// deadline. O(1), however few those are.
  [[nodiscard]] const Entry* Sample(uint32_t db, bool expiring, DrawBits draw);
  /// The entry of `key`, dead or alive.
  [[nodiscard]] const Entry* FindStored(uint32_t db, const KeyRef& key) const;
  /// Visits the databases that have ever held a key.
  void ForEachDatabase(FunctionRef<void(uint32_t db)> visit) const;
  void PrefetchBucket(uint32_t db, const Position& position) const;
  void PrefetchEntry(uint32_t db, const Position& position) const;

  [[nodiscard]] const SessionSpace& sessions() const;
  [[nodiscard]] SessionSpace& sessions();

  /// Applies the ops of one record, or of one command of a record that is still open (then `header`
  /// is the one the record will close with). Cannot fail: what an op relies on is CHECKed.
  /// `positions`, when not empty, are those of a WriteBatch.
  void Apply(const RecordHeader& header, std::string_view ops,
             std::span<const Position> positions = {});

  /// Frees what is dead at `now` (the newest record's time, or the clock of a primary): due
  /// entries, values and tables that were set aside; compacts. About `budget` units of work.
  /// Returns false when more is left to do at this moment.
  bool Sweep(TimeMs now, size_t budget);
  /// To be called some ten times a second: what hardly changes is packed denser by later sweeps.
  void PackStill();
  /// The earliest time at which something falls due, or kNoDeadline.
  [[nodiscard]] TimeMs NextDue() const;

  /// Frees all that was set aside of the databases, at once (FLUSHALL SYNC). Sessions that were
  /// flushed are freed by Sweep.
  void SweepDetached();
  /// Frees about `budget` entries of what was set aside, and nothing else.
  void DrainDetached(size_t budget);
  [[nodiscard]] size_t Detached() const;  // objects waiting to be freed

  void set_observer(KeyObserver* observer);          // nullptr: none, costs nothing
  void set_event_observer(EventObserver* observer);  // the same
  [[nodiscard]] EventObserver* event_observer() const;
  PackedLimits& packed_limits();
  /// How entries remember their use.
  AccessClock& access_clock();
  [[nodiscard]] const AccessClock& access_clock() const;

  struct Counters {
    uint64_t expired_keys = 0;
    uint64_t freed_detached = 0;
  };
  [[nodiscard]] const Counters& counters() const;
  /// Memory of databases and sessions, with what is set aside. O(databases).
  [[nodiscard]] Table::Memory memory() const;
  [[nodiscard]] Table::Memory memory(uint32_t db) const;
  /// What counts against a memory limit: the tables of databases and sessions. Costs about as many
  /// additions as databases are in use.
  [[nodiscard]] MemoryUse Use() const;
  /// Added up anew over all entries, for tests: Table::CountBlockBytes of the databases and of the
  /// collections in them. O(all).
  [[nodiscard]] size_t CountBlockBytes() const;
  /// How much more `ops` (of a WriteBatch, with its positions) would hold once they are applied,
  /// which they must not be yet. An upper bound, but for a few bytes a segment that splits.
  /// O(ops and elements), a lookup each.
  [[nodiscard]] size_t RoomFor(std::string_view ops, std::span<const Position> positions) const;
  /// Bytes of one entry with all it points to and its share of the index (MEMORY USAGE). Exact, not
  /// sampled: a large collection knows its memory. O(1).
  [[nodiscard]] size_t EntryBytes(const Entry& entry) const;

 private:
  friend class KeyspaceCapture;
  friend class KeyspaceLoader;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
