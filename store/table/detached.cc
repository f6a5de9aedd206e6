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
  databases_.push_back({std::move(table), inside.Total() > 0});
}

void DetachedTables::Add(std::unique_ptr<Collection> collection) {
  if (collection->table.size() <= kFreeAtOnce) {
    freed_ += collection->table.size();
    return;
  }
  inside_ += collection->table.memory();
  collections_.push_back(std::move(collection));
}

// Collections go first: draining a database adds to them, so they never pile up.
size_t DetachedTables::Drain(size_t budget) {
  while (budget > 0 && !empty())
    budget -= collections_.empty() ? DrainTable(budget) : DrainCollection(budget);
  return budget;
}

void DetachedTables::FreeAll() {
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
  return sum;
}

Table::Memory DetachedTables::memory() const {
  Table::Memory sum = inside_;
  for (const Database& database : databases_) sum += database.table->memory();
  return sum;
}

}  // namespace cloakroom
