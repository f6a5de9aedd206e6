#pragma once

#include "redis_compat/command/args.h"
#include "redis_compat/command/registry.h"
#include "store/base/result.h"

namespace cloakroom {

/// What is said of words that name no command: Redis's sentence, with as much of the words as is
/// sensible to repeat.
[[nodiscard]] Error UnknownCommand(const Registry& registry, Args args);

}  // namespace cloakroom
