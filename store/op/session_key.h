#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "store/base/coding.h"
#include "store/base/position.h"

namespace cloakroom {

/// What stands for a token everywhere but in its holder's hands: the token's slot (u16) and the
/// first 128 bits of its SHA-256. The token cannot be told from it.
struct SessionKey {
  static constexpr size_t kBytes = 18;

  std::array<char, kBytes> bytes{};

  /// Precondition: `from` has kBytes bytes.
  [[nodiscard]] static SessionKey FromBytes(std::string_view from) {
    SessionKey key;
    std::memcpy(key.bytes.data(), from.data(), kBytes);
    return key;
  }
  [[nodiscard]] std::string_view view() const { return {bytes.data(), kBytes}; }
  [[nodiscard]] uint16_t slot() const { return LoadInt<uint16_t>(bytes.data()); }
  /// A cryptographic hash serves as the keyed one: no second hashing.
  [[nodiscard]] Position position() const {
    return {slot(), LoadInt<uint64_t>(bytes.data() + sizeof(uint16_t))};
  }
  [[nodiscard]] KeyRef ref() const { return {view(), position()}; }

  friend bool operator==(const SessionKey&, const SessionKey&) = default;
  friend bool operator<(const SessionKey& a, const SessionKey& b) { return a.bytes < b.bytes; }
};

/// The public name of a session: 96 bits, kept through every rotation.
struct SessionHandle {
  static constexpr size_t kBytes = 12;

  std::array<char, kBytes> bytes{};

  [[nodiscard]] static SessionHandle FromBytes(std::string_view from) {
    SessionHandle handle;
    std::memcpy(handle.bytes.data(), from.data(), kBytes);
    return handle;
  }
  [[nodiscard]] std::string_view view() const { return {bytes.data(), kBytes}; }

  friend bool operator==(const SessionHandle&, const SessionHandle&) = default;
  friend bool operator<(const SessionHandle& a, const SessionHandle& b) {
    return a.bytes < b.bytes;
  }
};

/// The handle of a session whose token we mint: the 128 bits of the first key's hash are the secret
/// key of a pseudorandom function, so that neither key nor token can be told from it, and a session
/// need not store it until it is rotated. About 25 ns.
[[nodiscard]] SessionHandle DerivedHandle(const SessionKey& key);

/// 16 base64url characters, as a string or at `out`, which has room for them.
inline constexpr size_t kHandleChars = 16;
[[nodiscard]] std::string HandleText(const SessionHandle& handle);
void PutHandleText(char* out, const SessionHandle& handle);

/// What, together with a rotated-away token, gives its successor: the successor's slot (u16), then
/// random bits.
struct SessionNonce {
  static constexpr size_t kBytes = 16;

  std::array<char, kBytes> bytes{};

  [[nodiscard]] static SessionNonce FromBytes(std::string_view from) {
    SessionNonce nonce;
    std::memcpy(nonce.bytes.data(), from.data(), kBytes);
    return nonce;
  }
  [[nodiscard]] std::string_view view() const { return {bytes.data(), kBytes}; }

  friend bool operator==(const SessionNonce&, const SessionNonce&) = default;
};

}  // namespace cloakroom
