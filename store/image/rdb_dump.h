#pragma once

#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/image/rdb_sink.h"
#include "store/table/entry.h"

namespace cloakroom {

/// Appends the dump payload of the value in `entry`: what DUMP answers and Redis 7.0 and later
/// restore. Key and deadline are not in it. Precondition: a string, hash or set. O(size).
void AppendDump(std::string& out, const Entry& entry);

/// Whether `payload` is whole, and of a version that we read: its checksum is right.
[[nodiscard]] bool DumpIsIntact(std::string_view payload);

/// Tells `sink` the value in `payload`, as that of a key of which nothing else is known.
///   errors  kInvalid      malformed, with bytes left over, or an empty collection
///           kUnavailable  written by a release candidate, and cannot be read
///           the sink's
/// Precondition: DumpIsIntact(payload).
[[nodiscard]] Result<void> ReadDump(std::string_view payload, RdbSink& sink);

}  // namespace cloakroom
