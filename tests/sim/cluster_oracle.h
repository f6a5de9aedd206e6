#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/op/op.h"
#include "store/replication/lineage.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Knows every record that any primary of a cluster has executed, and what each followed: a tree,
/// for after a promotion there may be several primaries. A state is named by its newest record.
class ClusterOracle {
 public:
  using At = uint32_t;
  static constexpr At kEmpty = 0;  // before the first record

  struct Record {
    RecordHeader header;
    std::string ops;
    HistoryId history{};
    At before = kEmpty;
  };

  explicit ClusterOracle(uint32_t databases);

  /// A primary has executed a record behind `before`. Nothing: its history has had one of that
  /// number already.
  [[nodiscard]] std::optional<At> Execute(At before, const HistoryId& history,
                                          const RecordHeader& header, std::string_view ops);
  /// The record of that number in a history; nothing: nobody has executed it.
  [[nodiscard]] std::optional<At> Find(const HistoryId& history, uint64_t sequence) const;
  /// What `lineage` says of record `sequence`: 0 is the empty state.
  [[nodiscard]] std::optional<At> Find(const Lineage& lineage, uint64_t sequence) const;

  [[nodiscard]] const Record& record(At at) const { return records_[at]; }
  [[nodiscard]] uint64_t sequence(At at) const { return records_[at].header.sequence; }
  /// Whether who is at `tip` has applied `at`.
  [[nodiscard]] bool Includes(At tip, At at) const { return Before(tip, sequence(at)) == at; }
  /// The newest record at `tip` whose number is not above `sequence`.
  [[nodiscard]] At Before(At tip, uint64_t sequence) const;
  /// The newest record that both have.
  [[nodiscard]] At Common(At one, At other) const;
  [[nodiscard]] size_t size() const { return records_.size() - 1; }

  /// Whether `keys` is, to those who read it at `now`, what the records up to `at` make of an empty
  /// keyspace, with a user index that a rebuilt one equals. What is wrong, or nothing.
  [[nodiscard]] std::string CheckState(const Keyspace& keys, At at, TimeMs now);

  /// The history that record `sequence` belongs to.
  [[nodiscard]] static HistoryId HistoryAt(const Lineage& lineage, uint64_t sequence);

 private:
  const uint32_t databases_;
  std::vector<Record> records_;
  std::map<std::pair<HistoryId, uint64_t>, At> places_;
  std::unique_ptr<Keyspace> reference_;  // the state at reference_at_
  At reference_at_ = kEmpty;
};

}  // namespace cloakroom
