// REPLICAOF, ROLE, WAIT and WAITAOF; REPLICATE, by which a connection becomes a replica's.

#include <algorithm>
#include <optional>

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"

namespace cloakroom {
namespace {

using Link = ReplicationStatus::Link;

/// REPLICAOF host port | NO ONE -> OK
Result<void> ReplicaOf(CommandContext& ctx, Args args, Reply& reply) {
  if (ctx.client.in_exec)
    return Fail(Code::kInvalid, "REPLICAOF is not allowed inside a transaction");
  const ReplicationStatus before = ctx.server.Replicated();
  if (args.Is(1, "NO") && args.Is(2, "ONE")) {
    if (before.is_replica) TRY_VOID(ctx.server.ReplicaOf("", 0));
    return reply.Ok();
  }
  TRY(const int64_t port, args.Integer(2, "Invalid master port"));
  if (port <= 0 || port > 65535) return Fail(Code::kInvalid, "Invalid master port");
  if (before.is_replica && before.primary_host == args[1] && before.primary_port == port)
    return reply.Simple("OK Already connected to specified master");
  TRY_VOID(ctx.server.ReplicaOf(args[1], static_cast<uint16_t>(port)));
  return reply.Ok();
}

std::string_view LinkWord(Link link) {
  switch (link) {
    case Link::kConnect:
      return "connect";
    case Link::kConnecting:
      return "connecting";
    case Link::kHandshake:
      return "handshake";
    case Link::kSync:
      return "sync";
    case Link::kConnected:
      return "connected";
  }
  return "unknown";
}

/// ROLE -> master, offset, its replicas; or slave, host, port, state, offset
Result<void> Role(CommandContext& ctx, Args /*args*/, Reply& reply) {
  const ReplicationStatus status = ctx.server.Replicated();
  if (status.is_replica) {
    reply.Array(5);
    reply.Bulk("slave");
    reply.Bulk(status.primary_host);
    reply.Integer(status.primary_port);
    reply.Bulk(LinkWord(status.link));
    const bool knows = status.link == Link::kConnected;
    return reply.Integer(knows ? static_cast<int64_t>(status.newest) : -1);
  }
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(static_cast<int64_t>(status.newest));
  const auto online = [](const ReplicationStatus::Replica& replica) { return replica.online; };
  reply.Array(
      static_cast<size_t>(std::count_if(status.replicas.begin(), status.replicas.end(), online)));
  for (const ReplicationStatus::Replica& replica : status.replicas) {
    if (!replica.online) continue;
    reply.Array(3);
    reply.Bulk(replica.host);
    reply.Bulk(std::to_string(replica.port));
    reply.Bulk(std::to_string(replica.applied));
  }
  return {};
}

/// Whether the client is to wait on: `enough` is not the case, and its time is not over. 0 ms: as
/// long as it takes. Inside EXEC nobody waits.
bool WaitsOn(CommandContext& ctx, bool enough, int64_t timeout_ms) {
  if (enough || ctx.client.in_exec) {
    ctx.client.wait_until_ms.reset();
    return false;
  }
  std::optional<TimeMs>& until = ctx.client.wait_until_ms;
  if (!until) until = timeout_ms == 0 ? kNoDeadline : ctx.now + timeout_ms;
  if (*until != kNoDeadline && ctx.now >= *until) {
    until.reset();
    return false;
  }
  ctx.waits = true;
  ctx.server.WakeWaiting(*until);
  return true;
}

Result<int64_t> Timeout(Args args, size_t at) {
  TRY(const int64_t timeout_ms, args.Integer(at, "timeout is not an integer or out of range"));
  if (timeout_ms < 0) return Fail(Code::kInvalid, "timeout is negative");
  return timeout_ms;
}

Result<void> RefuseOnReplica(const CommandContext& ctx, std::string_view name) {
  if (!ctx.server.Replicated().is_replica) return {};
  return Fail(Code::kInvalid,
              "{} cannot be used with replica instances. Please also note that since Redis 4.0 if "
              "a replica is configured to be writable (which is not the default) writes to "
              "replicas are just local and are not propagated.",
              name);
}

/// WAIT numreplicas timeout -> how many replicas have applied what this client wrote last
Result<void> Wait(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(RefuseOnReplica(ctx, "WAIT"));
  TRY(const int64_t wanted, args.Integer(1));
  TRY(const int64_t timeout_ms, Timeout(args, 2));
  const auto count = static_cast<int64_t>(ctx.server.ReplicasAt(ctx.client.written, false));
  if (WaitsOn(ctx, count >= wanted, timeout_ms)) return {};
  return reply.Integer(count);
}

/// WAITAOF numlocal numreplicas timeout -> whether it is on our disk, on how many replicas' disks
Result<void> WaitAof(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(RefuseOnReplica(ctx, "WAITAOF"));
  TRY(const int64_t local_wanted, args.Integer(1));
  TRY(const int64_t wanted, args.Integer(2));
  TRY(const int64_t timeout_ms, Timeout(args, 3));
  if (local_wanted < 0 || local_wanted > 1)
    return Fail(Code::kInvalid, "value is out of range, must be between 0 and 1");
  Shard& shard = ctx.dispatcher.shard();
  if (local_wanted > 0 && !shard.has_journal())
    return Fail(Code::kInvalid,
                "WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  shard.NeedDisk(ctx.client.written);
  const int64_t local =
      shard.has_journal() && shard.Reached(AckLevel::kDisk) >= ctx.client.written ? 1 : 0;
  const auto count = static_cast<int64_t>(ctx.server.ReplicasAt(ctx.client.written, true));
  if (WaitsOn(ctx, local >= local_wanted && count >= wanted, timeout_ms)) return {};
  reply.Array(2);
  reply.Integer(local);
  return reply.Integer(count);
}

/// REPLICATE version -> the connection goes over to the protocol of store/replication/PROTOCOL.md
Result<void> Replicate(CommandContext& ctx, Args args, Reply& /*reply*/) {
  TRY(const int64_t version, args.Integer(1));
  if (version < 1) return Fail(Code::kInvalid, "version {} of replication does not exist", version);
  if (ctx.client.in_exec)
    return Fail(Code::kInvalid, "REPLICATE is not allowed inside a transaction");
  ctx.client.becomes_replica = true;
  return {};
}

constexpr uint32_t kAdminOnly = kAdmin | kNoScript;

}  // namespace

void RegisterReplication(Registry& registry) {
  // Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
  static const CommandSpec kReplication[] = {
      {"replicaof",
       3,
       kAdminOnly | kStale | kNoAsyncLoading | kLoading,
       {},
       "",
       "server",
       "5.0.0",
       "Makes this server a replica of another, or a primary.",
       "host port",
       ReplicaOf},
      {"slaveof",
       3,
       kAdminOnly | kStale | kNoAsyncLoading | kLoading,
       {},
       "",
       "server",
       "1.0.0",
       "The older name of REPLICAOF.",
       "host port",
       ReplicaOf},
      {"role",
       1,
       kNoScript | kLoading | kStale | kFast,
       {},
       "admin dangerous",
       "server",
       "2.8.12",
       "Tells whether this server is a primary or a replica, and how far it is.",
       "",
       Role},
      {"wait",
       3,
       kNoScript,
       {},
       "slow connection",
       "generic",
       "3.0.0",
       "Waits until replicas have applied what this client wrote.",
       "numreplicas timeout",
       Wait},
      {"waitaof",
       4,
       kNoScript,
       {},
       "slow connection",
       "generic",
       "7.2.0",
       "Waits until what this client wrote is on disk, here and on replicas.",
       "numlocal numreplicas timeout",
       WaitAof},
      {"replicate",
       2,
       kAdminOnly | kNoMulti,
       {},
       "",
       "server",
       "7.0.0",
       "Makes this connection that of a replica.",
       "version",
       Replicate},
  };
  registry.Add(kReplication);
}

}  // namespace cloakroom
