// INFO's sections on what was done and what is there: stats, replication, commandstats, errorstats,
// cluster, keyspace.

#include <algorithm>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/info.h"

namespace cloakroom {
namespace {

void WriteCommandStats(const Command& command, InfoText& info) {
  const CommandStats& stats = command.stats;
  if (stats.calls != 0 || stats.rejected != 0 || stats.failed != 0) {
    const double each =
        stats.calls == 0 ? 0 : static_cast<double>(stats.usec) / static_cast<double>(stats.calls);
    info.Field(
        "cmdstat_" + command.full_name,
        fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                    stats.calls, stats.usec, each, stats.rejected, stats.failed));
  }
  for (const auto& sub : command.subcommands) WriteCommandStats(*sub, info);
}

/// The average time left of the keys that have a deadline.
TimeMs AverageTtlMs(CommandContext& ctx, uint32_t db) {
  return std::max<TimeMs>(ctx.keys.MeanDeadline(db) - ctx.now, 0);
}

/// What defragments in Redis, which does not exist here: pages are evacuated by the tables.
void NoDefragmentation(InfoText& info) {
  for (const std::string_view name :
       {"total_active_defrag_time", "current_active_defrag_time", "active_defrag_hits",
        "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses"})
    info.Field(name, 0);
}

/// How long clients may have waited, and for what.
void InfoLoop(const Dispatcher::Counters& counters, const LoopMetrics& loop, InfoText& info) {
  info.Field("eventloop_cycles", loop.turns);
  info.Field("eventloop_duration_sum", loop.turn_sum_us);
  info.Field("eventloop_duration_max_usec", loop.turn_max_us);
  info.Field("eventloop_cpu_max_usec", loop.turn_max_cpu_us);
  info.Field("eventloop_duration_max_commands", loop.turn_max_commands);
  info.Field("eventloop_duration_max_upkeep_usec", loop.turn_max_upkeep_us);
  info.Field("upkeep_duration_sum", loop.upkeep_sum_us);
  info.Field("upkeep_duration_max_usec", loop.upkeep_max_us);
  info.Field("slowest_command_usec", counters.longest_us);
  info.Field("slowest_command", counters.longest == nullptr ? "" : counters.longest->full_name);
}

}  // namespace

void InfoStats(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  const ServerMetrics& metrics = ctx.server.metrics();
  const Dispatcher::Counters& counters = ctx.dispatcher.counters();
  const Evictor& evictor = ctx.dispatcher.shard().evictor();
  const uint64_t expired = ctx.keys.counters().expired_keys - counters.expired_keys_before;
  info.Section("Stats");
  info.Field("total_connections_received", metrics.connections_received);
  info.Field("total_commands_processed", counters.commands);
  info.Field("instantaneous_ops_per_sec", metrics.ops_per_sec);
  info.Field("total_net_input_bytes", metrics.net_input_bytes);
  info.Field("total_net_output_bytes", metrics.net_output_bytes);
  info.Field("total_net_repl_input_bytes", 0);
  info.Field("total_net_repl_output_bytes", 0);
  info.Decimal("instantaneous_input_kbps", metrics.input_kbps);
  info.Decimal("instantaneous_output_kbps", metrics.output_kbps);
  info.Field("instantaneous_input_repl_kbps", "0.00");
  info.Field("instantaneous_output_repl_kbps", "0.00");
  info.Field("rejected_connections", metrics.connections_rejected);
  const ReplicationStatus replication = ctx.server.Replicated();
  info.Field("sync_full", replication.full_syncs);
  info.Field("sync_partial_ok", replication.partial_syncs);
  info.Field("sync_partial_err", replication.partial_refused);
  info.Field("expired_keys", expired);
  info.Field("expired_stale_perc", "0.00");
  info.Field("expired_time_cap_reached_count", metrics.loop.sweeps_cut);
  info.Field("expire_cycle_cpu_milliseconds", metrics.loop.sweep_sum_us / 1000);
  info.Field("evicted_keys", evictor.counters().evicted_keys);
  info.Field("evicted_clients", metrics.evicted_clients);
  info.Field("total_eviction_exceeded_time",
             (evictor.counters().exceeded_us + evictor.ExceededUs()) / 1000);
  info.Field("current_eviction_exceeded_time", evictor.ExceededUs() / 1000);
  info.Field("keyspace_hits", ctx.lookups.hits);
  info.Field("keyspace_misses", ctx.lookups.misses);
  const PubSub& pubsub = ctx.dispatcher.pubsub();
  info.Field("pubsub_channels", pubsub.Count(Topic::kChannel));
  info.Field("pubsub_patterns", pubsub.Count(Topic::kPattern));
  info.Field("pubsubshard_channels", pubsub.Count(Topic::kShard));
  info.Field("latest_fork_usec", 0);
  info.Field("total_forks", 0);
  info.Field("migrate_cached_sockets", 0);
  info.Field("slave_expires_tracked_keys", 0);
  NoDefragmentation(info);
  info.Field("tracking_total_keys", 0);
  info.Field("tracking_total_items", 0);
  info.Field("tracking_total_prefixes", 0);
  info.Field("unexpected_error_replies", 0);
  info.Field("total_error_replies", counters.error_replies);
  info.Field("dump_payload_sanitizations", ctx.lookups.payloads_read);
  info.Field("total_reads_processed", metrics.reads);
  info.Field("total_writes_processed", metrics.writes);
  info.Field("io_threaded_reads_processed", 0);
  info.Field("io_threaded_writes_processed", 0);
  info.Field("reply_buffer_shrinks", 0);  // a reply's buffer is as large as it gets, then pooled
  info.Field("reply_buffer_expands", 0);
  info.Field("client_query_buffer_limit_disconnections", metrics.query_buffer_limit_disconnections);
  info.Field("client_output_buffer_limit_disconnections",
             metrics.output_buffer_limit_disconnections);
  InfoLoop(counters, metrics.loop, info);
}

void InfoCommandStats(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  info.Section("Commandstats");
  for (const auto& command : ctx.dispatcher.registry().commands())
    WriteCommandStats(*command, info);
}

void InfoErrorStats(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  info.Section("Errorstats");
  for (const auto& [word, count] : ctx.dispatcher.counters().errors)
    info.Field("errorstat_" + word, fmt::format("count={}", count));
}

void InfoCluster(CommandContext& /*ctx*/, const Facts& /*facts*/, InfoText& info) {
  info.Section("Cluster");
  info.Field("cluster_enabled", 0);
}

void InfoKeyspace(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  info.Section("Keyspace");
  for (uint32_t db = 0; db < ctx.keys.databases(); ++db) {
    const size_t size = ctx.keys.Size(db);
    if (size == 0) continue;
    info.Field(fmt::format("db{}", db),
               fmt::format("keys={},expires={},avg_ttl={}", size, ctx.keys.SizeWithDeadline(db),
                           AverageTtlMs(ctx, db)));
  }
}

}  // namespace cloakroom
