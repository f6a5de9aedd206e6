#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "store/op/op_reader.h"
#include "store/table/collection_edit.h"
#include "store/table/detached.h"
#include "store/table/event_observer.h"
#include "store/table/keyspace.h"
#include "store/table/session_space.h"

namespace cloakroom {

/// What a Keyspace is made of: private to keyspace.cc (reading), keyspace_apply.cc (ops) and
/// keyspace_sweep.cc (freeing).
struct Keyspace::Impl {
  struct Database {
    std::unique_ptr<Table> table;  // made by the first write, so an unused one costs 64 bytes
    Table::Memory inside;          // summed over the collections that its entries point to
  };

  Impl(uint32_t database_count, uint64_t seed);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] const Table* TableAt(uint32_t db) const {
    CHECK(db < databases.size());
    return databases[db].table.get();
  }
  [[nodiscard]] Position Locate(std::string_view key) const;

  // The ops.
  class Positions;
  void ApplyToKey(const Op& op, const KeyRef& key);
  void PutString(const Op& op, const KeyRef& key, Encoding encoding);
  void AppendString(const Op& op, const KeyRef& key);
  void WriteString(const Op& op, const KeyRef& key);
  void SetDeadline(const Op& op, const KeyRef& key);
  void Delete(const Op& op, const KeyRef& key);
  void Rename(const Op& op, const KeyRef& key, const KeyRef& key2);
  void Copy(const Op& op, const KeyRef& key, const KeyRef& key2);
  void GrowCollection(const Op& op, const KeyRef& key);    // kHashSet, kSetAdd
  void ShrinkCollection(const Op& op, const KeyRef& key);  // kHashDelete, kSetRemove
  void FlushDb(uint32_t db);
  void FlushAll();
  void SwapDb(uint32_t db, uint32_t db2);

  // What they are made of.
  Database& Writable(uint32_t db);
  /// The entry of `key` that lives at time_ms. A dead one is erased first.
  Entry* Live(Database& database, const KeyRef& key);
  void Erase(Database& database, const KeyRef& key, Entry* entry);
  /// Erases what stands at `key`, dead or alive, if anything does.
  void Vacate(Database& database, const KeyRef& key);
  /// Counts and tells that an entry which is about to go was past its deadline.
  void Expired(const Database& database, std::string_view key) {
    ++counters.expired_keys;
    if (event_observer != nullptr) [[unlikely]]
      event_observer->KeyExpired(static_cast<uint32_t>(&database - databases.data()), key);
  }
  /// Sets aside the collection that `entry` points to, if it does.
  void ReleaseValue(Database& database, const Entry& entry);
  void Detach(Database& database);
  [[nodiscard]] CollectionEdit::Context EditContext(Database& database);
  /// Sets the access clock of an entry that is written. Reads set it too (CommandContext).
  void Wrote(const Entry& entry) const { entry.set_clock(access.Overwritten(entry, time_ms)); }
  void Made(const Entry& entry) const { entry.set_clock(access.Fresh(time_ms)); }
  void Touched(uint32_t db, std::string_view key) {
    if (observer != nullptr) observer->KeyTouched(db, key);
  }

  // How much an op would hold, in keyspace_room.cc.
  [[nodiscard]] const Entry* At(uint32_t db, const KeyRef& key) const {
    const Table* const table = TableAt(db);
    return table == nullptr ? nullptr : table->Find(key);
  }
  [[nodiscard]] size_t RoomForString(const Op& op, const KeyRef& key) const;
  [[nodiscard]] size_t RoomForMove(const Op& op, const KeyRef& key, const KeyRef& key2) const;
  [[nodiscard]] size_t RoomForElements(const Op& op, const KeyRef& key) const;

  // Freeing. Each takes a budget and returns what is left of it.
  size_t SweepDue(TimeMs now, size_t budget, bool& done);
  size_t FireDatabase(Database& database, TimeMs now, size_t budget, bool& done);
  size_t Compact(size_t budget, bool& done);

  const uint64_t hash_seed;
  std::vector<Database> databases;
  std::vector<uint32_t> used;  // the numbers of the databases that have a table
  SessionSpace sessions;
  DetachedTables detached;
  PackedLimits limits;
  AccessClock access;
  KeyObserver* observer = nullptr;
  EventObserver* event_observer = nullptr;
  Counters counters;
  std::string scratch;
  TimeMs time_ms = 0;        // of the record being applied: what is dead by then is gone
  uint32_t sweep_first = 0;  // index in `used` where the next sweep begins
};

/// The positions of the keys in a record: those that the primary knew, else hashed here.
class Keyspace::Impl::Positions {
 public:
  Positions(const Impl& impl, std::span<const Position> known)
      : impl_(impl), known_(known), hash_(known.empty()) {}

  KeyRef Of(std::string_view key) {
    const KeyRef ref{key, hash_ ? impl_.Locate(key) : Take()};
    DCHECK(ref.position == impl_.Locate(key));
    return ref;
  }
  /// The next key is no key of a database.
  void Skip() {
    if (!hash_) (void)Take();
  }

 private:
  Position Take() {
    CHECK(!known_.empty());
    const Position position = known_.front();
    known_ = known_.subspan(1);
    return position;
  }

  const Impl& impl_;
  std::span<const Position> known_;
  const bool hash_;
};

}  // namespace cloakroom
