#include "tests/sim/cluster_oracle.h"

#include <fmt/format.h>

#include "tests/sim/node_oracle.h"

namespace cloakroom {
namespace {

constexpr uint64_t kReferenceSeed = 54321;

}  // namespace

ClusterOracle::ClusterOracle(uint32_t databases) : databases_(databases), records_(1) {}

std::optional<ClusterOracle::At> ClusterOracle::Execute(At before, const HistoryId& history,
                                                        const RecordHeader& header,
                                                        std::string_view ops) {
  const At at = static_cast<At>(records_.size());
  if (!places_.emplace(std::pair(history, header.sequence), at).second) return std::nullopt;
  records_.push_back({header, std::string(ops), history, before});
  return at;
}

std::optional<ClusterOracle::At> ClusterOracle::Find(const HistoryId& history,
                                                     uint64_t sequence) const {
  if (sequence == 0) return kEmpty;
  const auto found = places_.find(std::pair(history, sequence));
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

std::optional<ClusterOracle::At> ClusterOracle::Find(const Lineage& lineage,
                                                     uint64_t sequence) const {
  return Find(HistoryAt(lineage, sequence), sequence);
}

HistoryId ClusterOracle::HistoryAt(const Lineage& lineage, uint64_t sequence) {
  HistoryId history{};
  for (const Lineage::Step& step : lineage.steps())
    if (step.first <= sequence) history = step.history;
  return history;
}

ClusterOracle::At ClusterOracle::Before(At tip, uint64_t sequence) const {
  while (records_[tip].header.sequence > sequence) tip = records_[tip].before;
  return tip;
}

ClusterOracle::At ClusterOracle::Common(At one, At other) const {
  while (one != other) {
    At& later = sequence(one) >= sequence(other) ? one : other;
    later = records_[later].before;
  }
  return one;
}

std::string ClusterOracle::CheckState(const Keyspace& keys, At at, TimeMs now) {
  if (reference_ == nullptr || !Includes(at, reference_at_)) {
    reference_ = std::make_unique<Keyspace>(databases_, kReferenceSeed);
    reference_at_ = kEmpty;
  }
  std::vector<At> path;
  for (At next = at; next != reference_at_; next = records_[next].before) path.push_back(next);
  for (size_t i = path.size(); i-- > 0;)
    reference_->Apply(records_[path[i]].header, records_[path[i]].ops);
  reference_at_ = at;
  const std::string problem = KeyspaceDifference(keys, *reference_, now);
  return problem.empty() ? "" : fmt::format("at record {}: {}", sequence(at), problem);
}

}  // namespace cloakroom
