#include "store/op/session_key.h"

#include "store/base/base64url.h"

namespace cloakroom {
namespace {

/// The state of SipHash (Aumasson and Bernstein, 2012), a keyed function whose outputs tell
/// nothing of the key.
struct Sip {
  uint64_t a;
  uint64_t b;
  uint64_t c;
  uint64_t d;

  void Rounds(int count) {
    for (; count > 0; --count) {
      a += b;
      c += d;
      b = std::rotl(b, 13) ^ a;
      d = std::rotl(d, 16) ^ c;
      a = std::rotl(a, 32);
      c += b;
      a += d;
      b = std::rotl(b, 17) ^ c;
      d = std::rotl(d, 21) ^ a;
      c = std::rotl(c, 32);
    }
  }
  [[nodiscard]] uint64_t Sum() const { return a ^ b ^ c ^ d; }
};

}  // namespace

SessionHandle DerivedHandle(const SessionKey& key) {
  const auto k0 = LoadInt<uint64_t>(key.bytes.data() + sizeof(uint16_t));
  const auto k1 = LoadInt<uint64_t>(key.bytes.data() + sizeof(uint16_t) + sizeof k0);
  // SipHash-2-4 with 128 bits of output, over the two bytes of the slot: one block, in which the
  // message's size stands in the last byte.
  Sip sip{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261,
          k1 ^ 0x7465646279746573};
  const uint64_t block = uint64_t{sizeof(uint16_t)} << 56 | key.slot();
  sip.d ^= block;
  sip.Rounds(2);
  sip.a ^= block;
  sip.c ^= 0xee;
  sip.Rounds(4);
  const uint64_t low = sip.Sum();
  sip.b ^= 0xdd;
  sip.Rounds(4);
  const uint64_t high = sip.Sum();

  SessionHandle handle;
  std::memcpy(handle.bytes.data(), &low, sizeof low);
  std::memcpy(handle.bytes.data() + sizeof low, &high, SessionHandle::kBytes - sizeof low);
  return handle;
}

std::string HandleText(const SessionHandle& handle) {
  std::string text(kHandleChars, '\0');
  PutHandleText(text.data(), handle);
  return text;
}

void PutHandleText(char* out, const SessionHandle& handle) {
  static_assert(kHandleChars == SessionHandle::kBytes / 3 * 4);
  PutBase64Url(out, reinterpret_cast<const unsigned char*>(handle.bytes.data()),
               SessionHandle::kBytes);
}

}  // namespace cloakroom
