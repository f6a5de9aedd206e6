#include "redis_compat/server/slow_log.h"

#include <utility>

namespace cloakroom {

void SlowLog::Add(SlowLogEntry entry, uint64_t entries_max) {
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  while (entries_.size() > entries_max) entries_.pop_back();
}

void SlowLog::ForEach(FunctionRef<bool(const SlowLogEntry&)> visit) const {
  for (const SlowLogEntry& entry : entries_)
    if (!visit(entry)) return;
}

}  // namespace cloakroom
