#include "store/image/rdb_session.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

namespace cloakroom {
namespace {

constexpr uint64_t kColumns = 10;

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

/// base64url, as clients know handles.
std::string HandleName(const SessionHandle& handle) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(SessionHandle::kBytes % 3 == 0);
  std::string text;
  for (size_t i = 0; i < SessionHandle::kBytes; i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | static_cast<unsigned char>(handle.bytes[i + k]);
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[(group >> shift) & 63];
  }
  return text;
}

}  // namespace

std::string RdbSessionKey(const SessionKey& key) {
  return "session:" + Hex(key.view().substr(sizeof(uint16_t)));
}

void WriteSession(RdbWriter& writer, const SessionView& session, const Namespace& ns) {
  uint64_t fields = session.field_count;
  if (session.may_have_deleted())
    ForEachField(session, *ns.names,
                 [&](const SessionItem& item) { fields -= item.deleted ? 1 : 0; });
  const SessionKey key = SessionKey::FromBytes(session.key);
  writer.BeginHash(RdbSessionKey(key), session.deadline(), kColumns + session.meta_count + fields);

  const auto number = [&](std::string_view column, int64_t value) {
    writer.Field(column, fmt::format("{}", value));
  };
  writer.Field("@ns", ns.name);
  writer.Field("@user", session.user);
  writer.Field("@handle", HandleName(session.handle()));
  number("@version", session.version);
  number("@created", session.created);
  number("@seen", session.seen);
  number("@auth_at", session.auth_at);
  number("@abs", session.abs());
  number("@idle", session.idle_ms);
  number("@slot", key.slot());
  ForEachMeta(session, *ns.names, [&](const SessionItem& item) {
    writer.Field(fmt::format("@meta:{}", item.name), item.value);
  });
  ForEachField(session, *ns.names, [&](const SessionItem& item) {
    if (item.deleted) return;
    if (item.name.starts_with('@'))
      writer.Field(fmt::format("@field:{}", item.name), item.value);
    else
      writer.Field(item.name, item.value);
  });
}

}  // namespace cloakroom
