#pragma once

#include <cstdint>

#include "redis_compat/command/args.h"
#include "redis_compat/command/context.h"
#include "store/base/result.h"

namespace cloakroom {

/// args[word] as a 32-bit integer. `message` stands for every failure; without one they are
/// Redis's: "value is not an integer or out of range", or which interval it must be in.
[[nodiscard]] Result<int64_t> ParseInt32(Args args, size_t word, std::string_view message = {});

/// Fails with "DB index is out of range" unless `index` is a database.
[[nodiscard]] Result<void> CheckDatabase(const CommandContext& ctx, int64_t index);

/// args[word] as the number of a database, with the errors of both.
[[nodiscard]] Result<uint32_t> ParseDatabase(const CommandContext& ctx, Args args, size_t word);

}  // namespace cloakroom
