#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "redis_compat/command/client_state.h"
#include "redis_compat/command/registry.h"
#include "store/base/result.h"
#include "store/base/time.h"

namespace cloakroom {

/// What CONNECTION's and CLIENT's commands share.

/// The subcommands of CLIENT.
[[nodiscard]] std::span<const CommandSpec> ClientSubcommands();

/// One line of CLIENT LIST, newline included.
[[nodiscard]] std::string ClientLine(const ClientState& client, TimeMs now);

/// Gives the client a name; an empty one takes it away. Only printable ASCII without blanks.
[[nodiscard]] Result<void> SetClientName(ClientState& client, std::string_view name);

/// Canonical name of a client class (normal, master, replica, pubsub), nullopt when unknown.
[[nodiscard]] std::optional<std::string_view> ClientType(std::string_view word);

/// CLIENT KILL, in both its forms.
Result<void> ClientKill(CommandContext& ctx, Args args, Reply& reply);

}  // namespace cloakroom
