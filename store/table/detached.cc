#include "store/table/detached.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace cloakroom {
namespace {

constexpr size_t kFreeAtOnce = 64;  // entries of a collection that are not worth a slice

}  // namespace

std::unique_ptr<Collection> TakeCollection(const Entry& entry) {
  return std::unique_ptr<Collection>(CollectionOf(entry));
}

void DetachedTables::Add(std::unique_ptr<Table> table, const Table::Memory& inside) {
  if (table == nullptr) return;
  inside_ += inside;
  Database database{std::move(table), inside.Total() > 0};
  if (database.table->captured())
    held_databases_.push_back(std::move(database));
  else
    databases_.push_back(std::move(database));
}

void DetachedTables::Add(std::unique_ptr<Collection> collection) {
  if (collection->table.captured()) {
    inside_ += collection->table.memory();
    return held_collections_.push_back(std::move(collection));
  }
  if (collection->table.size() <= kFreeAtOnce) {
    freed_ += collection->table.size();
    return;
  }
  inside_ += collection->table.memory();
  collections_.push_back(std::move(collection));
}

// Collections go first: draining a database adds to them, so they never pile up.
size_t DetachedTables::Drain(size_t budget) {
  LetGo();
  while (budget > 0 && !Drained())
    budget -= collections_.empty() ? DrainTable(budget) : DrainCollection(budget);
  return budget;
}

// Looks at one of each kind; they take turns.
void DetachedTables::LetGo() {
  if (!held_databases_.empty()) {
    Database database = std::move(held_databases_.front());
    held_databases_.pop_front();
    if (database.table->captured())
      held_databases_.push_back(std::move(database));
    else
      databases_.push_back(std::move(database));
  }
  if (!held_collections_.empty()) {
    std::unique_ptr<Collection> collection = std::move(held_collections_.front());
    held_collections_.pop_front();
    if (collection->table.captured())
      held_collections_.push_back(std::move(collection));
    else
      collections_.push_back(std::move(collection));
  }
}

void DetachedTables::FreeAll() {
  for (size_t i = held_databases_.size() + held_collections_.size(); i > 0; --i) LetGo();
  std::erase_if(databases_, [this](const Database& database) {
    if (database.has_collections) return false;
    freed_ += database.table->size();
    return true;
  });
  (void)Drain(std::numeric_limits<size_t>::max());
}

size_t DetachedTables::DrainCollection(size_t budget) {
  Table& table = collections_.back()->table;
  const size_t before = table.size();
  inside_ -= table.memory();
  const bool done = table.Drain(budget, [](Entry*) {});
  const size_t freed = before - table.size();
  freed_ += freed;
  if (done)
    collections_.pop_back();
  else
    inside_ += table.memory();
  return done ? std::clamp<size_t>(freed, 1, budget) : budget;
}

size_t DetachedTables::DrainTable(size_t budget) {
  Table& table = *databases_.back().table;
  const size_t before = table.size();
  const bool done = table.Drain(budget, [this](Entry* entry) {
    if (entry->encoding() != Encoding::kTable) return;
    std::unique_ptr<Collection> collection = TakeCollection(*entry);
    inside_ -= collection->table.memory();
    Add(std::move(collection));
  });
  const size_t freed = before - table.size();
  freed_ += freed;
  if (done) databases_.pop_back();
  return done ? std::clamp<size_t>(freed, 1, budget) : budget;
}

size_t DetachedTables::size() const {
  size_t sum = 0;
  for (const Database& database : databases_) sum += database.table->size();
  for (const auto& collection : collections_) sum += collection->table.size();
  for (const Database& database : held_databases_) sum += database.table->size();
  for (const auto& collection : held_collections_) sum += collection->table.size();
  return sum;
}

Table::Memory DetachedTables::memory() const {
  Table::Memory sum = inside_;
  for (const Database& database : databases_) sum += database.table->memory();
  for (const Database& database : held_databases_) sum += database.table->memory();
  return sum;
}

}  // namespace cloakroom
