#pragma once

#include <hiredis/hiredis.h>

#include "client/session_client.h"

namespace cloakroom {

/// What the replies of SESSION.* hold, in their RESP2 form: maps are flat arrays of names and
/// values. A name that is not known is passed over, so that a newer server may send more.
///   errors  kVerbatim  a reply is not of the form it should have
[[nodiscard]] Result<int64_t> ReadInteger(const redisReply& reply);
[[nodiscard]] Result<MintedSession> ReadMinted(const redisReply& reply);
[[nodiscard]] Result<SessionView> ReadView(const redisReply& reply);
[[nodiscard]] Result<SessionPage> ReadPage(const redisReply& reply);

/// The error that an error reply stands for.
[[nodiscard]] Error ReadError(const redisReply& reply);

}  // namespace cloakroom
