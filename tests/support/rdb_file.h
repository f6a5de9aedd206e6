#pragma once

#include <string>

#include "store/image/rdb_writer.h"
#include "store/table/keyspace.h"

namespace cloakroom {

/// A dump file in memory.
class RdbText final : public RdbOutput {
 public:
  std::string bytes;
  size_t longest_part = 0;

  Result<void> Write(std::string_view part) override {
    longest_part = std::max(longest_part, part.size());
    bytes.append(part);
    return {};
  }
};

/// Writes all that is visible in the databases at `now`.
inline void WriteDatabases(RdbWriter& writer, const Keyspace& keys, TimeMs now) {
  for (uint32_t db = 0; db < keys.databases(); ++db) {
    if (keys.Size(db) == 0) continue;
    writer.SelectDb(db, keys.Size(db), keys.SizeWithDeadline(db));
    uint64_t cursor = 0;
    do {
      cursor = keys.Scan(db, cursor, now, [&](const Entry& entry) { writer.Put(entry); });
    } while (cursor != 0);
  }
}

}  // namespace cloakroom
