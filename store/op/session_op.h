#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/time.h"
#include "store/op/op_reader.h"
#include "store/op/session_key.h"
#include "store/op/session_policy.h"
#include "store/op/write_batch.h"

namespace cloakroom {

/// The ops of sessions. Each says absolute things: instants, versions, whole values. What the log
/// carries of a token is its SessionKey. Payloads, integers as varints, `sized` as size and bytes:
inline constexpr auto kOpSessionPut = static_cast<OpKind>(64);
inline constexpr auto kOpSessionSlide = static_cast<OpKind>(65);
inline constexpr auto kOpSessionMerge = static_cast<OpKind>(66);
inline constexpr auto kOpSessionEnd = static_cast<OpKind>(67);
inline constexpr auto kOpSessionRotate = static_cast<OpKind>(68);
inline constexpr auto kOpSessionMarkUser = static_cast<OpKind>(69);
inline constexpr auto kOpSessionMarkNamespace = static_cast<OpKind>(70);
inline constexpr auto kOpSessionPolicy = static_cast<OpKind>(71);
inline constexpr auto kOpSessionTrimUser = static_cast<OpKind>(72);

/// Words that alternate name, value, name, value, ...
using WordSpan = std::span<const std::string_view>;

/// Why a session ended. Numbers are logged: never reuse one.
enum class SessionEnd : uint8_t { kDestroyed = 0, kEvicted = 1, kRevoked = 2, kExpired = 3 };

/// Makes the session `key`, or replaces what is given of the live one.
///   ns sized | user sized | handle 12 B | created | seen | auth_at | abs_start | idle | abs |
///   version | flags u8 | meta: count, name and value sized each | fields: the same
struct SessionPutOp {
  SessionKey key;
  std::string_view ns;
  std::string_view user;  // empty: anonymous
  SessionHandle handle;
  TimeMs created = 0;
  TimeMs seen = 0;
  TimeMs auth_at = 0;
  TimeMs abs_start = 0;  // the session ends at abs_start + abs_ms at the latest
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  uint32_t version = 0;
  bool by_put = false;      // its token was minted elsewhere
  bool has_meta = false;    // false: the old meta stays
  bool has_fields = false;  // false: the old fields stay
  WordSpan meta;
  WordSpan fields;
};

/// Records a use. The deadline becomes min(seen + idle, abs).
///   seen | idle
struct SessionSlideOp {
  SessionKey key;
  TimeMs seen = 0;
  TimeMs idle_ms = 0;
};

/// Changes fields and meta of a live session.
///   version | deleted: count, names sized | meta as above | fields as above
struct SessionMergeOp {
  SessionKey key;
  uint32_t version = 0;
  WordSpan deleted;
  WordSpan meta;
  WordSpan fields;
};

/// Ends a live session. Its key is refused until `tombstone_until`.
///   reason u8 | tombstone_until
struct SessionEndOp {
  SessionKey key;
  SessionEnd reason = SessionEnd::kDestroyed;
  TimeMs tombstone_until = 0;
};

/// Moves a live session from `key` to `next`; `key` is remembered as spent.
///   next 18 B | nonce 16 B | grace_until | tombstone | user sized | seen | auth_at | abs_start |
///   idle | abs | version
struct SessionRotateOp {
  SessionKey key;
  SessionKey next;
  SessionNonce nonce;
  TimeMs grace_until = 0;   // until then the old token may do what the new one may
  TimeMs tombstone_ms = 0;  // for a spent token that is one too many
  std::string_view user;
  TimeMs seen = 0;
  TimeMs auth_at = 0;
  TimeMs abs_start = 0;
  TimeMs idle_ms = 0;
  TimeMs abs_ms = 0;
  uint32_t version = 0;
};

/// Ends all sessions of a user that earlier ops made, but `except`; remembers when, until `until`.
/// The op's key is the user.
///   ns sized | except 18 B, or none | until | tombstone_until
struct SessionMarkUserOp {
  std::string_view ns;
  std::string_view user;
  bool has_except = false;
  SessionKey except;
  TimeMs until = 0;
  TimeMs tombstone_until = 0;
};

/// Ends those sessions of a user that earlier ops made and that were last used at `seen`, or
/// before; of those used at that very time, the ones up to `serial`: what is too many for a cap.
/// The op's key is the user.
///   ns sized | seen | serial | tombstone_until
struct SessionTrimUserOp {
  std::string_view ns;
  std::string_view user;
  TimeMs seen = 0;
  uint64_t serial = 0;
  TimeMs tombstone_until = 0;
};

/// Ends all sessions of a namespace that earlier ops made. The op's key is the namespace.
///   tombstone_until
struct SessionMarkNamespaceOp {
  std::string_view ns;
  TimeMs tombstone_until = 0;
};

/// Sets a namespace's whole policy. The op's key is the namespace.
///   the numbers of SessionPolicy in order, then strict_login, ack_timeout, preset and ack
struct SessionPolicyOp {
  std::string_view ns;
  SessionPolicy policy;
};

void Add(WriteBatch& batch, const SessionPutOp& op);
void Add(WriteBatch& batch, const SessionSlideOp& op);
void Add(WriteBatch& batch, const SessionMergeOp& op);
void Add(WriteBatch& batch, const SessionEndOp& op);
void Add(WriteBatch& batch, const SessionRotateOp& op);
void Add(WriteBatch& batch, const SessionMarkUserOp& op);
void Add(WriteBatch& batch, const SessionTrimUserOp& op);
void Add(WriteBatch& batch, const SessionMarkNamespaceOp& op);
void Add(WriteBatch& batch, const SessionPolicyOp& op);

/// The payload of a SessionPolicyOp, which images have too.
void AppendPolicy(std::string& out, const SessionPolicy& policy);
/// False when `bytes` are no such payload.
[[nodiscard]] bool ReadPolicy(std::string_view bytes, SessionPolicy& policy);

/// Read an op back. False when the payload is not of its form, whatever its bytes. Views point
/// into the record; spans point into `words`, which is overwritten.
[[nodiscard]] bool Decode(const Op& op, SessionPutOp& out, std::vector<std::string_view>& words);
[[nodiscard]] bool Decode(const Op& op, SessionMergeOp& out, std::vector<std::string_view>& words);
[[nodiscard]] bool Decode(const Op& op, SessionSlideOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionEndOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionRotateOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionMarkUserOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionTrimUserOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionMarkNamespaceOp& out);
[[nodiscard]] bool Decode(const Op& op, SessionPolicyOp& out);

}  // namespace cloakroom
