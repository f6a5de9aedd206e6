#pragma once

#include <cstdint>
#include <deque>

#include "redis_compat/command/server_control.h"
#include "store/base/function_ref.h"

namespace cloakroom {

/// The newest slow commands, each with an id that goes on counting through resets.
class SlowLog {
 public:
  /// Adds the newest entry, giving it its id, and drops the oldest beyond `entries_max`.
  void Add(SlowLogEntry entry, uint64_t entries_max);
  /// Newest first, until `visit` returns false.
  void ForEach(FunctionRef<bool(const SlowLogEntry&)> visit) const;
  [[nodiscard]] size_t size() const { return entries_.size(); }
  void Clear() { entries_.clear(); }

 private:
  std::deque<SlowLogEntry> entries_;  // newest first
  int64_t next_id_ = 0;
};

}  // namespace cloakroom
