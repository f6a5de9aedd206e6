// The plain SHA256_* calls are out of favour, not wrong: behind EVP a hash of one block costs half
// as much again for finding and allocating what is the same each time.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "store/types/token.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <vector>

#include "store/base/base64url.h"
#include "store/base/check.h"
#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kSuffixChars = 3;
constexpr uint32_t kSlotMask = kSlotCount - 1;

using Hash = std::array<unsigned char, kHashBytes>;

Hash Sha256(std::string_view bytes) {
  SHA256_CTX context;
  Hash hash;
  CHECK(SHA256_Init(&context) == 1);
  CHECK(SHA256_Update(&context, bytes.data(), bytes.size()) == 1);
  CHECK(SHA256_Final(hash.data(), &context) == 1);  // and wipes what it kept of the token
  return hash;
}

// Fetching an algorithm and making a context costs several times the hash itself, so one of each
// is kept. The store runs on one thread.
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

using Suffix = std::array<char, kSuffixChars>;

// CRC16 is linear: CRC(text + suffix) = CRC(text + "\0\0\0") xor CRC(suffix), the start value being
// 0. So the suffix depends only on the difference between the slot the text would have with three
// zero bytes and the slot wanted, and 18 bits of suffix reach all 14 bits of difference.
std::vector<Suffix> MakeSuffixes() {
  std::vector<Suffix> suffixes(kSlotCount);
  uint32_t missing = kSlotCount;
  for (uint32_t i = 0; i < 64 * 64 * 64 && missing > 0; ++i) {
    const Suffix suffix = {kBase64Url[i >> 12], kBase64Url[(i >> 6) & 63], kBase64Url[i & 63]};
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
  std::string token(kTokenChars, '\0');
  PutBase64Url(token.data(), bytes, kTokenRandomBytes);
  const Suffix& suffix = suffixes[(Crc16(token) ^ slot) & kSlotMask];
  std::memcpy(token.data() + kTokenChars - kSuffixChars, suffix.data(), kSuffixChars);
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

std::optional<SessionHandle> ParseHandle(std::string_view text) {
  if (text.size() != kHandleChars) return std::nullopt;
  SessionHandle handle;
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const void* at = text[i + k] == '\0' ? nullptr : std::strchr(kBase64Url, text[i + k]);
      if (at == nullptr) return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(static_cast<const char*>(at) - kBase64Url);
    }
    for (size_t k = 0; k < 3; ++k)
      handle.bytes[i / 4 * 3 + k] = static_cast<char>(group >> (16 - 8 * k));
  }
  return handle;
}

}  // namespace cloakroom
