#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "store/base/time.h"
#include "store/op/op.h"
#include "store/op/op_reader.h"
#include "store/table/table.h"

namespace cloakroom {

/// The sessions of a shard, beside its databases. Keyspace::Apply alone calls the mutators.
class SessionSpace {
 public:
  explicit SessionSpace(uint64_t hash_seed);
  ~SessionSpace();
  SessionSpace(const SessionSpace&) = delete;
  SessionSpace& operator=(const SessionSpace&) = delete;

  /// Applies one op of a kind from kSessionFirst up.
  void Apply(const RecordHeader& header, const Op& op);
  /// Ends every session; policies stay. O(1), the memory comes back by Sweep.
  void FlushAll();

  /// Frees what is dead at `now`, about `budget` units of work; false when more is left.
  bool Sweep(TimeMs now, size_t budget);
  /// The earliest time at which something falls due, or kNoDeadline.
  [[nodiscard]] TimeMs NextDue() const;
  [[nodiscard]] Table::Memory memory() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cloakroom
