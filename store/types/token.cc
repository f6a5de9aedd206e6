#include "store/types/token.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <vector>

#include "store/base/check.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kHashBytes = 32;
constexpr size_t kSuffixChars = 3;
constexpr uint32_t kSlotMask = kSlotCount - 1;

using Hash = std::array<unsigned char, kHashBytes>;

// Fetching an algorithm and making a context costs several times the hash itself, so one of each
// is kept. The store runs on one thread.
Hash Sha256(std::string_view bytes) {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static EVP_MD_CTX* const context = EVP_MD_CTX_new();
  Hash hash;
  unsigned size = 0;
  CHECK(algorithm != nullptr && context != nullptr);
  CHECK(EVP_DigestInit_ex2(context, algorithm, nullptr) == 1);
  CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
  CHECK(EVP_DigestFinal_ex(context, hash.data(), &size) == 1 && size == kHashBytes);
  return hash;
}

Hash HmacSha256(std::string_view key, std::string_view message) {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  static EVP_MAC_CTX* const context = EVP_MAC_CTX_new(algorithm);
  static char digest_name[] = "SHA256";
  CHECK(algorithm != nullptr && context != nullptr);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_end()};
  Hash hash;
  size_t size = 0;
  CHECK(EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                     params) == 1);
  CHECK(EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) == 1);
  CHECK(EVP_MAC_final(context, hash.data(), &size, hash.size()) == 1 && size == kHashBytes);
  return hash;
}

/// Appends base64url without padding. Precondition: whole groups of three bytes.
void AppendBase64Url(std::string& out, const unsigned char* bytes, size_t size) {
  DCHECK(size % 3 == 0);
  for (size_t i = 0; i < size; i += 3) {
    const uint32_t group = uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += kAlphabet[(group >> shift) & 63];
  }
}

using Suffix = std::array<char, kSuffixChars>;

// CRC16 is linear: CRC(text + suffix) = CRC(text + "\0\0\0") xor CRC(suffix), the start value being
// 0. So the suffix depends only on the difference between the slot the text would have with three
// zero bytes and the slot wanted, and 18 bits of suffix reach all 14 bits of difference.
std::vector<Suffix> MakeSuffixes() {
  std::vector<Suffix> suffixes(kSlotCount);
  uint32_t missing = kSlotCount;
  for (uint32_t i = 0; i < 64 * 64 * 64 && missing > 0; ++i) {
    const Suffix suffix = {kAlphabet[i >> 12], kAlphabet[(i >> 6) & 63], kAlphabet[i & 63]};
    Suffix& place = suffixes[Crc16({suffix.data(), suffix.size()}) & kSlotMask];
    if (place[0] != 0) continue;
    place = suffix;
    --missing;
  }
  CHECK(missing == 0);
  return suffixes;
}

/// 24 bytes as a token of slot `slot`.
std::string TokenOf(const unsigned char* bytes, uint16_t slot) {
  static const std::vector<Suffix> suffixes = MakeSuffixes();
  std::string token;
  token.reserve(kTokenChars);
  AppendBase64Url(token, bytes, kTokenRandomBytes);
  token.append(kSuffixChars, '\0');
  const Suffix& suffix = suffixes[(Crc16(token) ^ slot) & kSlotMask];
  token.replace(token.size() - kSuffixChars, kSuffixChars, suffix.data(), kSuffixChars);
  DCHECK(SlotOf(token) == slot);
  return token;
}

}  // namespace

SessionKey KeyOfToken(std::string_view token) {
  const Hash hash = Sha256(token);
  SessionKey key;
  StoreInt(key.bytes.data(), SlotOf(token));
  std::memcpy(key.bytes.data() + sizeof(uint16_t), hash.data(),
              SessionKey::kBytes - sizeof(uint16_t));
  return key;
}

std::string MintToken(uint16_t slot, Random& random) {
  unsigned char bytes[kTokenRandomBytes];
  random.Fill(bytes, sizeof bytes);
  std::string token = TokenOf(bytes, slot);
  OPENSSL_cleanse(bytes, sizeof bytes);
  return token;
}

std::string SuccessorToken(std::string_view token, const SessionNonce& nonce) {
  Hash hash = HmacSha256(token, nonce.view());
  std::string successor = TokenOf(hash.data(), LoadInt<uint16_t>(nonce.bytes.data()));
  OPENSSL_cleanse(hash.data(), hash.size());
  return successor;
}

SessionHandle MintHandle(Random& random) {
  SessionHandle handle;
  random.Fill(handle.bytes.data(), handle.bytes.size());
  return handle;
}

SessionNonce MintNonce(uint16_t slot, Random& random) {
  SessionNonce nonce;
  random.Fill(nonce.bytes.data(), nonce.bytes.size());
  StoreInt(nonce.bytes.data(), slot);
  return nonce;
}

std::string HandleText(const SessionHandle& handle) {
  std::string text;
  text.reserve(SessionHandle::kBytes / 3 * 4);
  AppendBase64Url(text, reinterpret_cast<const unsigned char*>(handle.bytes.data()),
                  SessionHandle::kBytes);
  return text;
}

std::optional<SessionHandle> ParseHandle(std::string_view text) {
  if (text.size() != SessionHandle::kBytes / 3 * 4) return std::nullopt;
  SessionHandle handle;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const void* at = text[i + k] == '\0' ? nullptr : std::strchr(kAlphabet, text[i + k]);
      if (at == nullptr) return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(static_cast<const char*>(at) - kAlphabet);
    }
    for (size_t k = 0; k < 3; ++k)
      handle.bytes[i / 4 * 3 + k] = static_cast<char>(group >> (16 - 8 * k));
  }
  return handle;
}

}  // namespace cloakroom
