#pragma once

#include <string_view>

namespace cloakroom {

/// What HELLO and INFO say: the Redis whose replies ours are, which is what clients decide by, and
/// our own version beside it.
inline constexpr std::string_view kRedisVersion = "7.0.15";
inline constexpr std::string_view kCloakroomVersion = "0.1.0";

}  // namespace cloakroom
