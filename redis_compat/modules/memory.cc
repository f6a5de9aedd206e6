#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "redis_compat/command/context.h"
#include "redis_compat/command/reply.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/help_reply.h"
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

/// What MEMORY STATS and MEMORY DOCTOR look at.
struct MemoryFigures {
  size_t allocated = 0;
  size_t resident = 0;
  size_t peak = 0;
  size_t clients = 0;   // their buffers and queues
  size_t overhead = 0;  // what is there besides keys and values
  size_t dataset = 0;   // keys and values
  size_t keys = 0;
};

MemoryFigures Measure(CommandContext& ctx) {
  MemoryFigures figures;
  figures.allocated = ctx.server.AllocatedBytes();
  figures.resident = ctx.server.ResidentBytes();
  figures.peak = std::max<size_t>(ctx.server.metrics().memory_peak_bytes, figures.allocated);
  ctx.server.ForEachClient([&](ClientState& client) {
    figures.clients += client.query_buffer_bytes + client.output_buffer_bytes + client.queued_bytes;
  });
  figures.dataset = ctx.keys.memory().block_bytes;
  figures.overhead = figures.allocated - std::min(figures.allocated, figures.dataset);
  for (uint32_t db = 0; db < ctx.keys.databases(); ++db) figures.keys += ctx.keys.Size(db);
  return figures;
}

double Ratio(size_t a, size_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

/// Writes the (name, value) pairs of a map whose size is known at the end.
class MapWriter {
 public:
  explicit MapWriter(Reply& reply) : reply_(reply), body_(text_, reply.protocol()) {}

  void Bytes(std::string_view name, size_t value) {
    Name(name);
    static_cast<void>(body_.Integer(static_cast<int64_t>(value)));
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
    reply_.out() += text_;
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

/// MEMORY STATS -> a map, with Redis's names for what there is here.
Result<void> MemoryStats(CommandContext& ctx, Args, Reply& reply) {
  const MemoryFigures figures = Measure(ctx);
  MapWriter map(reply);
  map.Bytes("peak.allocated", figures.peak);
  map.Bytes("total.allocated", figures.allocated);
  map.Bytes("clients.normal", figures.clients);
  for (uint32_t db = 0; db < ctx.keys.databases(); ++db) {
    if (ctx.keys.Size(db) == 0) continue;
    const Table::Memory memory = ctx.keys.memory(db);
    MapWriter inner(map.Nested(fmt::format("db.{}", db)));
    inner.Bytes("overhead.hashtable.main", memory.index_bytes);
    inner.Bytes("overhead.hashtable.expires", memory.wheel_bytes);
    TRY_VOID(inner.Finish());
  }
  map.Bytes("overhead.total", figures.overhead);
  map.Bytes("keys.count", figures.keys);
  map.Bytes("keys.bytes-per-key", figures.keys == 0 ? 0 : figures.dataset / figures.keys);
  map.Bytes("dataset.bytes", figures.dataset);
  map.Number("dataset.percentage", 100 * Ratio(figures.dataset, figures.allocated));
  map.Number("peak.percentage", 100 * Ratio(figures.allocated, figures.peak));
  map.Number("fragmentation", Ratio(figures.resident, figures.allocated));
  map.Bytes("fragmentation.bytes",
            figures.resident - std::min(figures.resident, figures.allocated));
  return map.Finish();
}

/// MEMORY DOCTOR -> what seems wrong, one line each.
Result<void> MemoryDoctor(CommandContext& ctx, Args, Reply& reply) {
  constexpr size_t kTooLittle = 5 << 20;
  constexpr double kRatioMax = 1.4;
  constexpr size_t kClientBytesMax = 200 << 10;  // of each, on average
  const MemoryFigures figures = Measure(ctx);
  if (figures.allocated < kTooLittle)
    return reply.Verbatim("Less than 5 MB are in use: too little to judge.");

  std::string findings;
  if (Ratio(figures.peak, figures.allocated) > kRatioMax) {
    findings += fmt::format("Peak: {} bytes were in use at most, {} are now.\n", figures.peak,
                            figures.allocated);
  }
  if (Ratio(figures.resident, figures.allocated) > kRatioMax) {
    findings += fmt::format("Fragmentation: {} bytes are resident for {} allocated.\n",
                            figures.resident, figures.allocated);
  }
  if (figures.clients >
      kClientBytesMax * std::max<size_t>(1, ctx.server.metrics().connected_clients)) {
    findings += fmt::format("Clients: their buffers hold {} bytes; some may not read replies.\n",
                            figures.clients);
  }
  return reply.Verbatim(findings.empty() ? "Nothing seems wrong with memory." : findings);
}

/// MEMORY HELP
Result<void> MemoryHelp(CommandContext&, Args, Reply& reply) {
  return ReplyHelp(reply, "MEMORY",
                   {{"DOCTOR", "What seems wrong with memory, in words."},
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
