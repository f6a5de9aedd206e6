#pragma once

#include <cstdint>
#include <string_view>

#include "store/op/session_key.h"

namespace cloakroom {

/// What becomes of a session. That it was used is no change.
enum class SessionChange : uint8_t {
  kCreated,
  kSet,
  kRotated,
  kDestroyed,
  kRevoked,
  kEvicted,
  kExpired,
};

/// Told of what no command says: keys that end by themselves, and all that happens to sessions; for
/// key events. The same on every role, for each frees by itself what is dead by the log's time.
/// Called while the keyspace changes: it may neither read nor apply to it.
class EventObserver {
 public:
  virtual ~EventObserver() = default;
  /// Once for each key that was past its deadline when it was freed, or met by an op.
  virtual void KeyExpired(uint32_t db, std::string_view key) = 0;
  /// On a primary.
  virtual void KeyEvicted(uint32_t db, std::string_view key) = 0;
  /// Ends are told when the session is buried: of many that one mark covers, by and by.
  virtual void SessionChanged(std::string_view ns, const SessionHandle& handle,
                              SessionChange change) = 0;
};

}  // namespace cloakroom
