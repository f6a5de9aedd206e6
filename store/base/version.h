#pragma once

#include <string_view>

namespace cloakroom {

/// What this build is.
inline constexpr std::string_view kCloakroomVersion = "0.1.0";

}  // namespace cloakroom
