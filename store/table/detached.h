#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "store/table/collection.h"
#include "store/table/table.h"

namespace cloakroom {

/// Takes the collection out of an entry of Encoding::kTable that is about to be erased.
[[nodiscard]] std::unique_ptr<Collection> TakeCollection(const Entry& entry);

/// Tables that nobody sees any more: flushed databases and the insides of erased collections,
/// waiting to be freed in slices. To set one aside is O(1). What a TableCapture has still to read
/// waits until it is done.
class DetachedTables {
 public:
  /// A flushed database; `inside` is the memory of the collections that its entries point to.
  void Add(std::unique_ptr<Table> table, const Table::Memory& inside);
  /// The inside of a collection. A small one is freed at once.
  void Add(std::unique_ptr<Collection> collection);

  /// Frees about `budget` entries; returns what is left of `budget`.
  size_t Drain(size_t budget);
  /// Frees all that is not captured, at once: a page at a time where no entry points to a
  /// collection.
  void FreeAll();

  /// Entries waiting. O(tables waiting).
  [[nodiscard]] size_t size() const;
  [[nodiscard]] bool empty() const {
    return databases_.empty() && collections_.empty() && held_databases_.empty() &&
           held_collections_.empty();
  }
  /// Whether Drain has nothing to do for now.
  [[nodiscard]] bool Drained() const { return databases_.empty() && collections_.empty(); }
  [[nodiscard]] Table::Memory memory() const;
  /// How many entries were freed here so far.
  [[nodiscard]] uint64_t freed() const { return freed_; }

 private:
  struct Database {
    std::unique_ptr<Table> table;
    bool has_collections;
  };

  size_t DrainCollection(size_t budget);
  size_t DrainTable(size_t budget);
  void LetGo();

  std::vector<Database> databases_;
  std::vector<std::unique_ptr<Collection>> collections_;
  // The same, captured when they were last looked at.
  std::deque<Database> held_databases_;
  std::deque<std::unique_ptr<Collection>> held_collections_;
  Table::Memory inside_;  // of collections: those here, and those the tables' entries point to
  uint64_t freed_ = 0;
};

}  // namespace cloakroom
