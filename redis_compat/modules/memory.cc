#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/help_reply.h"
#include "redis_compat/modules/memory_doctor.h"
#include "redis_compat/modules/memory_figures.h"
#include "store/table/keyspace.h"

namespace cloakroom {
namespace {

/// MEMORY USAGE key [SAMPLES count] -> bytes, or nil. The answer is exact, so SAMPLES is checked as
/// in Redis, and changes nothing.
Result<void> MemoryUsage(CommandContext& ctx, Args args, Reply& reply) {
  for (size_t i = 3; i < args.size(); i += 2) {
    if (!args.Is(i, "SAMPLES") || i + 1 >= args.size()) return Fail(Code::kInvalid, "syntax error");
    TRY(const int64_t samples, args.Integer(i + 1));
    if (samples < 0) return Fail(Code::kInvalid, "syntax error");
  }
  const Entry* entry = ctx.Peek(ctx.Ref(args[2]));
  if (entry == nullptr) return reply.Null();
  return reply.Integer(static_cast<int64_t>(ctx.keys.EntryBytes(*entry)));
}

/// Writes the (name, value) pairs of a map whose size is known at the end.
class MapWriter {
 public:
  explicit MapWriter(Reply& reply) : reply_(reply), body_(text_, reply.protocol()) {}

  void Bytes(std::string_view name, size_t value) {
    Name(name);
    static_cast<void>(body_.Integer(static_cast<int64_t>(value)));
  }
  void Signed(std::string_view name, int64_t value) {
    Name(name);
    static_cast<void>(body_.Integer(value));
  }
  void Number(std::string_view name, double value) {
    Name(name);
    static_cast<void>(body_.Double(value));
  }
  /// Starts a value that the caller writes.
  Reply& Nested(std::string_view name) {
    Name(name);
    return body_;
  }
  Result<void> Finish() {
    TRY_VOID(reply_.Map(pairs_));
    reply_.out() += body_.out();
    return {};
  }

 private:
  void Name(std::string_view name) {
    static_cast<void>(body_.Bulk(name));
    ++pairs_;
  }

  Reply& reply_;
  std::string text_;
  Reply body_;
  size_t pairs_ = 0;
};

void WriteStructures(const MemoryFigures& figures, MapWriter& map) {
  map.Bytes("table.index", figures.index_bytes());
  map.Bytes("table.slabs", figures.slab_bytes());
  map.Bytes("table.slabs.used", figures.slab_used_bytes());
  map.Number("table.slabs.fill", Ratio(figures.slab_used_bytes(), figures.slab_bytes()));
  map.Bytes("table.large-blocks", figures.large_bytes());
  map.Bytes("table.expiry-wheel", figures.wheel_bytes());
  map.Bytes("sessions.count", figures.sessions_live);
  map.Bytes("sessions.bytes", figures.sessions.sessions.InUse());
  map.Bytes("sessions.user-index", figures.sessions.user_index.InUse());
  map.Bytes("sessions.dictionaries", figures.sessions.dictionary_bytes);
  map.Bytes("buffers.shared", figures.process.shared_buffers);
  map.Bytes("freeing.bytes", figures.going);
}

/// MEMORY STATS -> a map: Redis's names, then ours.
Result<void> MemoryStats(CommandContext& ctx, Args, Reply& reply) {
  const MemoryFigures figures = MeasureMemory(ctx);
  const MemoryMetrics& process = figures.process;
  MapWriter map(reply);
  map.Bytes("peak.allocated", process.peak);
  map.Bytes("total.allocated", process.used);
  map.Bytes("startup.allocated", process.startup);
  map.Bytes("replication.backlog", process.log);
  map.Bytes("clients.slaves", 0);
  map.Bytes("clients.normal", process.clients);
  map.Bytes("cluster.links", 0);
  map.Bytes("aof.buffer", ctx.server.Persisted().log_buffer_bytes);
  map.Bytes("lua.caches", 0);
  map.Bytes("functions.caches", 0);
  for (uint32_t db = 0; db < ctx.keys.databases(); ++db) {
    if (ctx.keys.Size(db) == 0) continue;
    const Table::Memory memory = ctx.keys.memory(db);
    MapWriter inner(map.Nested(fmt::format("db.{}", db)));
    inner.Bytes("overhead.hashtable.main", memory.index_bytes);
    inner.Bytes("overhead.hashtable.expires", memory.wheel_bytes);
    inner.Bytes("overhead.hashtable.slot-to-keys", 0);
    TRY_VOID(inner.Finish());
  }
  const uint64_t since_start = process.used - std::min(process.used, process.startup);
  map.Bytes("overhead.total", figures.overhead);
  map.Bytes("keys.count", figures.keys);
  map.Bytes("keys.bytes-per-key", figures.keys == 0 ? 0 : since_start / figures.keys);
  map.Bytes("dataset.bytes", figures.dataset);
  map.Number("dataset.percentage", 100 * Ratio(figures.dataset, since_start));
  map.Number("peak.percentage", 100 * Ratio(process.used, process.peak));
  map.Bytes("allocator.allocated", process.allocator_allocated);
  map.Bytes("allocator.active", process.allocator_active);
  map.Bytes("allocator.resident", process.allocator_resident);
  map.Number("allocator-fragmentation.ratio",
             Ratio(process.allocator_active, process.allocator_allocated));
  map.Signed("allocator-fragmentation.bytes",
             Excess(process.allocator_active, process.allocator_allocated));
  map.Number("allocator-rss.ratio", Ratio(process.allocator_resident, process.allocator_active));
  map.Signed("allocator-rss.bytes", Excess(process.allocator_resident, process.allocator_active));
  map.Number("rss-overhead.ratio", Ratio(process.resident, process.allocator_resident));
  map.Signed("rss-overhead.bytes", Excess(process.resident, process.allocator_resident));
  map.Number("fragmentation", Ratio(process.resident, process.used));
  map.Signed("fragmentation.bytes", Excess(process.resident, process.used));
  WriteStructures(figures, map);
  return map.Finish();
}

/// MEMORY DOCTOR -> what seems wrong and what to do about it.
Result<void> MemoryDoctor(CommandContext& ctx, Args, Reply& reply) {
  return reply.Verbatim(DiagnoseMemory(MeasureMemory(ctx), ctx.server.metrics()));
}

/// MEMORY PURGE -> OK, when all that is free has gone back to the kernel.
Result<void> MemoryPurge(CommandContext& ctx, Args, Reply& reply) {
  ctx.server.PurgeMemory();
  return reply.Ok();
}

/// MEMORY MALLOC-STATS -> the allocator's own report.
Result<void> MemoryMallocStats(CommandContext& ctx, Args, Reply& reply) {
  const std::string report = ctx.server.AllocatorReport();
  return reply.Verbatim(report.empty() ? "Stats not supported for the current allocator" : report);
}

/// MEMORY HELP
Result<void> MemoryHelp(CommandContext&, Args, Reply& reply) {
  return ReplyHelp(reply, "MEMORY",
                   {{"DOCTOR", "What seems wrong with memory, and what to do about it."},
                    {"MALLOC-STATS", "The allocator's own statistics."},
                    {"PURGE", "Gives memory that is free back to the system, at once."},
                    {"STATS", "Where the memory is, in numbers."},
                    {"USAGE <key> [SAMPLES <count>]",
                     "Bytes of a key and its value; exact, whatever <count> says."}});
}

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler.
const CommandSpec kMemorySubcommands[] = {
    {"doctor",
     2,
     0,
     {},
     "",
     "server",
     "4.0.0",
     "Looks for what is wrong with memory.",
     "",
     MemoryDoctor},
    {"help",
     2,
     kLoading | kStale,
     {},
     "",
     "server",
     "4.0.0",
     "Lists the subcommands of MEMORY.",
     "",
     MemoryHelp},
    {"malloc-stats",
     2,
     0,
     {},
     "",
     "server",
     "4.0.0",
     "Shows the allocator's own statistics.",
     "",
     MemoryMallocStats},
    {"purge",
     2,
     0,
     {},
     "",
     "server",
     "4.0.0",
     "Gives free memory back to the system.",
     "",
     MemoryPurge},
    {"stats", 2, 0, {}, "", "server", "4.0.0", "Tells where the memory is.", "", MemoryStats},
    {"usage",
     -3,
     kReadonly,
     {2, 2, 1},
     "",
     "server",
     "4.0.0",
     "Estimates the bytes of a key with its value.",
     "key [SAMPLES count]",
     MemoryUsage},
};

const CommandSpec kMemory[] = {
    {"memory",
     -2,
     0,
     {},
     "",
     "server",
     "4.0.0",
     "Looks into the use of memory.",
     "",
     nullptr,
     kMemorySubcommands},
};

}  // namespace

void RegisterMemory(Registry& registry) { registry.Add(kMemory); }

}  // namespace cloakroom
