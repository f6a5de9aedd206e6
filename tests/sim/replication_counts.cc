#include "tests/sim/replication_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cloakroom {
namespace {

using Field = std::pair<const char*, uint64_t ReplicationCounts::*>;
constexpr std::array kFields = {
    Field("delays", &ReplicationCounts::delays),
    Field("blocks", &ReplicationCounts::blocks),
    Field("cuts", &ReplicationCounts::cuts),
    Field("halves", &ReplicationCounts::halves),
    Field("refusals", &ReplicationCounts::refusals),
    Field("full buffers", &ReplicationCounts::full),
    Field("kills", &ReplicationCounts::kills),
    Field("power cuts", &ReplicationCounts::power_cuts),
    Field("cuts while blocking", &ReplicationCounts::cut_blocking),
    Field("stops", &ReplicationCounts::stops),
    Field("clock steps", &ReplicationCounts::clock_steps),
    Field("slow disks", &ReplicationCounts::slow_disks),
    Field("failed syncs", &ReplicationCounts::failed_syncs),
    Field("promotions", &ReplicationCounts::promotions),
    Field("second primaries", &ReplicationCounts::second_primaries),
    Field("followings", &ReplicationCounts::followings),
    Field("chains", &ReplicationCounts::chains),
    Field("demotions", &ReplicationCounts::demotions),
    Field("images", &ReplicationCounts::images),
    Field("partial syncs", &ReplicationCounts::partial),
    Field("full syncs", &ReplicationCounts::full_syncs),
    Field("broken syncs", &ReplicationCounts::broken_syncs),
    Field("ended in a sync", &ReplicationCounts::ended_in_sync),
    Field("syncs given up", &ReplicationCounts::given_up),
    Field("cut back", &ReplicationCounts::lost),
    Field("diverged records", &ReplicationCounts::diverged),
    Field("kept in files", &ReplicationCounts::kept),
    Field("acknowledged", &ReplicationCounts::acknowledged),
    Field("converged", &ReplicationCounts::converged),
};

}  // namespace

void ReplicationCounts::Add(const ReplicationCounts& other) {
  for (const auto& [name, field] : kFields) this->*field += other.*field;
}

std::string ReplicationCounts::Text() const {
  std::string text;
  for (const auto& [name, field] : kFields)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, this->*field);
  return text;
}

uint64_t ReplicationCounts::Least() const {
  uint64_t least = UINT64_MAX;
  for (const auto& [name, field] : kFields) least = std::min(least, this->*field);
  return least;
}

}  // namespace cloakroom
