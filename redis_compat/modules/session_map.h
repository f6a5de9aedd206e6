#pragma once

#include "redis_compat/command/reply.h"
#include "store/table/session_value.h"
#include "store/types/token.h"

namespace cloakroom {

/// A session's meta as a map.
inline void WriteMeta(const SessionView& session, const FieldNames& names, Reply& reply) {
  reply.Map(session.meta_count);
  ForEachMeta(session, names, [&](const SessionItem& item) { reply.Pair(item.name, item.value); });
}

/// A session's handle, with its name before it.
inline void WriteHandle(const SessionHandle& handle, Reply& reply) {
  char text[kHandleChars];
  PutHandleText(text, handle);
  reply.Pair("handle", {text, kHandleChars});
}

}  // namespace cloakroom
