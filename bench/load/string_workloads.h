#pragma once

#include "bench/load/workload.h"

namespace cloakroom::bench {

/// PING: the least that a server can be asked. Made to see pauses, one each millisecond.
[[nodiscard]] WorkloadPair MakePing(WorkloadContext& context);

/// GET sess:<32 digits>; the preload SETs each key once.
[[nodiscard]] WorkloadPair MakeGet(WorkloadContext& context);

/// SET sess:<32 digits> <value> [EX seconds].
[[nodiscard]] WorkloadPair MakeSet(WorkloadContext& context);

}  // namespace cloakroom::bench
