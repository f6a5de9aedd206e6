#include "store/table/keyspace_load.h"

#include <cstring>
#include <utility>

#include "store/base/check.h"
#include "store/table/intset.h"
#include "store/table/keyspace_impl.h"
#include "store/table/packed.h"

namespace cloakroom {
namespace {

bool IsText(Encoding encoding) {
  return encoding == Encoding::kPlain || encoding == Encoding::kRaw || encoding == Encoding::kText;
}

/// Whether a value that lies in its entry is what type and encoding say.
bool Holds(ValueType type, Encoding encoding, std::string_view value) {
  switch (type) {
    case ValueType::kString:
      return IsText(encoding);
    case ValueType::kHash:
      return encoding == Encoding::kPlain && PackedHolds(value, 2);
    case ValueType::kSet:
      return encoding == Encoding::kIntset ? IntsetHolds(value)
                                           : encoding == Encoding::kPlain && PackedHolds(value, 1);
    default:
      return false;
  }
}

}  // namespace

KeyspaceLoader::KeyspaceLoader(Keyspace& keys, TimeMs time)
    : keys_(keys), time_(time), sessions_(keys.sessions(), time) {
  CHECK(keys.impl_->used.empty() && time >= keys.impl_->time_ms);
  keys.impl_->time_ms = time;
}

Result<void> KeyspaceLoader::CheckNew(uint64_t db, std::string_view key, TimeMs deadline) const {
  const Keyspace::Impl& keys = *keys_.impl_;
  if (db >= keys.databases.size())
    return Fail(Code::kUnavailable, "it has a database {}, but there are only {}", db,
                keys.databases.size());
  if (deadline != kNoDeadline && (deadline <= time_ || deadline > kDeadlineMax))
    return Fail(Code::kDamaged, "a key has the deadline {}", deadline);
  const Table* const table = keys.databases[db].table.get();
  if (table != nullptr && table->Find({key, keys.Locate(key)}) != nullptr)
    return Fail(Code::kDamaged, "a key comes twice");
  return {};
}

Entry* KeyspaceLoader::Insert(uint32_t db, const Stored& stored) {
  Keyspace::Impl& keys = *keys_.impl_;
  Table& table = *keys.Writable(db).table;
  const KeyRef key{stored.key, keys.Locate(stored.key)};
  Entry* const entry = table.Insert(key, stored.type, stored.encoding, stored.value.size());
  std::memcpy(entry->value_data(), stored.value.data(), stored.value.size());
  keys.Made(*entry);
  if (stored.deadline != kNoDeadline) table.SetDeadline(key, entry, stored.deadline);
  return entry;
}

Result<void> KeyspaceLoader::Add(const Stored& entry) {
  TRY_VOID(CheckNew(entry.db, entry.key, entry.deadline));
  if (!Holds(entry.type, entry.encoding, entry.value))
    return Fail(Code::kDamaged, "the value of a key is not well formed");
  Insert(static_cast<uint32_t>(entry.db), entry);
  return {};
}

Result<void> KeyspaceLoader::Begin(const LargeEntry& entry) {
  TRY_VOID(CheckNew(entry.db, entry.key, entry.deadline));
  const bool is_string = entry.type == ValueType::kString && IsText(entry.encoding);
  const bool is_collection = (entry.type == ValueType::kHash || entry.type == ValueType::kSet) &&
                             entry.encoding == Encoding::kTable;
  if ((!is_string && !is_collection) || entry.size == 0 || entry.size > UINT32_MAX)
    return Fail(Code::kDamaged, "a large value of {} makes no sense", entry.size);
  Large large;
  large.db = entry.db;
  large.key = entry.key;
  large.type = entry.type;
  large.encoding = entry.encoding;
  large.deadline = entry.deadline;
  large.size = entry.size;
  if (is_collection) large.collection = std::make_unique<Collection>(keys_.impl_->hash_seed);
  large_.emplace(begun_++, std::move(large));
  return {};
}

Result<KeyspaceLoader::Large*> KeyspaceLoader::Find(uint64_t number) {
  const auto it = large_.find(number);
  if (it == large_.end()) return Fail(Code::kDamaged, "no large value {} is under way", number);
  return &it->second;
}

Result<void> KeyspaceLoader::AddBytes(uint64_t number, std::string_view bytes) {
  TRY(Large* const large, Find(number));
  if (large->collection != nullptr || bytes.size() > large->size - large->bytes.size())
    return Fail(Code::kDamaged, "a part does not fit into the value {}", number);
  large->bytes += bytes;
  return large->bytes.size() == large->size ? End(number) : Result<void>();
}

Result<void> KeyspaceLoader::AddElement(uint64_t number, ValueType type, std::string_view name,
                                        std::string_view value) {
  TRY(Large* const large, Find(number));
  if (large->type != type)
    return Fail(Code::kDamaged, "an element does not fit into the value {}", number);
  Collection& collection = *large->collection;
  const size_t before = collection.table.size();
  collection.Put(name, value);
  if (collection.table.size() == before)
    return Fail(Code::kDamaged, "an element of the value {} comes twice", number);
  return before + 1 == large->size ? End(number) : Result<void>();
}

Result<void> KeyspaceLoader::End(uint64_t number) {
  const auto it = large_.find(number);
  Large& large = it->second;
  TRY_VOID(CheckNew(large.db, large.key, large.deadline));  // twice, while it was under way
  Stored stored{large.db, large.key, large.type, large.encoding, large.deadline, large.bytes};
  const Collection* const collection = large.collection.release();
  if (collection != nullptr)
    stored.value = {reinterpret_cast<const char*>(&collection), sizeof(void*)};
  Insert(large.db, stored);
  if (collection != nullptr) keys_.impl_->databases[large.db].inside += collection->table.memory();
  large_.erase(it);
  return {};
}

Result<void> KeyspaceLoader::Finish() const {
  if (large_.empty()) return {};
  return Fail(Code::kDamaged, "{} large values lack some of their parts", large_.size());
}

}  // namespace cloakroom
