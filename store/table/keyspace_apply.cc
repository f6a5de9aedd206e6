#include <algorithm>
#include <utility>

#include "store/table/keyspace_impl.h"

namespace cloakroom {
namespace {

// From this size on, a string that is replaced by one of another size gets a new block: nothing of
// the old one is worth copying over.
constexpr size_t kCopyBytesMax = 4096;

}  // namespace

void Keyspace::Apply(const RecordHeader& header, std::string_view ops,
                     std::span<const Position> positions) {
  Impl& impl = *impl_;
  // Invariant: the log's time never goes back. What is dead by it has been freed, for good.
  CHECK(header.time_ms >= impl.time_ms);
  impl.time_ms = header.time_ms;
  Impl::Positions known(impl, positions);
  OpReader reader(ops);
  for (Op op; reader.Next(op);) {
    CHECK(op.db < impl.databases.size() && op.db2 < impl.databases.size());
    if (op.ForSessions()) {
      known.Skip();
      impl.sessions.Apply(header, op);
      continue;
    }
    switch (op.kind) {
      case OpKind::kFlushDb:
        impl.FlushDb(op.db);
        break;
      case OpKind::kFlushAll:
        impl.FlushAll();
        break;
      case OpKind::kSwapDb:
        impl.SwapDb(op.db, op.db2);
        break;
      case OpKind::kRename: {
        const KeyRef key = known.Of(op.key);
        impl.Rename(op, key, known.Of(op.key2));
        break;
      }
      case OpKind::kCopy: {
        const KeyRef key = known.Of(op.key);
        impl.Copy(op, key, known.Of(op.key2));
        break;
      }
      default:
        impl.ApplyToKey(op, known.Of(op.key));
    }
  }
  // Pair: whoever reads a log from outside checks it with an OpReader before it comes here.
  CHECK(reader.ok());
}

void Keyspace::Impl::ApplyToKey(const Op& op, const KeyRef& key) {
  switch (op.kind) {
    case OpKind::kPutString:
      return PutString(op, key, Encoding::kPlain);
    case OpKind::kPutText:
      return PutString(op, key, Encoding::kText);
    case OpKind::kAppendString:
      return AppendString(op, key);
    case OpKind::kWriteString:
      return WriteString(op, key);
    case OpKind::kSetDeadline:
      return SetDeadline(op, key);
    case OpKind::kDelete:
      return Delete(op, key);
    case OpKind::kHashSet:
    case OpKind::kSetAdd:
      return GrowCollection(op, key);
    case OpKind::kHashDelete:
    case OpKind::kSetRemove:
      return ShrinkCollection(op, key);
    default:
      CHECK(!"an op that names one key");
  }
}

/// The hot path: one lookup, and where the size class stays the same, no new block.
void Keyspace::Impl::PutString(const Op& op, const KeyRef& key, Encoding encoding) {
  Database& database = Writable(op.db);
  Table& table = *database.table;
  const size_t size = op.payload.size();
  Entry* entry = table.Find(key);
  if (entry != nullptr) {
    table.WillChange(key);
    if (!entry->LiveAt(time_ms)) Expired(database, key.bytes);
    if (entry->value_size() > kCopyBytesMax && entry->value_size() != size) {
      table.Erase(key, entry);
      entry = nullptr;
    } else {
      ReleaseValue(database, *entry);
      if (entry->value_size() != size) entry = table.Resize(key, entry, size);
      entry->set_type(ValueType::kString, encoding);
    }
  }
  if (entry == nullptr) {
    entry = table.Insert(key, ValueType::kString, encoding, size);
    Made(*entry);
  } else {
    Wrote(*entry);
  }
  if (size > 0) std::memcpy(entry->value_data(), op.payload.data(), size);
  if (entry->deadline() != op.deadline) table.SetDeadline(key, entry, op.deadline);
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::AppendString(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  Table& table = *database.table;
  const size_t size = op.offset + op.payload.size();
  Entry* entry = Live(database, key);
  if (entry == nullptr) {
    CHECK(op.offset == 0);
    entry = table.Insert(key, ValueType::kString, Encoding::kPlain, size);
    Made(*entry);
  } else {
    CHECK(entry->type() == ValueType::kString && entry->value_size() == op.offset);
    table.WillChange(key);
    if (!op.payload.empty()) entry = table.Resize(key, entry, size);
    entry->set_type(ValueType::kString, Encoding::kRaw);
  }
  std::copy(op.payload.begin(), op.payload.end(), entry->value_data() + op.offset);
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::WriteString(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  Table& table = *database.table;
  const size_t end = op.offset + op.payload.size();
  size_t old_size = 0;
  Entry* entry = Live(database, key);
  if (entry == nullptr) {
    entry = table.Insert(key, ValueType::kString, Encoding::kRaw, end);
    Made(*entry);
  } else {
    CHECK(entry->type() == ValueType::kString);
    table.WillChange(key);
    old_size = entry->value_size();
    if (end > old_size) entry = table.Resize(key, entry, end);
    entry->set_type(ValueType::kString, Encoding::kRaw);
  }
  if (op.offset > old_size) std::memset(entry->value_data() + old_size, 0, op.offset - old_size);
  std::copy(op.payload.begin(), op.payload.end(), entry->value_data() + op.offset);
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::SetDeadline(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  Entry* const entry = Live(database, key);
  CHECK(entry != nullptr);
  database.table->SetDeadline(key, entry, op.deadline);
  Touched(op.db, key.bytes);
}

/// A key may be named twice in one command (DEL a a), so its absence is no error.
void Keyspace::Impl::Delete(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  Entry* const entry = Live(database, key);
  if (entry == nullptr) return;
  Erase(database, key, entry);
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::Rename(const Op& op, const KeyRef& key, const KeyRef& key2) {
  Database& from = Writable(op.db);
  Database& to = Writable(op.db2);
  Entry* source = Live(from, key);
  CHECK(source != nullptr);
  if (op.db == op.db2 && key.bytes == key2.bytes) return;
  Vacate(to, key2);

  source = from.table->Find(key);
  Entry* const made =
      to.table->Insert(key2, source->type(), source->encoding(), source->value_size());
  source = from.table->Find(key);  // to insert may have moved it
  std::memcpy(made->value_data(), source->value().data(), source->value_size());
  if (source->encoding() == Encoding::kTable && &from != &to) {
    const Table::Memory inside = CollectionOf(*source)->table.memory();
    from.inside -= inside;
    to.inside += inside;
  }
  made->set_clock(source->clock());
  if (source->deadline() != kNoDeadline) to.table->SetDeadline(key2, made, source->deadline());
  from.table->Erase(key, from.table->Find(key));
  Touched(op.db, key.bytes);
  Touched(op.db2, key2.bytes);
}

void Keyspace::Impl::Copy(const Op& op, const KeyRef& key, const KeyRef& key2) {
  Database& from = Writable(op.db);
  Database& to = Writable(op.db2);
  const Entry* source = Live(from, key);
  CHECK(source != nullptr);
  if (op.db == op.db2 && key.bytes == key2.bytes) return;
  Vacate(to, key2);

  source = from.table->Find(key);
  Entry* const made =
      to.table->Insert(key2, source->type(), source->encoding(), source->value_size());
  source = from.table->Find(key);
  if (source->encoding() == Encoding::kTable) {
    const Collection* const copy = CopyCollection(*CollectionOf(*source)).release();
    std::memcpy(made->value_data(), &copy, sizeof(void*));
    to.inside += copy->table.memory();
  } else {
    std::memcpy(made->value_data(), source->value().data(), source->value_size());
  }
  Made(*made);
  if (source->deadline() != kNoDeadline) to.table->SetDeadline(key2, made, source->deadline());
  Touched(op.db2, key2.bytes);
}

void Keyspace::Impl::GrowCollection(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  const CollectionEdit::Context context = EditContext(database);
  Entry* const old = Live(database, key);
  if (old != nullptr) database.table->WillChange(key);
  CollectionEdit edit(context, *database.table, key, old);
  if (op.kind == OpKind::kHashSet)
    edit.HashSet(ElementReader(op.payload));
  else
    edit.SetAdd(ElementReader(op.payload));
  if (old == nullptr)
    Made(*edit.entry());
  else
    Wrote(*edit.entry());
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::ShrinkCollection(const Op& op, const KeyRef& key) {
  Database& database = Writable(op.db);
  Entry* const entry = Live(database, key);
  if (entry == nullptr) return;
  database.table->WillChange(key);
  const CollectionEdit::Context context = EditContext(database);
  CollectionEdit edit(context, *database.table, key, entry);
  const bool any_left = op.kind == OpKind::kHashDelete ? edit.HashDelete(ElementReader(op.payload))
                                                       : edit.SetRemove(ElementReader(op.payload));
  if (!any_left) Erase(database, key, edit.entry());
  Touched(op.db, key.bytes);
}

void Keyspace::Impl::FlushDb(uint32_t db) {
  if (observer != nullptr) observer->DatabaseFlushed(db);
  if (databases[db].table == nullptr) return;
  Detach(databases[db]);
  used.erase(std::find(used.begin(), used.end(), db));
}

void Keyspace::Impl::FlushAll() {
  for (uint32_t db = 0; db < databases.size(); ++db) FlushDb(db);
  sessions.FlushAll();
}

void Keyspace::Impl::SwapDb(uint32_t db, uint32_t db2) {
  if (db == db2) return;
  if (observer != nullptr) observer->DatabasesSwapped(db, db2);
  std::swap(databases[db], databases[db2]);
  for (uint32_t& number : used) number = number == db ? db2 : number == db2 ? db : number;
}

Keyspace::Impl::Database& Keyspace::Impl::Writable(uint32_t db) {
  Database& database = databases[db];
  if (database.table == nullptr) [[unlikely]] {
    const auto locate = [](const void* context, std::string_view key) {
      return static_cast<const Impl*>(context)->Locate(key);
    };
    database.table = std::make_unique<Table>(
        Table::Options{.compacts = true, .locate = locate, .context = this});
    used.push_back(db);
  }
  return database;
}

Entry* Keyspace::Impl::Live(Database& database, const KeyRef& key) {
  Entry* const entry = database.table->Find(key);
  if (entry == nullptr || entry->LiveAt(time_ms)) return entry;
  Expired(database, key.bytes);
  Erase(database, key, entry);
  return nullptr;
}

void Keyspace::Impl::Vacate(Database& database, const KeyRef& key) {
  if (Entry* const old = Live(database, key)) Erase(database, key, old);
}

void Keyspace::Impl::Erase(Database& database, const KeyRef& key, Entry* entry) {
  database.table->WillChange(key);
  ReleaseValue(database, *entry);
  database.table->Erase(key, entry);
}

void Keyspace::Impl::ReleaseValue(Database& database, const Entry& entry) {
  if (entry.encoding() != Encoding::kTable) return;
  std::unique_ptr<Collection> collection = TakeCollection(entry);
  database.inside -= collection->table.memory();
  detached.Add(std::move(collection));
}

CollectionEdit::Context Keyspace::Impl::EditContext(Database& database) {
  return {.limits = limits, .seed = hash_seed, .inside = database.inside, .scratch = scratch};
}

}  // namespace cloakroom
