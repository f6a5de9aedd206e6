#pragma once

#include <string_view>

#include "redis_compat/command/registry.h"
#include "redis_compat/command/reply.h"

namespace cloakroom {

/// The parts of COMMAND.

/// A row of COMMAND INFO: ten elements, subcommands nested in the last.
void WriteCommandInfo(const Command& command, Reply& reply);

/// A value of COMMAND DOCS' map: summary, since, group, arguments, subcommands.
void WriteCommandDocs(const Command& command, Reply& reply);

/// The command of a full name ("client|id"), in either case; nullptr when unknown.
[[nodiscard]] const Command* FindByFullName(const Registry& registry, std::string_view name);

Result<void> CommandGetKeys(CommandContext& ctx, Args args, Reply& reply);
Result<void> CommandGetKeysAndFlags(CommandContext& ctx, Args args, Reply& reply);

}  // namespace cloakroom
