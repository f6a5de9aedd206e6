#pragma once

#include "redis_compat/command/reply.h"
#include "store/table/session_value.h"

namespace cloakroom {

/// A session's meta as a map.
inline void WriteMeta(const SessionView& session, const FieldNames& names, Reply& reply) {
  reply.Map(session.meta_count);
  ForEachMeta(session, names, [&](const SessionItem& item) {
    reply.Bulk(item.name);
    reply.Bulk(item.value);
  });
}

}  // namespace cloakroom
