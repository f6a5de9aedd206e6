
#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/modules/all_modules.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

/// CLUSTER KEYSLOT key -> its slot.
Result<void> KeySlot(CommandContext&, Args args, Reply& reply) {
  return reply.Integer(SlotOf(args[2]));
}

/// CLUSTER COUNTKEYSINSLOT slot -> how many keys of this database it holds.
Result<void> CountKeysInSlot(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t slot, args.Integer(2));
  if (slot < 0 || slot >= int64_t{kSlotCount}) return Fail(Code::kOutOfRange, "Invalid slot");
  return reply.Integer(ctx.keys.SlotSize(ctx.db(), static_cast<uint32_t>(slot)));
}

/// CLUSTER GETKEYSINSLOT slot count -> up to `count` of them.
Result<void> GetKeysInSlot(CommandContext& ctx, Args args, Reply& reply) {
  TRY(const int64_t slot, args.Integer(2));
  TRY(const int64_t count, args.Integer(3));
  if (slot < 0 || slot >= int64_t{kSlotCount} || count < 0)
    return Fail(Code::kOutOfRange, "Invalid slot or number of keys");
  const size_t place = reply.DeferArray();
  int64_t found = 0;
  uint64_t cursor = 0;
  do {
    cursor = ctx.keys.ScanSlot(ctx.db(), static_cast<uint32_t>(slot), cursor, ctx.now,
                               [&](const Entry& entry) {
                                 if (found == count) return;
                                 static_cast<void>(reply.Bulk(entry.key()));
                                 ++found;
                               });
  } while (cursor != 0 && found < count);
  reply.SettleArray(place, static_cast<size_t>(found));
  return {};
}

/// What asks for the other nodes, or would change who owns what. A node that stands alone says so,
/// as cluster-aware clients expect: they then talk to it as to a single server.
Result<void> NoCluster(CommandContext&, Args, Reply&) {
  return Fail(Code::kUnavailable, "This instance has cluster support disabled");
}

constexpr uint32_t kChange = kAdmin | kStale | kNoAsyncLoading;

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kClusterSubcommands[] = {
    {"addslots",
     -3,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Gives slots to this node.",
     "slot [slot ...]",
     NoCluster},
    {"addslotsrange",
     -4,
     kChange,
     {},
     "",
     "cluster",
     "7.0.0",
     "Gives ranges of slots to this node.",
     "start-slot end-slot [start-slot end-slot ...]",
     NoCluster},
    {"bumpepoch", 2, kChange, {}, "", "cluster", "3.0.0", "Raises the epoch.", "", NoCluster},
    {"count-failure-reports",
     3,
     kAdmin | kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Counts who reports a node as failed.",
     "node-id",
     NoCluster},
    {"countkeysinslot",
     3,
     kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Counts the keys of a slot.",
     "slot",
     CountKeysInSlot},
    {"delslots",
     -3,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Takes slots from this node.",
     "slot [slot ...]",
     NoCluster},
    {"delslotsrange",
     -4,
     kChange,
     {},
     "",
     "cluster",
     "7.0.0",
     "Takes ranges of slots from this node.",
     "start-slot end-slot [start-slot end-slot ...]",
     NoCluster},
    {"failover",
     -2,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Makes this replica the primary.",
     "[FORCE | TAKEOVER]",
     NoCluster},
    {"flushslots",
     2,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Takes all slots from this node.",
     "",
     NoCluster},
    {"forget", 3, kChange, {}, "", "cluster", "3.0.0", "Removes a node.", "node-id", NoCluster},
    {"getkeysinslot",
     4,
     kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Lists keys of a slot.",
     "slot count",
     GetKeysInSlot},
    {"help",
     2,
     kLoading | kStale,
     {},
     "",
     "cluster",
     "5.0.0",
     "Lists the subcommands of CLUSTER.",
     "",
     NoCluster},
    {"info",
     2,
     kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Tells the state of the cluster.",
     "",
     NoCluster},
    {"keyslot", 3, kStale, {}, "", "cluster", "3.0.0", "Tells the slot of a key.", "key", KeySlot},
    {"links",
     2,
     kStale,
     {},
     "",
     "cluster",
     "7.0.0",
     "Lists the links to other nodes.",
     "",
     NoCluster},
    {"meet",
     -4,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Introduces another node.",
     "ip port [cluster-bus-port]",
     NoCluster},
    {"myid", 2, kStale, {}, "", "cluster", "3.0.0", "Tells the id of this node.", "", NoCluster},
    {"nodes", 2, kStale, {}, "", "cluster", "3.0.0", "Lists the nodes.", "", NoCluster},
    {"replicas",
     3,
     kAdmin | kStale,
     {},
     "",
     "cluster",
     "5.0.0",
     "Lists the replicas of a node.",
     "node-id",
     NoCluster},
    {"replicate",
     3,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Makes this node a replica of another.",
     "node-id",
     NoCluster},
    {"reset",
     -2,
     kAdmin | kNoScript | kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Makes this node forget the cluster.",
     "[HARD | SOFT]",
     NoCluster},
    {"saveconfig",
     2,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Writes the state of the cluster to disk.",
     "",
     NoCluster},
    {"set-config-epoch",
     3,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Sets the epoch of a new node.",
     "config-epoch",
     NoCluster},
    {"setslot",
     -4,
     kChange,
     {},
     "",
     "cluster",
     "3.0.0",
     "Sets what becomes of a slot.",
     "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
     NoCluster},
    {"shards",
     2,
     kStale,
     {},
     "",
     "cluster",
     "7.0.0",
     "Lists the shards and their slots.",
     "",
     NoCluster},
    {"slaves",
     3,
     kAdmin | kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Lists the replicas of a node.",
     "node-id",
     NoCluster},
    {"slots",
     2,
     kStale,
     {},
     "",
     "cluster",
     "3.0.0",
     "Lists which nodes have which slots.",
     "",
     NoCluster},
};

const CommandSpec kCluster[] = {
    {"cluster",
     -2,
     0,
     {},
     "",
     "cluster",
     "3.0.0",
     "Asks about slots and nodes.",
     "",
     nullptr,
     kClusterSubcommands},
};

}  // namespace

void RegisterCluster(Registry& registry) { registry.Add(kCluster); }

}  // namespace cloakroom
