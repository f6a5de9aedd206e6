#include "store/table/detached.h"

#include <algorithm>
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
  tables_.push_back(std::move(table));
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
  Table& table = *tables_.back();
  const size_t before = table.size();
  const bool done = table.Drain(budget, [this](Entry* entry) {
    if (entry->encoding() != Encoding::kTable) return;
    std::unique_ptr<Collection> collection = TakeCollection(*entry);
    inside_ -= collection->table.memory();
    Add(std::move(collection));
  });
  const size_t freed = before - table.size();
  freed_ += freed;
  if (done) tables_.pop_back();
  return done ? std::clamp<size_t>(freed, 1, budget) : budget;
}

size_t DetachedTables::size() const {
  size_t sum = 0;
  for (const auto& table : tables_) sum += table->size();
  for (const auto& collection : collections_) sum += collection->table.size();
  return sum;
}

Table::Memory DetachedTables::memory() const {
  Table::Memory sum = inside_;
  for (const auto& table : tables_) sum += table->memory();
  return sum;
}

}  // namespace cloakroom
