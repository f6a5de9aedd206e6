#pragma once

#include <cstdint>
#include <string_view>

#include "store/base/time.h"

namespace cloakroom {

inline constexpr TimeMs kSecondMs = 1000;
inline constexpr TimeMs kMinuteMs = 60 * kSecondMs;
inline constexpr TimeMs kHourMs = 60 * kMinuteMs;
inline constexpr TimeMs kDayMs = 24 * kHourMs;

/// The namespace whose policy holds where a namespace has none of its own.
inline constexpr std::string_view kDefaultNamespace = "default";

enum class OnLimit : uint8_t { kEvict = 0, kReject = 1 };
enum class OnReuse : uint8_t { kCount = 0, kRevoke = 1 };
/// What CREATE, PUT, ROTATE, DESTROY, REVOKE and REVOKEALL wait for. kServer: for what appendfsync
/// gives.
enum class PolicyAck : uint8_t { kServer = 0, kMemory = 1, kOs = 2, kDisk = 3 };
enum class PolicyPreset : uint8_t { kNone = 0, kAal1 = 1, kAal2 = 2, kAal3 = 3 };

/// The rules of a namespace's sessions. Numbers of the enums are logged: never reuse one.
struct SessionPolicy {
  TimeMs idle_ms = 30 * kMinuteMs;
  TimeMs abs_ms = 30 * kDayMs;
  TimeMs anon_idle_ms = 10 * kMinuteMs;
  TimeMs anon_abs_ms = kDayMs;
  uint32_t max = 0;  // live sessions of one user; 0: no cap
  OnLimit on_limit = OnLimit::kEvict;
  TimeMs grace_ms = 0;
  TimeMs quantum_ms = kMinuteMs;
  TimeMs tombstone_ms = kMinuteMs;
  uint32_t max_bytes = 64 * 1024;  // of one session's fields and meta together
  OnReuse on_reuse = OnReuse::kCount;
  bool strict_login = false;
  PolicyAck ack = PolicyAck::kServer;
  TimeMs ack_timeout_ms = kSecondMs;
  PolicyPreset preset = PolicyPreset::kNone;

  friend bool operator==(const SessionPolicy&, const SessionPolicy&) = default;
};

}  // namespace cloakroom
