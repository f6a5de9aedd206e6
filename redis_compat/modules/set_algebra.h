#pragma once

#include <cstddef>
#include <vector>

#include "redis_compat/command/context.h"

namespace cloakroom {

/// The handlers of the set family that take several sets; their rows are in sets.cc.
Result<void> SInter(CommandContext& ctx, Args args, Reply& reply);
Result<void> SUnion(CommandContext& ctx, Args args, Reply& reply);
Result<void> SDiff(CommandContext& ctx, Args args, Reply& reply);
Result<void> SInterStore(CommandContext& ctx, Args args, Reply& reply);
Result<void> SUnionStore(CommandContext& ctx, Args args, Reply& reply);
Result<void> SDiffStore(CommandContext& ctx, Args args, Reply& reply);
Result<void> SInterCard(CommandContext& ctx, Args args, Reply& reply);

/// Where SINTERCARD's keys stand: their number is its first argument.
bool FindSInterCardKeys(Args args, std::vector<size_t>& keys);

}  // namespace cloakroom
