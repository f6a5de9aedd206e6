// INFO: which sections are asked for. What they say is in info_process.cc and info_activity.cc.

#include "redis_compat/modules/info.h"

#include <algorithm>
#include <iterator>

#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/server.h"

namespace cloakroom {
namespace {

struct Section {
  std::string_view name;
  bool by_default;
  void (*write)(CommandContext& ctx, const Facts& facts, InfoText& info);
};

constexpr Section kSections[] = {
    {"server", true, InfoServer},
    {"clients", true, InfoClients},
    {"memory", true, InfoMemory},
    {"persistence", true, InfoPersistence},
    {"stats", true, InfoStats},
    {"replication", true, InfoReplication},
    {"cpu", true, InfoCpu},
    {"modules", true, InfoModules},
    {"commandstats", false, InfoCommandStats},
    {"errorstats", true, InfoErrorStats},
    {"cluster", true, InfoCluster},
    {"keyspace", true, InfoKeyspace},
};

}  // namespace

void InfoText::Bytes(std::string_view name, uint64_t bytes) {
  Field(name, bytes);
  fmt::format_to(std::back_inserter(text_), "{}_human:{}\r\n", name, HumanBytes(bytes));
}

std::string HumanBytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{}B", bytes);
  auto amount = static_cast<double>(bytes);
  constexpr std::string_view kUnits = "KMGTP";
  size_t unit = 0;
  for (amount /= 1024; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return fmt::format("{:.2f}{}", amount, kUnits[unit]);
}

/// INFO [section ...] -> the sections as text; unknown ones say nothing.
Result<void> Info(CommandContext& ctx, Args args, Reply& reply) {
  const auto asked = [args](std::string_view name) {
    const auto words = args.From(1);
    return std::any_of(words.begin(), words.end(),
                       [name](std::string_view word) { return EqualsIgnoreCase(word, name); });
  };
  const bool all = asked("all") || asked("everything");
  const bool defaults = all || args.size() == 1 || asked("default");
  Facts facts;
  ctx.server.ForEachFact([&facts](std::string_view name, std::string value) {
    facts.insert_or_assign(std::string(name), std::move(value));
  });
  InfoText info;
  for (const Section& section : kSections)
    if (all || (defaults && section.by_default) || asked(section.name))
      section.write(ctx, facts, info);
  return reply.Verbatim(info.text());
}

}  // namespace cloakroom
