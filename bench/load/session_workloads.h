#pragma once

#include "bench/load/workload.h"

namespace cloakroom::bench {

/// The flows of a session store in SESSION.* commands. bench/README.md lists them step by step,
/// beside the plain ones.
[[nodiscard]] WorkloadPair MakeSessionCreate(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakeSessionGet(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakeSessionMix(WorkloadContext& context);
[[nodiscard]] WorkloadPair MakeLoginFlow(WorkloadContext& context);

}  // namespace cloakroom::bench
