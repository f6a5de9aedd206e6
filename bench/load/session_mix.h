#pragma once

#include <cstdint>

#include "bench/load/random.h"

namespace cloakroom::bench {

/// What the requests of a web application do with a session that exists.
enum class MixAction : uint8_t { kRead, kUpdate, kTouch, kList };

/// Of 100 requests 80 read, 15 update a field, 4 only slide, 1 lists the user's sessions.
[[nodiscard]] inline MixAction DrawMixAction(Random& random) {
  const uint64_t draw = random.Below(100);
  if (draw < 80) return MixAction::kRead;
  if (draw < 95) return MixAction::kUpdate;
  if (draw < 99) return MixAction::kTouch;
  return MixAction::kList;
}

/// The steps of a login flow.
inline constexpr uint32_t kLoginReads = 5;
inline constexpr uint32_t kLoginUpdates = 2;

}  // namespace cloakroom::bench
