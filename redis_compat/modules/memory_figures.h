#pragma once

#include <cstdint>

#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "store/table/session_space.h"
#include "store/table/table.h"

namespace cloakroom {

/// All that INFO memory, MEMORY STATS and MEMORY DOCTOR say, in one reading.
struct MemoryFigures {
  MemoryMetrics process;
  Table::Memory databases;  // with the collections in them
  SessionSpace::Parts sessions;
  uint64_t tombstones = 0;  // bytes of what ended sessions leave for a while
  uint64_t going = 0;       // used, but being freed in slices
  uint64_t keys = 0;
  uint64_t sessions_live = 0;
  uint64_t overhead = 0;  // what is used besides keys, sessions and their values
  uint64_t dataset = 0;   // these
  uint64_t limit = 0;     // maxmemory; 0: none

  [[nodiscard]] uint64_t index_bytes() const {
    return databases.index_bytes + sessions.sessions.index_bytes;
  }
  [[nodiscard]] uint64_t wheel_bytes() const {
    return databases.wheel_bytes + sessions.sessions.wheel_bytes;
  }
  [[nodiscard]] uint64_t slab_bytes() const {
    return databases.slab_bytes + sessions.sessions.slab_bytes + sessions.user_index.slab_bytes;
  }
  /// Of the slabs' pages, what blocks in use take.
  [[nodiscard]] uint64_t slab_used_bytes() const {
    const auto used = [](const Table::Memory& table) {
      return table.block_bytes - table.large_bytes;
    };
    return used(databases) + used(sessions.sessions) + used(sessions.user_index);
  }
  [[nodiscard]] uint64_t large_bytes() const {
    return databases.large_bytes + sessions.sessions.large_bytes + sessions.user_index.large_bytes;
  }
};

[[nodiscard]] MemoryFigures MeasureMemory(CommandContext& ctx);

/// 0 when `whole` is 0.
[[nodiscard]] inline double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}
/// May be negative.
[[nodiscard]] inline int64_t Excess(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a) - static_cast<int64_t>(b);
}

}  // namespace cloakroom
