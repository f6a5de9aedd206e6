#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/env/random.h"
#include "store/op/session_key.h"

namespace cloakroom {

/// A minted token: 32 base64url characters of 192 random bits, then 3 that steer its slot.
inline constexpr size_t kTokenRandomBytes = 24;
inline constexpr size_t kTokenChars = 35;

/// The fewest characters of a token that somebody else mints: 132 bits in base64url.
inline constexpr size_t kForeignTokenCharsMin = 22;

/// What the store keeps of `token`: its slot and the head of its SHA-256. About 70 ns.
[[nodiscard]] SessionKey KeyOfToken(std::string_view token);

/// A token as a command showed it, with what it is kept as, worked out once.
struct ShownToken {
  std::string_view text;
  SessionKey key;

  ShownToken(std::string_view token) : text(token), key(KeyOfToken(token)) {}    // NOLINT
  ShownToken(const std::string& token) : ShownToken(std::string_view(token)) {}  // NOLINT
  ShownToken(std::string_view token, const SessionKey& its_key) : text(token), key(its_key) {}
};

/// A new token whose Redis Cluster slot is `slot`. Legal in a cookie, a URL and a Bearer header.
[[nodiscard]] std::string MintToken(uint16_t slot, Random& random);

/// The successor of `token` under `nonce`: HMAC-SHA256 of the nonce keyed with the token, so that
/// only who shows the old token can obtain the new one; always the same, in the nonce's slot.
[[nodiscard]] std::string SuccessorToken(std::string_view token, const SessionNonce& nonce);

/// A handle for a session whose token somebody else minted.
[[nodiscard]] SessionHandle MintHandle(Random& random);
/// 112 random bits behind the slot that the successor is to have.
[[nodiscard]] SessionNonce MintNonce(uint16_t slot, Random& random);

/// Reads what HandleText wrote; nothing for other texts.
[[nodiscard]] std::optional<SessionHandle> ParseHandle(std::string_view text);

}  // namespace cloakroom
