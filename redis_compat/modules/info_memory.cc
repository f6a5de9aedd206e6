// INFO memory: Redis's lines, and where our own structures have it.

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/info.h"
#include "redis_compat/modules/memory_figures.h"

namespace cloakroom {
namespace {

std::string Percent(uint64_t part, uint64_t whole) {
  return fmt::format("{:.2f}%", Ratio(part, whole) * 100);
}

void Usage(const MemoryFigures& figures, InfoText& info) {
  const MemoryMetrics& process = figures.process;
  info.Bytes("used_memory", process.used);
  info.Bytes("used_memory_rss", process.resident);
  info.Bytes("used_memory_peak", process.peak);
  info.Field("used_memory_peak_perc", Percent(process.used, process.peak));
  info.Field("used_memory_overhead", figures.overhead);
  info.Field("used_memory_startup", process.startup);
  info.Field("used_memory_dataset", figures.dataset);
  const uint64_t since_start = process.used - std::min(process.used, process.startup);
  info.Field("used_memory_dataset_perc", Percent(figures.dataset, since_start));
  info.Field("allocator_allocated", process.allocator_allocated);
  info.Field("allocator_active", process.allocator_active);
  info.Field("allocator_resident", process.allocator_resident);
  info.Bytes("total_system_memory", process.system);
  info.Bytes("cgroup_memory_limit", process.cgroup_limit);
}

/// Redis's engines for scripts, which do not exist here.
void NoScripts(InfoText& info) {
  info.Bytes("used_memory_lua", 0);
  info.Field("used_memory_vm_eval", 0);
  info.Field("used_memory_scripts_eval", 0);
  info.Field("number_of_cached_scripts", 0);
  info.Field("number_of_functions", 0);
  info.Field("number_of_libraries", 0);
  info.Field("used_memory_vm_functions", 0);
  info.Bytes("used_memory_vm_total", 0);
  info.Field("used_memory_functions", 0);
  info.Bytes("used_memory_scripts", 0);
}

void Fragmentation(const MemoryMetrics& process, InfoText& info) {
  info.Decimal("allocator_frag_ratio",
               Ratio(process.allocator_active, process.allocator_allocated));
  info.Field("allocator_frag_bytes", Excess(process.allocator_active, process.allocator_allocated));
  info.Decimal("allocator_rss_ratio", Ratio(process.allocator_resident, process.allocator_active));
  info.Field("allocator_rss_bytes", Excess(process.allocator_resident, process.allocator_active));
  info.Decimal("rss_overhead_ratio", Ratio(process.resident, process.allocator_resident));
  info.Field("rss_overhead_bytes", Excess(process.resident, process.allocator_resident));
  info.Decimal("mem_fragmentation_ratio", Ratio(process.resident, process.used));
  info.Field("mem_fragmentation_bytes", Excess(process.resident, process.used));
}

/// Pages of slabs hold blocks of the small entries, a block of malloc's own each large one.
void Structures(const MemoryFigures& figures, InfoText& info) {
  info.Field("mem_table_index", figures.index_bytes());
  info.Field("mem_slabs", figures.slab_bytes());
  info.Field("mem_slabs_used", figures.slab_used_bytes());
  info.Decimal("mem_slabs_fill", Ratio(figures.slab_used_bytes(), figures.slab_bytes()));
  info.Field("mem_large_blocks", figures.large_bytes());
  info.Field("mem_expiry_wheel", figures.wheel_bytes());
  info.Field("mem_sessions", figures.sessions.sessions.InUse());
  info.Field("mem_user_index", figures.sessions.user_index.InUse());
  info.Field("mem_session_dictionaries", figures.sessions.dictionary_bytes);
  info.Field("mem_shared_buffers", figures.process.shared_buffers);
}

}  // namespace

void InfoMemory(CommandContext& ctx, const Facts& facts, InfoText& info) {
  const MemoryFigures figures = MeasureMemory(ctx);
  const MemoryMetrics& process = figures.process;
  info.Section("Memory");
  Usage(figures, info);
  NoScripts(info);
  info.Bytes("maxmemory", figures.limit);
  info.Field("maxmemory_policy", ctx.server.ConfigGet("maxmemory-policy").value_or("noeviction"));
  Fragmentation(process, info);
  const PersistenceStatus persisted = ctx.server.Persisted();
  info.Field("mem_not_counted_for_evict",
             figures.going + persisted.log_buffer_bytes + persisted.save_memory_bytes);
  info.Field("mem_replication_backlog", process.log);
  info.Field("mem_total_replication_buffers", process.log);
  info.Field("mem_clients_slaves", 0);
  info.Field("mem_clients_normal", process.clients);
  info.Field("mem_cluster_links", 0);
  info.Field("mem_aof_buffer", persisted.log_buffer_bytes);
  if (const auto name = facts.find("mem_allocator"); name != facts.end())
    info.Field("mem_allocator", name->second);
  info.Field("active_defrag_running", 0);
  info.Field("lazyfree_pending_objects", ctx.keys.Detached());
  info.Field("lazyfreed_objects",
             ctx.keys.counters().freed_detached - ctx.dispatcher.counters().freed_before);
  Structures(figures, info);
}

}  // namespace cloakroom
