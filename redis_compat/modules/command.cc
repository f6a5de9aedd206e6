// COMMAND: the server describes its own commands, from their rows.

#include "redis_compat/modules/command.h"

#include <algorithm>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/command_facts.h"
#include "redis_compat/modules/help_reply.h"
#include "redis_compat/modules/session_args.h"

namespace cloakroom {
namespace {

/// COMMAND -> the row of every command.
Result<void> All(CommandContext& ctx, Args /*args*/, Reply& reply) {
  const auto& commands = ctx.dispatcher.registry().commands();
  static_cast<void>(reply.Array(commands.size()));
  for (const auto& command : commands) WriteCommandInfo(*command, reply);
  return {};
}

/// COMMAND COUNT -> how many there are.
Result<void> Count(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return reply.Integer(static_cast<int64_t>(ctx.dispatcher.registry().commands().size()));
}

/// COMMAND INFO [name ...] -> the row of each, nil for an unknown one.
Result<void> InfoOf(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() == 2) return All(ctx, args, reply);
  static_cast<void>(reply.Array(args.size() - 2));
  for (const std::string_view name : args.From(2)) {
    const Command* command = FindByFullName(ctx.dispatcher.registry(), name);
    if (command != nullptr)
      WriteCommandInfo(*command, reply);
    else
      static_cast<void>(reply.Null());
  }
  return {};
}

/// COMMAND DOCS [name ...] -> a map of those that are known.
Result<void> Docs(CommandContext& ctx, Args args, Reply& reply) {
  const Registry& registry = ctx.dispatcher.registry();
  std::vector<const Command*> commands;
  if (args.size() == 2)
    for (const auto& command : registry.commands()) commands.push_back(command.get());
  for (const std::string_view name : args.From(2))
    if (const Command* command = FindByFullName(registry, name)) commands.push_back(command);
  static_cast<void>(reply.Map(commands.size()));
  for (const Command* command : commands) {
    static_cast<void>(reply.Bulk(command->full_name));
    WriteCommandDocs(*command, reply);
  }
  return {};
}

enum class Filter { kNone, kModule, kCategory, kPattern };

bool Matches(const Command& command, Filter filter, std::string_view word) {
  switch (filter) {
    case Filter::kNone:
      return true;
    case Filter::kModule:
      return false;  // none are loaded
    case Filter::kPattern:
      return GlobMatch(word, command.full_name, true);
    case Filter::kCategory:
      break;
  }
  const std::vector<std::string_view> categories = CategoriesOf(command);
  return std::any_of(categories.begin(), categories.end(), [word](std::string_view category) {
    return EqualsIgnoreCase(category, word);
  });
}

/// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN glob] -> names, those of
/// subcommands too.
Result<void> List(CommandContext& ctx, Args args, Reply& reply) {
  Filter filter = Filter::kNone;
  if (args.size() == 5 && args.Is(2, "FILTERBY") && args.Is(3, "MODULE"))
    filter = Filter::kModule;
  else if (args.size() == 5 && args.Is(2, "FILTERBY") && args.Is(3, "ACLCAT"))
    filter = Filter::kCategory;
  else if (args.size() == 5 && args.Is(2, "FILTERBY") && args.Is(3, "PATTERN"))
    filter = Filter::kPattern;
  else if (args.size() != 2)
    return Fail(Code::kInvalid, "syntax error");
  const std::string_view word = filter == Filter::kNone ? std::string_view() : args[4];
  const size_t place = reply.DeferArray();
  size_t count = 0;
  const auto add = [&](const Command& command) {
    if (!Matches(command, filter, word)) return;
    static_cast<void>(reply.Bulk(command.full_name));
    ++count;
  };
  for (const auto& command : ctx.dispatcher.registry().commands()) {
    add(*command);
    for (const auto& sub : command->subcommands) add(*sub);
  }
  reply.SettleArray(place, count);
  return {};
}

Result<void> Help(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return ReplyHelp(
      reply, "COMMAND",
      {{"(no subcommand)", "Describes every command."},
       {"COUNT", "How many commands there are."},
       {"DOCS [<command-name> [...]]", "What commands do and which arguments they take."},
       {"GETKEYS <full-command>", "The keys in a command."},
       {"GETKEYSANDFLAGS <full-command>", "The keys in a command and how it uses them."},
       {"INFO [<command-name> [...]]", "Describes those commands, or all."},
       {"LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "The names of commands."}});
}

/// The command that is asked about may show a token.
void RedactAskedAbout(std::span<std::string> words) {
  constexpr std::string_view kFamily = "session.";
  if (words.size() > 3 &&
      EqualsIgnoreCase(std::string_view(words[2]).substr(0, kFamily.size()), kFamily))
    RedactSession(words.subspan(2));
}

constexpr uint32_t kAnytime = kLoading | kStale;

constexpr CommandSpec Row(std::string_view name, int arity, std::string_view since,
                          std::string_view summary, std::string_view syntax, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = kAnytime,
          .keys = {},
          .categories = "connection",
          .group = "server",
          .since = since,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

CommandSpec KeysRow(std::string_view name, std::string_view since, std::string_view summary,
                    Handler handler) {
  CommandSpec row = Row(name, -4, since, summary, "command [arg ...]", handler);
  row.redact = RedactAskedAbout;
  return row;
}

const CommandSpec kSubcommands[] = {
    Row("count", 2, "2.8.13", "Counts the commands.", "", Count),
    Row("docs", -2, "7.0.0", "Says what commands do and take.", "[command-name ...]", Docs),
    KeysRow("getkeys", "2.8.13", "Finds the keys in a command.", CommandGetKeys),
    KeysRow("getkeysandflags", "7.0.0", "Finds the keys in a command and how it uses them.",
            CommandGetKeysAndFlags),
    Row("info", -2, "2.8.13", "Describes commands.", "[command-name ...]", InfoOf),
    Row("list", -2, "7.0.0", "Lists the names of commands.",
        "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", List),
    Row("help", 2, "5.0.0", "Lists the subcommands.", "", Help),
};

}  // namespace

const Command* FindByFullName(const Registry& registry, std::string_view name) {
  const size_t bar = name.find('|');
  const Command* command = registry.Find(name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  for (const auto& sub : command->subcommands)
    if (EqualsIgnoreCase(sub->full_name, name)) return sub.get();
  return nullptr;
}

void RegisterCommand(Registry& registry) {
  static const CommandSpec kCommand[] = {[] {
    CommandSpec row = Row("command", -1, "2.8.13", "Describes every command.", "", All);
    row.subcommands = kSubcommands;
    return row;
  }()};
  registry.Add(kCommand);
}

}  // namespace cloakroom
