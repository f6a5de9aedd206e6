#include "store/table/keyspace.h"

#include <algorithm>

#include "store/base/hash.h"
#include "store/table/keyspace_impl.h"
#include "store/table/slab_heap.h"

namespace cloakroom {
namespace {

constexpr int kPickTries = 100;
constexpr unsigned kCursorBits = 53;

}  // namespace

Keyspace::Impl::Impl(uint32_t database_count, uint64_t seed)
    : hash_seed(seed), databases(database_count), sessions(seed) {}

Keyspace::Impl::~Impl() {
  for (Database& database : databases) Detach(database);
  detached.FreeAll();
}

Position Keyspace::Impl::Locate(std::string_view key) const {
  return {SlotOf(key), HashBytes(key, hash_seed)};
}

Keyspace::Keyspace(uint32_t databases, uint64_t hash_seed)
    : impl_(std::make_unique<Impl>(databases, hash_seed)) {}
Keyspace::~Keyspace() = default;

void Keyspace::Reset() {
  auto fresh = std::make_unique<Impl>(databases(), impl_->hash_seed);
  fresh->limits = impl_->limits;
  fresh->access = impl_->access;
  fresh->observer = impl_->observer;
  fresh->event_observer = impl_->event_observer;
  fresh->sessions.set_observer(impl_->event_observer);
  impl_ = std::move(fresh);
}

uint32_t Keyspace::databases() const { return static_cast<uint32_t>(impl_->databases.size()); }

KeyRef Keyspace::Ref(std::string_view key) const { return {key, impl_->Locate(key)}; }

const Entry* Keyspace::Find(uint32_t db, const KeyRef& key, TimeMs now) const {
  const Table* const table = impl_->TableAt(db);
  if (table == nullptr) return nullptr;
  const Entry* const entry = table->Find(key);
  return entry != nullptr && entry->LiveAt(now) ? entry : nullptr;
}

size_t Keyspace::Size(uint32_t db) const {
  const Table* const table = impl_->TableAt(db);
  return table == nullptr ? 0 : table->size();
}

size_t Keyspace::SizeWithDeadline(uint32_t db) const {
  const Table* const table = impl_->TableAt(db);
  return table == nullptr ? 0 : table->WithDeadline();
}

TimeMs Keyspace::MeanDeadline(uint32_t db) const {
  const Table* const table = impl_->TableAt(db);
  return table == nullptr ? kNoDeadline : table->MeanDeadline();
}

uint32_t Keyspace::SlotSize(uint32_t db, uint32_t slot) const {
  CHECK(slot < kSlotCount);
  const Table* const table = impl_->TableAt(db);
  return table == nullptr ? 0 : table->SlotSize(slot);
}

uint64_t Keyspace::Scan(uint32_t db, uint64_t cursor, TimeMs now,
                        FunctionRef<void(const Entry&)> visit) const {
  const Table* const table = impl_->TableAt(db);
  if (table == nullptr) return 0;
  return table->Scan(cursor, [&](Entry& entry) {
    if (entry.LiveAt(now)) visit(entry);
  });
}

uint64_t Keyspace::ScanSlot(uint32_t db, uint32_t slot, uint64_t cursor, TimeMs now,
                            FunctionRef<void(const Entry&)> visit) const {
  CHECK(slot < kSlotCount);
  const Table* const table = impl_->TableAt(db);
  if (table == nullptr) return 0;
  return table->ScanSlot(slot, cursor, [&](Entry& entry) {
    if (entry.LiveAt(now)) visit(entry);
  });
}

const Entry* Keyspace::Pick(uint32_t db, TimeMs now, DrawBits draw) const {
  const Table* const table = impl_->TableAt(db);
  if (table == nullptr || table->size() == 0) return nullptr;
  for (int tries = 0; tries < kPickTries; ++tries) {
    const Entry* const entry = table->Pick(draw);
    if (entry != nullptr && entry->LiveAt(now)) return entry;
  }
  // Nearly all are dead and not yet freed: take the first live one from some place on.
  const Entry* found = nullptr;
  const auto take_first = [&](Entry& entry) {
    if (found == nullptr && entry.LiveAt(now)) found = &entry;
  };
  uint64_t cursor = draw() >> (64 - kCursorBits);
  do cursor = table->Scan(cursor, take_first);
  while (cursor != 0 && found == nullptr);
  if (found != nullptr) return found;
  do cursor = table->Scan(cursor, take_first);
  while (cursor != 0 && found == nullptr);
  return found;
}

const Entry* Keyspace::Sample(uint32_t db, bool expiring, DrawBits draw) {
  CHECK(db < databases());
  Table* const table = impl_->databases[db].table.get();
  if (table == nullptr) return nullptr;
  return expiring ? table->PickExpiring(draw) : table->Pick(draw);
}

const Entry* Keyspace::FindStored(uint32_t db, const KeyRef& key) const {
  return impl_->At(db, key);
}

void Keyspace::ForEachDatabase(FunctionRef<void(uint32_t db)> visit) const {
  for (const uint32_t db : impl_->used) visit(db);
}

void Keyspace::PrefetchBucket(uint32_t db, const Position& position) const {
  const Table* const table = impl_->TableAt(db);
  if (table != nullptr) table->PrefetchBucket(position);
}

void Keyspace::PrefetchEntry(uint32_t db, const Position& position) const {
  const Table* const table = impl_->TableAt(db);
  if (table != nullptr) table->PrefetchEntry(position);
}

const SessionSpace& Keyspace::sessions() const { return impl_->sessions; }
SessionSpace& Keyspace::sessions() { return impl_->sessions; }

void Keyspace::set_observer(KeyObserver* observer) { impl_->observer = observer; }
void Keyspace::set_event_observer(EventObserver* observer) {
  impl_->event_observer = observer;
  impl_->sessions.set_observer(observer);
}
EventObserver* Keyspace::event_observer() const { return impl_->event_observer; }
PackedLimits& Keyspace::packed_limits() { return impl_->limits; }

AccessClock& Keyspace::access_clock() { return impl_->access; }
const AccessClock& Keyspace::access_clock() const { return impl_->access; }

const Keyspace::Counters& Keyspace::counters() const {
  impl_->counters.freed_detached = impl_->detached.freed();
  return impl_->counters;
}

Table::Memory Keyspace::memory() const {
  Table::Memory sum = impl_->sessions.memory();
  sum += impl_->detached.memory();
  for (const uint32_t db : impl_->used) sum += memory(db);
  return sum;
}

Table::Memory Keyspace::memory(uint32_t db) const {
  const Table* const table = impl_->TableAt(db);
  if (table == nullptr) return {};
  Table::Memory sum = table->memory();
  sum += impl_->databases[db].inside;
  return sum;
}

MemoryUse Keyspace::Use() const {
  MemoryUse use = impl_->sessions.Use();
  if (!impl_->detached.empty()) {
    const size_t detached = impl_->detached.memory().InUse();
    use.used += detached;
    use.going += detached;
  }
  for (const uint32_t db : impl_->used) {
    const Impl::Database& database = impl_->databases[db];
    const Table::Memory table = database.table->memory();
    use.used += table.InUse() + database.inside.InUse();
    use.going += table.going_bytes;
  }
  return use;
}

size_t Keyspace::CountBlockBytes() const {
  size_t bytes = 0;
  for (const uint32_t db : impl_->used) {
    const Table& table = *impl_->databases[db].table;
    bytes += table.CountBlockBytes();
    uint64_t cursor = 0;
    do {
      cursor = table.Scan(cursor, [&bytes](Entry& entry) {
        if (entry.encoding() == Encoding::kTable)
          bytes += CollectionOf(entry)->table.CountBlockBytes();
      });
    } while (cursor != 0);
  }
  return bytes;
}

size_t Keyspace::EntryBytes(const Entry& entry) const {
  constexpr size_t kIndexBytes = 12;  // its place in a bucket, at the usual fill
  const size_t block = SlabHeap::RoundUp(entry.BlockBytes()) + kIndexBytes;
  if (entry.encoding() != Encoding::kTable) return block;
  return block + sizeof(Collection) + CollectionOf(entry)->table.memory().Total();
}

}  // namespace cloakroom
