#pragma once

#include "bench/load/workload.h"

namespace cloakroom::bench {

/// The same flows as a session library sends them to a Redis: a hash for each session, a set of
/// session ids for each user, MULTI where the parts of a change must not be seen or lost apart.
/// A transaction is one step: its commands leave in one write. bench/README.md lists all steps.
[[nodiscard]] WorkloadPair MakePlainCreate(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakePlainGet(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakePlainMix(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakePlainLoginFlow(WorkloadContext& context);

}  // namespace cloakroom::bench
