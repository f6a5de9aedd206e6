// INFO's section about replication. Offsets are sequence numbers of records.

#include <fmt/format.h>

#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/info.h"

namespace cloakroom {
namespace {

using Link = ReplicationStatus::Link;

/// Of the length that Redis's ids have: ours are shorter.
std::string ReplicationId(const std::string& history) {
  return history + std::string(40 - std::min<size_t>(history.size(), 40), '0');
}

void WritePrimary(const ReplicationStatus& status, InfoText& info) {
  info.Field("master_host", status.primary_host);
  info.Field("master_port", status.primary_port);
  const bool up = status.link == Link::kConnected;
  info.Field("master_link_status", up ? "up" : "down");
  info.Field("master_last_io_seconds_ago", up ? status.heard_s : -1);
  info.Field("master_sync_in_progress", status.link == Link::kSync ? 1 : 0);
  const uint64_t offset = status.redis_offset != 0 ? status.redis_offset : status.newest;
  info.Field("slave_read_repl_offset", offset);
  info.Field("slave_repl_offset", offset);
  if (status.link == Link::kSync) {
    info.Field("master_sync_total_bytes", 0);  // nobody knows before its end
    info.Field("master_sync_read_bytes", status.sync_bytes);
    info.Field("master_sync_left_bytes", 0);
    info.Field("master_sync_perc", "0.00");
    info.Field("master_sync_last_io_seconds_ago", status.heard_s);
  }
  if (!up) {
    info.Field("master_link_down_since_seconds", status.down_s);
    info.Field("master_link_error", status.error);
  }
  info.Field("slave_priority", 100);
  info.Field("slave_read_only", 1);
  info.Field("replica_announced", 1);
}

}  // namespace

void InfoReplication(CommandContext& ctx, const Facts& /*facts*/, InfoText& info) {
  const ReplicationStatus status = ctx.server.Replicated();
  info.Section("Replication");
  info.Field("role", status.is_replica ? "slave" : "master");
  if (status.is_replica) WritePrimary(status, info);
  info.Field("connected_slaves", status.replicas.size());
  if (status.good_replicas >= 0) info.Field("min_slaves_good_slaves", status.good_replicas);
  for (size_t i = 0; i < status.replicas.size(); ++i) {
    const ReplicationStatus::Replica& replica = status.replicas[i];
    const std::string_view state = replica.online  ? "online"
                                   : replica.waits ? "wait_bgsave"
                                                   : "send_bulk";
    info.Field(fmt::format("slave{}", i),
               fmt::format("ip={},port={},state={},offset={},lag={}", replica.host, replica.port,
                           state, replica.applied, replica.silent_s));
  }
  info.Field("master_failover_state", "no-failover");
  info.Field("master_replid", ReplicationId(status.history));
  info.Field("master_replid2", ReplicationId(status.earlier_history));
  info.Field("master_repl_offset", status.newest);
  info.Field("second_repl_offset", status.earlier_history.empty()
                                       ? int64_t{-1}
                                       : static_cast<int64_t>(status.earlier_last));
  info.Field("repl_backlog_active", status.backlog_bytes > 0 ? 1 : 0);
  info.Field("repl_backlog_size", ctx.server.ConfigGet("repl-backlog-size").value_or("0"));
  info.Field("repl_backlog_first_byte_offset", status.backlog_first);
  info.Field("repl_backlog_histlen", status.backlog_bytes);
  info.Field("replication_epoch", status.epoch);
}

}  // namespace cloakroom
