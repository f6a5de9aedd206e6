#pragma once

#include "redis_compat/command/client_state.h"
#include "redis_compat/command/dispatcher.h"
#include "store/op/write_batch.h"

namespace cloakroom {

/// Fills `batch` with about what EXEC will write: runs the handlers of those queued commands that
/// may grow, each on the keyspace as it is, and commits, answers and counts nothing. A command that
/// builds on one before it in the queue is taken as if that had not run. O(the queue).
void ProbeQueue(Dispatcher& dispatcher, ServerControl& server, Random& random, ClientState& client,
                WriteBatch& batch);

}  // namespace cloakroom
