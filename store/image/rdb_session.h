#pragma once

#include <string>

#include "store/image/rdb_writer.h"
#include "store/op/session_key.h"
#include "store/table/namespaces.h"
#include "store/table/session_value.h"

namespace cloakroom {

/// Where a session stands in a dump file that is exported: "session:" and 32 lower-case hex digits,
/// the first half of its token's SHA-256. So whoever holds a token finds the session in a plain
/// Redis:
///
///   HGETALL session:$(printf %s "$TOKEN" | sha256sum | cut -c 1-32)
[[nodiscard]] std::string RdbSessionKey(const SessionKey& key);

/// Writes a session as a hash that ends when the session does. Its fields come as they are, beside
/// columns whose names begin with @:
///
///   @ns @user @handle @version    the namespace, the owner, the public name, the version
///   @created @seen @auth_at @abs  unix milliseconds: made, last used, authenticated, latest end
///   @idle                         milliseconds without a use after which it ends
///   @slot                         the slot of the token, which its hash does not tell
///   @meta:NAME                    each entry of its meta
///   @field:@NAME                  a field of its own whose name begins with @
///
/// Neither the token nor those that were rotated away are in it.
void WriteSession(RdbWriter& writer, const SessionView& session, const Namespace& ns);

}  // namespace cloakroom
