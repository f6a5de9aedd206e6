// CONFIG: the options of the running server.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/help_reply.h"
#include "redis_compat/modules/server.h"

namespace cloakroom {
namespace {

using Setting = std::pair<std::string, std::string>;

/// CONFIG GET parameter [parameter ...] -> names and values, each name once.
Result<void> ConfigGet(CommandContext& ctx, Args args, Reply& reply) {
  std::vector<Setting> found;
  std::set<std::string, std::less<>> names;
  for (const std::string_view pattern : args.From(2)) {
    std::string folded(pattern);
    for (char& c : folded)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (pattern.find_first_of("*?[") == std::string_view::npos) {
      // A plain name comes back as it was written, whatever its case.
      std::optional<std::string> value = ctx.server.ConfigGet(folded);
      if (value && names.insert(folded).second) found.emplace_back(pattern, std::move(*value));
      continue;
    }
    ctx.server.ConfigForEach([&](std::string_view name, const std::string& value) {
      if (GlobMatch(folded, name, true) && names.emplace(name).second)
        found.emplace_back(name, value);
    });
  }
  static_cast<void>(reply.Map(found.size()));
  for (const auto& [name, value] : found) {
    static_cast<void>(reply.Bulk(name));
    static_cast<void>(reply.Bulk(value));
  }
  return {};
}

/// CONFIG SET parameter value [parameter value ...] -> OK. All or none.
Result<void> ConfigSet(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() % 2 != 0) return Fail(Code::kInvalid, "syntax error");
  std::vector<Setting> settings;
  for (size_t i = 2; i < args.size(); i += 2) settings.emplace_back(args[i], args[i + 1]);
  TRY_VOID(ctx.server.ConfigSet(settings));
  return reply.Ok();
}

void RedactConfigSet(std::span<std::string> words) {
  for (size_t i = 2; i + 1 < words.size(); i += 2)
    for (const std::string_view secret : {"requirepass", "masterauth", "masteruser",
                                          "tls-key-file-pass", "tls-client-key-file-pass"})
      if (EqualsIgnoreCase(words[i], secret)) words[i + 1] = "(redacted)";
}

/// CONFIG REWRITE -> OK.
Result<void> ConfigRewrite(CommandContext& ctx, Args /*args*/, Reply& reply) {
  TRY_VOID(ctx.server.ConfigRewrite());
  return reply.Ok();
}

/// CONFIG RESETSTAT -> OK.
Result<void> ConfigResetStat(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ctx.dispatcher.ResetStats();
  ctx.server.ResetStats();
  return reply.Ok();
}

Result<void> ConfigHelp(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return ReplyHelp(reply, "CONFIG",
                   {{"GET <pattern> [<pattern> ...]", "The options that match, with their values."},
                    {"SET <option> <value> [<option> <value> ...]", "Sets all of them, or none."},
                    {"RESETSTAT", "Sets what INFO counts back to zero."},
                    {"REWRITE", "Writes the present options into the config file."}});
}

constexpr uint32_t kAnytime = kLoading | kStale;
constexpr uint32_t kAdmins = kAnytime | kNoScript | kAdmin;

// Fields: name, arity, flags, keys, categories, group, since, summary, syntax, handler,
// subcommands, find_keys, redact.
const CommandSpec kSubcommands[] = {
    {"get",
     -3,
     kAdmins,
     {},
     "",
     "server",
     "2.0.0",
     "Answers the values of options.",
     "parameter [parameter ...]",
     ConfigGet},
    {"set",
     -4,
     kAdmins,
     {},
     "",
     "server",
     "2.0.0",
     "Sets options.",
     "parameter value [parameter value ...]",
     ConfigSet,
     {},
     nullptr,
     RedactConfigSet},
    {"rewrite",
     2,
     kAdmins,
     {},
     "",
     "server",
     "2.8.0",
     "Writes the options into the config file.",
     "",
     ConfigRewrite},
    {"resetstat",
     2,
     kAdmins,
     {},
     "",
     "server",
     "2.0.0",
     "Sets what INFO counts back to zero.",
     "",
     ConfigResetStat},
    {"help", 2, kAnytime, {}, "", "server", "5.0.0", "Lists the subcommands.", "", ConfigHelp},
};

}  // namespace

std::span<const CommandSpec> ConfigSubcommands() { return kSubcommands; }

}  // namespace cloakroom
