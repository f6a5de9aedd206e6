#pragma once

#include <span>

#include "redis_compat/command/registry.h"

namespace cloakroom {

/// The parts of the server family: each file brings its rows.
[[nodiscard]] std::span<const CommandSpec> ConfigSubcommands();
[[nodiscard]] std::span<const CommandSpec> SlowLogSubcommands();

/// INFO [section ...]
Result<void> Info(CommandContext& ctx, Args args, Reply& reply);

}  // namespace cloakroom
