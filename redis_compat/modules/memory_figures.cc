#include "redis_compat/modules/memory_figures.h"

#include <algorithm>

#include "redis_compat/command/dispatcher.h"
#include "store/table/collection.h"

namespace cloakroom {

MemoryFigures MeasureMemory(CommandContext& ctx) {
  MemoryFigures figures;
  figures.process = ctx.server.Memory();
  ctx.keys.ForEachDatabase([&](uint32_t db) {
    figures.databases += ctx.keys.memory(db);
    figures.keys += ctx.keys.Size(db);
  });
  const SessionSpace& sessions = ctx.keys.sessions();
  figures.sessions = sessions.MemoryParts();
  figures.sessions_live = sessions.CountsOf(nullptr, ctx.now).live;
  figures.tombstones = sessions.TombstoneBytes();
  const MemoryBudget& budget = ctx.dispatcher.shard().budget();
  figures.going = budget.Used() - budget.Counted();
  figures.limit = budget.limit();

  const MemoryMetrics& process = figures.process;
  figures.overhead = process.startup + process.clients + process.shared_buffers + process.log +
                     figures.index_bytes() + figures.wheel_bytes() +
                     figures.sessions.user_index.InUse() + figures.sessions.dictionary_bytes;
  figures.overhead = std::min(figures.overhead, process.used);
  figures.dataset = process.used - figures.overhead;
  return figures;
}

}  // namespace cloakroom
