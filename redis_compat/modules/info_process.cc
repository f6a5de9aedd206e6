// INFO's sections on the process: server, clients, memory, persistence, cpu, modules.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/info.h"
#include "redis_compat/modules/versions.h"

namespace cloakroom {
namespace {

constexpr int64_t kLruClockMask = 0xFFFFFF;

void CopyFact(const Facts& facts, std::string_view name, InfoText& info) {
  if (const auto it = facts.find(name); it != facts.end()) info.Field(name, it->second);
}

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Percent(uint64_t part, uint64_t whole) {
  return fmt::format("{:.2f}%", Ratio(part, whole) * 100);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void InfoServer(CommandContext& ctx, const Facts& facts, InfoText& info) {
  const TimeMs up_s = std::max<TimeMs>(0, ctx.now - ctx.server.metrics().started_ms) / 1000;
  const std::string hz = ctx.server.ConfigGet("hz").value_or("10");
  info.Section("Server");
  info.Field("redis_version", kRedisVersion);
  info.Field("cloakroom_version", kCloakroomVersion);
  info.Field("redis_git_sha1", "00000000");
  info.Field("redis_git_dirty", 0);
  info.Field("redis_build_id", 0);
  info.Field("redis_mode", "standalone");
  CopyFact(facts, "os", info);
  info.Field("arch_bits", sizeof(void*) * 8);
  info.Field("monotonic_clock", "POSIX clock_gettime");
  info.Field("multiplexing_api", "epoll");
  CopyFact(facts, "gcc_version", info);
  CopyFact(facts, "process_id", info);
  info.Field("process_supervised", "no");
  CopyFact(facts, "run_id", info);
  CopyFact(facts, "tcp_port", info);
  info.Field("server_time_usec", ctx.now * 1000);
  info.Field("uptime_in_seconds", up_s);
  info.Field("uptime_in_days", up_s / (24 * 3600));
  info.Field("hz", hz);
  info.Field("configured_hz", hz);
  info.Field("lru_clock", ctx.now / 1000 & kLruClockMask);
  CopyFact(facts, "executable", info);
  CopyFact(facts, "config_file", info);
  info.Field("io_threads_active", 0);
}

void InfoClients(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  size_t input_max = 0;
  size_t output_max = 0;
  ctx.server.ForEachClient([&](ClientState& client) {
    input_max = std::max(input_max, client.query_buffer_bytes);
    output_max = std::max(output_max, client.output_buffer_max_bytes);
  });
  const ServerMetrics& metrics = ctx.server.metrics();
  info.Section("Clients");
  info.Field("connected_clients", metrics.connected_clients);
  info.Field("cluster_connections", 0);
  info.Field("maxclients", metrics.max_clients);
  info.Field("client_recent_max_input_buffer", input_max);
  info.Field("client_recent_max_output_buffer", output_max);
  info.Field("blocked_clients", metrics.blocked_clients);
  info.Field("tracking_clients", 0);
  info.Field("clients_in_timeout_table", 0);
}

void InfoMemory(CommandContext& ctx, const Facts& facts, InfoText& info) {
  const uint64_t used = ctx.dispatcher.shard().Measure().Used();
  const uint64_t resident = ctx.server.ResidentBytes();
  const uint64_t peak = std::max<uint64_t>(used, ctx.server.metrics().memory_peak_bytes);
  const Table::Memory tables = ctx.keys.memory();
  const uint64_t dataset = std::min<uint64_t>(used, tables.block_bytes + tables.large_bytes);
  const uint64_t physical = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                            static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  uint64_t client_bytes = 0;
  ctx.server.ForEachClient([&](ClientState& client) {
    client_bytes += client.query_buffer_bytes + client.query_buffer_free_bytes +
                    client.output_buffer_bytes + client.queued_bytes;
  });
  info.Section("Memory");
  info.Bytes("used_memory", used);
  info.Bytes("used_memory_rss", resident);
  info.Bytes("used_memory_peak", peak);
  info.Field("used_memory_peak_perc", Percent(used, peak));
  info.Field("used_memory_overhead", used - dataset);
  info.Field("used_memory_startup", 0);
  info.Field("used_memory_dataset", dataset);
  info.Field("used_memory_dataset_perc", Percent(dataset, used));
  info.Field("used_memory_index", tables.index_bytes);
  info.Field("used_memory_slabs", tables.slab_bytes);
  info.Field("used_memory_expiry", tables.wheel_bytes);
  info.Field("allocator_allocated", used);
  info.Bytes("total_system_memory", physical);
  info.Field("used_memory_lua", 0);
  info.Field("used_memory_scripts", 0);
  info.Field("number_of_cached_scripts", 0);
  info.Bytes("maxmemory", ctx.dispatcher.shard().budget().limit());
  info.Field("maxmemory_policy", ctx.server.ConfigGet("maxmemory-policy").value_or("noeviction"));
  info.Decimal("mem_fragmentation_ratio", Ratio(resident, used));
  info.Field("mem_fragmentation_bytes",
             static_cast<int64_t>(resident) - static_cast<int64_t>(used));
  info.Field("mem_not_counted_for_evict", 0);
  info.Field("mem_replication_backlog", ctx.dispatcher.shard().log().bytes());
  info.Field("mem_clients_slaves", 0);
  info.Field("mem_clients_normal", client_bytes);
  info.Field("mem_cluster_links", 0);
  info.Field("mem_aof_buffer", 0);
  CopyFact(facts, "mem_allocator", info);
  info.Field("active_defrag_running", 0);
  info.Field("lazyfree_pending_objects", ctx.keys.Detached());
  info.Field("lazyfreed_objects", ctx.keys.counters().freed_detached);
}

// Nothing is kept on disk: these are the values of a Redis whose snapshots and log are off.
void InfoPersistence(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  info.Section("Persistence");
  info.Field("loading", 0);
  info.Field("async_loading", 0);
  info.Field("current_cow_peak", 0);
  info.Field("current_cow_size", 0);
  info.Field("current_fork_perc", "0.00");
  info.Field("current_save_keys_processed", 0);
  info.Field("current_save_keys_total", 0);
  info.Field("rdb_changes_since_last_save", ctx.dispatcher.shard().log().last());
  info.Field("rdb_bgsave_in_progress", 0);
  info.Field("rdb_last_save_time", ctx.server.metrics().started_ms / 1000);
  info.Field("rdb_last_bgsave_status", "ok");
  info.Field("rdb_last_bgsave_time_sec", -1);
  info.Field("rdb_current_bgsave_time_sec", -1);
  info.Field("rdb_saves", 0);
  info.Field("rdb_last_cow_size", 0);
  info.Field("rdb_last_load_keys_expired", 0);
  info.Field("rdb_last_load_keys_loaded", 0);
  info.Field("aof_enabled", 0);
  info.Field("aof_rewrite_in_progress", 0);
  info.Field("aof_rewrite_scheduled", 0);
  info.Field("aof_last_rewrite_time_sec", -1);
  info.Field("aof_current_rewrite_time_sec", -1);
  info.Field("aof_last_bgrewrite_status", "ok");
  info.Field("aof_last_write_status", "ok");
  info.Field("aof_last_cow_size", 0);
  info.Field("module_fork_in_progress", 0);
  info.Field("module_fork_last_cow_size", 0);
}

void InfoCpu(CommandContext& /*ctx*/, const Facts& /*facts*/, InfoText& info) {
  rusage self{};
  rusage children{};
  ::getrusage(RUSAGE_SELF, &self);
  ::getrusage(RUSAGE_CHILDREN, &children);
  info.Section("CPU");
  info.Microseconds("used_cpu_sys", Seconds(self.ru_stime));
  info.Microseconds("used_cpu_user", Seconds(self.ru_utime));
  info.Microseconds("used_cpu_sys_children", Seconds(children.ru_stime));
  info.Microseconds("used_cpu_user_children", Seconds(children.ru_utime));
}

void InfoModules(CommandContext& /*ctx*/, const Facts& /*facts*/, InfoText& info) {
  info.Section("Modules");
}

}  // namespace cloakroom
