#pragma once

#include "store/base/time.h"
#include "store/image/rdb_writer.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// Writes all that is visible at `now` into a dump file: the databases, and in database 0 the
/// sessions as hashes (see rdb_session.h). Policies, tombstones and marks have no place there. A
/// session at whose key a key of database 0 stands is left out; returns how many. O(all).
uint64_t WriteState(RdbWriter& writer, const Keyspace& keys, TimeMs now);

}  // namespace cloakroom
