#pragma once

#include <string_view>

#include "store/base/version.h"

namespace cloakroom {

/// What HELLO and INFO say: the Redis whose replies ours are, which is what clients decide by. Our
/// own version stands beside it.
inline constexpr std::string_view kRedisVersion = "7.0.15";

}  // namespace cloakroom
