#include "store/table/spent_token.h"

#include <cstring>

#include "store/base/check.h"

namespace cloakroom {

SpentToken SpentToken::Read(const Entry& entry) {
  const std::string_view value = entry.value();
  DCHECK(value.size() == kBytes);
  SpentToken spent;
  spent.session = SessionKey::FromBytes(value);
  const char* at = value.data() + SessionKey::kBytes;
  spent.nonce = SessionNonce::FromBytes({at, SessionNonce::kBytes});
  at += SessionNonce::kBytes;
  std::memcpy(&spent.grace_until, at, 6);
  std::memcpy(&spent.rotated_at, at + 6, 6);
  return spent;
}

void SpentToken::Write(Entry& entry) const {
  CHECK(entry.value_size() == kBytes);
  char* at = entry.value_data();
  std::memcpy(at, session.bytes.data(), SessionKey::kBytes);
  at += SessionKey::kBytes;
  std::memcpy(at, nonce.bytes.data(), SessionNonce::kBytes);
  at += SessionNonce::kBytes;
  std::memcpy(at, &grace_until, 6);
  std::memcpy(at + 6, &rotated_at, 6);
}

}  // namespace cloakroom
