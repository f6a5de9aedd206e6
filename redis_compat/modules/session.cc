// The SESSION.* family. A row says all there is to know of a command; its handler is in
// session_make.cc, session_use.cc or session_list.cc, what it does in store/types.

#include "redis_compat/command/registry.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/session_args.h"
#include "redis_compat/modules/session_modules.h"
#include "store/types/token.h"

namespace cloakroom {
namespace {

constexpr uint32_t kGrow = kWrite | kDenyOom | kFast;
constexpr uint32_t kShrink = kWrite | kFast;

// A token is a key for whoever routes by slot, and so is a user: a minted token stands in its
// user's slot.
constexpr KeyRange kNoKey = {0, 0, 0};
constexpr KeyRange kToken = {1, 1, 1};
constexpr KeyRange kTokens = {1, -1, 1};
constexpr KeyRange kSecond = {2, 2, 1};

constexpr CommandSpec Row(std::string_view name, int arity, uint32_t flags, KeyRange keys,
                          std::string_view summary, std::string_view syntax, Handler handler) {
  CommandSpec row{};
  row.name = name;
  row.arity = arity;
  row.flags = flags;
  row.keys = keys;
  row.categories = "session";
  row.group = "session";
  row.since = "0.1.0";
  row.summary = summary;
  row.syntax = syntax;
  row.handler = handler;
  row.redact = RedactSession;
  if (keys.first != 0) row.flags |= kSessionKeys;
  return row;
}

/// A row whose first key is a token.
constexpr CommandSpec TokenRow(std::string_view name, int arity, uint32_t flags, KeyRange keys,
                               std::string_view summary, std::string_view syntax, Handler handler) {
  CommandSpec row = Row(name, arity, flags, keys, summary, syntax, handler);
  row.token_key = KeyOfToken;
  return row;
}

constexpr CommandSpec kSession[] = {
    Row("session.create", -3, kGrow, kSecond,
        "Makes a session for a user who logged in, and mints its token",
        "ns user [IDLE seconds] [ABS seconds] [AUTHAT unix-time-milliseconds] "
        "[MAX n <EVICT | REJECT>] [META n name value [name value ...]] "
        "[FIELDS n field value [field value ...]]",
        SessionCreate),
    Row("session.anon", -2, kGrow, kNoKey, "Makes a session for a visitor without a user",
        "ns [IDLE seconds] [ABS seconds] [META n name value [name value ...]] "
        "[FIELDS n field value [field value ...]]",
        SessionAnon),
    TokenRow("session.put", -4, kGrow, kSecond,
             "Makes or replaces the session of a token that the application minted",
             "ns token user [NX | XX] [IDLE seconds] [ABS seconds] [AUTHAT unix-time-milliseconds] "
             "[IFVER version] [META n name value [name value ...]] "
             "[FIELDS n field value [field value ...]]",
             SessionPut),
    TokenRow("session.get", -2, kReadonly | kFast, kToken, "Reads a session, and keeps it alive",
             "token [FIELDS n field [field ...] | NODATA] [NOTOUCH] [IFNEWER version] "
             "[MAXAUTHAGE seconds]",
             SessionGet),
    TokenRow("session.set", -2, kGrow, kToken, "Sets and deletes fields of a session",
             "token [IFVER version | SINCE version UNCHANGED n field [field ...]] "
             "[DEL n field [field ...]] [META n name value [name value ...]] "
             "[FIELDS n field value [field value ...]]",
             SessionSet),
    TokenRow("session.incr", 4, kGrow, kToken, "Adds to an integer field of a session",
             "token field increment", SessionIncr),
    TokenRow("session.touch", -2, kShrink, kToken,
             "Keeps a session alive, and tells the milliseconds it has left",
             "token [IDLE seconds]", SessionTouch),
    TokenRow("session.rotate", -2, kGrow, kToken, "Gives a session a new token",
             "token [USER user] [REAUTH] [AUTHAT unix-time-milliseconds] [GRACE milliseconds] "
             "[MAX n <EVICT | REJECT>]",
             SessionRotate),
    TokenRow("session.destroy", -2, kShrink, kTokens, "Ends sessions, and counts those that lived",
             "token [token ...]", SessionDestroy),
    Row("session.list", -3, kReadonly, kSecond,
        "Lists a user's sessions, last seen first, without their tokens",
        "ns user [CURSOR cursor] [COUNT count] [CURRENT token]", SessionList),
    Row("session.scan", -2, kReadonly, kNoKey,
        "Walks the sessions of an application, some a call, without their tokens",
        "ns [CURSOR cursor] [COUNT count]", SessionScan),
    Row("session.revoke", -4, kShrink, kSecond,
        "Ends a user's sessions, all or by handle, and counts them",
        "ns user <ALL | HANDLE n handle [handle ...]> [EXCEPT token]", SessionRevoke),
    Row("session.revokeall", 2, kShrink, kNoKey, "Ends every session of an application", "ns",
        SessionRevokeAll),
    Row("session.policy", -2, kWrite | kFast, kNoKey, "Shows or sets the rules of an application",
        "ns [SET name value [name value ...]]", SessionPolicyCommand),
    Row("session.stats", -1, kReadonly, kNoKey, "Counts sessions and what became of them", "[ns]",
        SessionStats),
};

}  // namespace

void RegisterSession(Registry& registry) { registry.Add(kSession); }

}  // namespace cloakroom
