#include "store/image/rdb_export.h"

#include "store/image/rdb_session.h"
#include "store/op/session_key.h"
#include "store/table/session_space.h"

namespace cloakroom {
namespace {

uint64_t WriteSessions(RdbWriter& writer, const Keyspace& keys, TimeMs now) {
  const SessionSpace& space = keys.sessions();
  uint64_t left_out = 0;
  uint64_t cursor = 0;
  do {
    cursor = space.Scan(cursor, now, [&](const Entry&, const SessionView& session) {
      const std::string key = RdbSessionKey(SessionKey::FromBytes(session.key));
      if (keys.Find(0, keys.Ref(key), now) != nullptr)
        ++left_out;
      else
        WriteSession(writer, session, space.NamespaceOf(session));
    });
  } while (cursor != 0);
  return left_out;
}

}  // namespace

uint64_t WriteState(RdbWriter& writer, const Keyspace& keys, TimeMs now) {
  const uint64_t sessions = keys.sessions().CountsOf(nullptr, now).live;
  uint64_t left_out = 0;
  for (uint32_t db = 0; db < keys.databases(); ++db) {
    const uint64_t more = db == 0 ? sessions : 0;
    if (keys.Size(db) + more == 0) continue;
    writer.SelectDb(db, keys.Size(db) + more, keys.SizeWithDeadline(db) + more);
    uint64_t cursor = 0;
    do {
      cursor = keys.Scan(db, cursor, now, [&](const Entry& entry) { writer.Put(entry); });
    } while (cursor != 0);
    if (more > 0) left_out = WriteSessions(writer, keys, now);
  }
  return left_out;
}

}  // namespace cloakroom
