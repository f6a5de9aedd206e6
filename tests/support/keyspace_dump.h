#pragma once

#include <map>
#include <string>
#include <vector>

#include "store/table/hash_value.h"
#include "store/table/keyspace.h"
#include "store/table/set_value.h"

namespace cloakroom {

/// What one entry holds, in one form whatever its encoding: "string <value>", "hash <f>=<v> ..." or
/// "set <m> ..." with fields and members sorted, then "@<deadline>" when it has one.
inline std::string DumpEntry(const Entry& entry) {
  std::string text;
  switch (entry.type()) {
    case ValueType::kString:
      text = "string " + std::string(entry.value());
      break;
    case ValueType::kHash: {
      std::multimap<std::string, std::string> fields;
      HashForEach(entry, [&](std::string_view field, std::string_view value) {
        fields.emplace(field, value);
      });
      text = "hash";
      for (const auto& [field, value] : fields) text += " " + field + "=" + value;
      break;
    }
    case ValueType::kSet: {
      std::multimap<std::string, int> members;
      SetForEach(entry, [&](std::string_view member) { members.emplace(member, 0); });
      text = "set";
      for (const auto& [member, unused] : members) text += " " + member;
      break;
    }
    default:
      text = "unknown";
  }
  if (entry.deadline() != kNoDeadline) text += " @" + std::to_string(entry.deadline());
  return text;
}

/// All that is visible at `now`: for each database, key -> DumpEntry. Two keyspaces that applied
/// the same log must be equal in this, whatever their seeds, limits and sweeps.
using KeyspaceDump = std::vector<std::map<std::string, std::string>>;

inline KeyspaceDump DumpKeyspace(const Keyspace& keys, TimeMs now) {
  KeyspaceDump dump(keys.databases());
  for (uint32_t db = 0; db < keys.databases(); ++db) {
    uint64_t cursor = 0;
    do {
      cursor = keys.Scan(db, cursor, now, [&](const Entry& entry) {
        dump[db].emplace(entry.key(), DumpEntry(entry));
      });
    } while (cursor != 0);
  }
  return dump;
}

}  // namespace cloakroom
