#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/base/position.h"
#include "store/table/entry.h"
#include "store/table/position_set.h"
#include "store/table/prefix_range.h"
#include "store/table/table.h"

namespace cloakroom {

/// Hands out each entry that a table has at one moment, as it is then, once, while the table goes
/// on changing: Step walks through the places in order, and whoever changes, frees or makes an
/// entry where the walk has not been (Table::WillChange) has what stands there handed out first.
///
/// Which it was is known by position alone, for no split, merge or move changes the order:
///
///   ranges of prefixes ......  | this range: buckets 0 .. 63, and in each the prefixes |  ......
///   handed out                   handed out            ^ here                            to come
///
/// Of what is to come `touched_` names the positions that were handed out before their turn: what
/// stands there when the walk arrives is newer. So the entries need no mark of their own, and a
/// capture that is given up leaves nothing behind.
class TableCapture {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    /// Must not change the table. The entry is good during the call only.
    virtual void Take(const Entry& entry) = 0;
    /// What stands at an awaited position is about to change.
    virtual void BeforeChange(const Position& /*position*/) {}
  };

  /// One capture a table at a time. Both must outlive it. O(1).
  TableCapture(Table& table, Sink& sink);
  ~TableCapture();
  TableCapture(const TableCapture&) = delete;
  TableCapture& operator=(const TableCapture&) = delete;

  /// Goes on for about `budget` entries, and takes what it did off `budget`. True: all is handed
  /// out.
  bool Step(size_t& budget);
  [[nodiscard]] bool done() const { return done_; }
  /// About what it takes until it is done.
  [[nodiscard]] size_t memory_bytes() const {
    return touched_.memory_bytes() + awaited_.capacity() * sizeof(Position) +
           batch_.capacity() * sizeof(void*);
  }

  /// Asks to be told (Sink::BeforeChange) of changes at a position that was handed out: for values
  /// that are read bit by bit.
  void Await(const Position& position) { awaited_.push_back(position); }
  void NoLongerAwait(const Position& position);

 private:
  friend class Table;

  void BeforeChange(const Position& position);
  [[nodiscard]] bool WasHandedOut(const Position& position) const;
  void Gather(size_t wanted);
  void GatherSegment();
  void NextRange();

  Table& table_;
  Sink& sink_;
  // Handed out: all before range_.start; of range_ the buckets below bucket_, and of that bucket
  // the prefixes below prefix_.
  PrefixRange range_;
  bool in_range_ = false;  // false: range_.start alone is known
  uint32_t bucket_ = 0;
  uint64_t prefix_ = 0;
  bool done_ = false;
  PositionSet touched_;
  std::vector<Position> awaited_;
  std::vector<const Entry*> batch_;  // gathered and on their way into the cache
};

}  // namespace cloakroom
