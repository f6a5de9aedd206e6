#pragma once

#include <cstddef>

#include "store/base/time.h"
#include "store/op/session_key.h"
#include "store/table/entry.h"

namespace cloakroom {

/// What a rotated-away token leaves in its entry (of type kTombstone, without a deadline: it goes
/// when its session goes). An entry of that type with an empty value is a plain tombstone.
struct SpentToken {
  static constexpr size_t kBytes = SessionKey::kBytes + SessionNonce::kBytes + 12;
  /// Rotations that a session remembers.
  static constexpr size_t kMax = 8;

  SessionKey session;  // where the session is now
  SessionNonce nonce;  // gives the token's own successor
  TimeMs grace_until = 0;
  TimeMs rotated_at = 0;

  [[nodiscard]] static SpentToken Read(const Entry& entry);
  void Write(Entry& entry) const;
};

}  // namespace cloakroom
