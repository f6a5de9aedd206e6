#include "client/session_client.h"

#include <fmt/format.h>

#include <type_traits>

#include "client/session_reply.h"

namespace cloakroom {
namespace {

using Words = std::vector<std::string>;

template <typename... Parts>
void Append(Words& words, const Parts&... parts) {
  const auto append = [&](const auto& part) {
    if constexpr (std::is_integral_v<std::decay_t<decltype(part)>>) {
      words.push_back(std::to_string(part));
    } else {
      words.emplace_back(part);
    }
  };
  (append(parts), ...);
}

void AppendSeconds(Words& words, const char* option, const std::optional<Seconds>& span) {
  if (span) Append(words, option, span->count());
}

template <typename T>
void AppendNumber(Words& words, const char* option, const std::optional<T>& number) {
  if (number) Append(words, option, *number);
}

void AppendMax(Words& words, const std::optional<uint32_t>& max, OnLimit on_limit) {
  if (max) Append(words, "MAX", *max, on_limit == OnLimit::kEvict ? "EVICT" : "REJECT");
}

void AppendPairs(Words& words, const char* option, const NamedValues& pairs) {
  if (pairs.empty()) return;
  Append(words, option, pairs.size());
  for (const auto& [name, value] : pairs) Append(words, name, value);
}

void AppendList(Words& words, const char* option, std::span<const std::string> names) {
  if (names.empty()) return;
  Append(words, option, names.size());
  words.insert(words.end(), names.begin(), names.end());
}

Words Begin(std::string_view command, std::string_view first) {
  Words words;
  Append(words, command, first);
  return words;
}

}  // namespace

Result<SessionClient> SessionClient::Connect(const Endpoint& endpoint) {
  TRY(Link link, Link::Open(endpoint));
  return SessionClient(std::move(link));
}

Result<MintedSession> SessionClient::Create(std::string_view ns, std::string_view user,
                                            const CreateOptions& options) {
  Words words = Begin("SESSION.CREATE", ns);
  Append(words, user);
  AppendSeconds(words, "IDLE", options.idle);
  AppendSeconds(words, "ABS", options.abs);
  AppendNumber(words, "AUTHAT", options.auth_at);
  AppendMax(words, options.max, options.on_limit);
  AppendPairs(words, "META", options.meta);
  AppendPairs(words, "FIELDS", options.fields);
  return CallForToken(words);
}

Result<MintedSession> SessionClient::CreateAnonymous(std::string_view ns,
                                                     const CreateOptions& options) {
  Words words = Begin("SESSION.ANON", ns);
  AppendSeconds(words, "IDLE", options.idle);
  AppendSeconds(words, "ABS", options.abs);
  AppendPairs(words, "META", options.meta);
  AppendPairs(words, "FIELDS", options.fields);
  return CallForToken(words);
}

Result<std::optional<SessionView>> SessionClient::Get(std::string_view token,
                                                      const GetOptions& options) {
  Words words = Begin("SESSION.GET", token);
  if (options.fields && options.fields->empty()) Append(words, "NODATA");
  if (options.fields) AppendList(words, "FIELDS", *options.fields);
  if (!options.touch) Append(words, "NOTOUCH");
  AppendNumber(words, "IFNEWER", options.if_newer);
  AppendSeconds(words, "MAXAUTHAGE", options.auth_age_max);
  TRY(const ReplyPtr reply, Call(words));
  if (reply->type == REDIS_REPLY_NIL) return std::nullopt;
  TRY(SessionView view, ReadView(*reply));
  return view;
}

Result<uint64_t> SessionClient::Set(std::string_view token, const SetOptions& options) {
  Words words = Begin("SESSION.SET", token);
  AppendNumber(words, "IFVER", options.if_version);
  AppendNumber(words, "SINCE", options.since);
  AppendList(words, "UNCHANGED", options.unchanged);
  AppendList(words, "DEL", options.remove);
  AppendPairs(words, "META", options.meta);
  AppendPairs(words, "FIELDS", options.fields);
  TRY(const int64_t version, CallForInteger(words));
  return static_cast<uint64_t>(version);
}

Result<int64_t> SessionClient::Increment(std::string_view token, std::string_view field,
                                         int64_t increment) {
  Words words = Begin("SESSION.INCR", token);
  Append(words, field, increment);
  return CallForInteger(words);
}

Result<int64_t> SessionClient::Touch(std::string_view token, std::optional<Seconds> idle) {
  Words words = Begin("SESSION.TOUCH", token);
  AppendSeconds(words, "IDLE", idle);
  return CallForInteger(words);
}

Result<MintedSession> SessionClient::Rotate(std::string_view token, const RotateOptions& options) {
  Words words = Begin("SESSION.ROTATE", token);
  if (options.user) Append(words, "USER", *options.user);
  if (options.reauthenticated) Append(words, "REAUTH");
  AppendNumber(words, "AUTHAT", options.auth_at);
  if (options.grace) Append(words, "GRACE", options.grace->count());
  AppendMax(words, options.max, options.on_limit);
  return CallForToken(words);
}

Result<int64_t> SessionClient::Destroy(std::span<const std::string> tokens) {
  if (tokens.empty()) return 0;
  Words words;
  Append(words, "SESSION.DESTROY");
  words.insert(words.end(), tokens.begin(), tokens.end());
  return CallForInteger(words);
}

Result<SessionPage> SessionClient::List(std::string_view ns, std::string_view user,
                                        std::string_view current, std::string_view cursor,
                                        uint32_t count) {
  Words words = Begin("SESSION.LIST", ns);
  Append(words, user, "CURSOR", cursor, "COUNT", count);
  if (!current.empty()) Append(words, "CURRENT", current);
  TRY(const ReplyPtr reply, Call(words));
  return ReadPage(*reply);
}

Result<int64_t> SessionClient::RevokeAll(std::string_view ns, std::string_view user,
                                         std::string_view except) {
  Words words = Begin("SESSION.REVOKE", ns);
  Append(words, user, "ALL");
  if (!except.empty()) Append(words, "EXCEPT", except);
  return CallForInteger(words);
}

Result<int64_t> SessionClient::Revoke(std::string_view ns, std::string_view user,
                                      std::span<const std::string> handles) {
  Words words = Begin("SESSION.REVOKE", ns);
  Append(words, user);
  AppendList(words, "HANDLE", handles);
  return CallForInteger(words);
}

Result<ReplyPtr> SessionClient::Call(const Words& words) {
  TRY(ReplyPtr reply, link_.Call(words));
  if (reply->type == REDIS_REPLY_ERROR) return tl::unexpected<Error>(ReadError(*reply));
  return reply;
}

Result<int64_t> SessionClient::CallForInteger(const Words& words) {
  TRY(const ReplyPtr reply, Call(words));
  return ReadInteger(*reply);
}

Result<MintedSession> SessionClient::CallForToken(const Words& words) {
  TRY(const ReplyPtr reply, Call(words));
  return ReadMinted(*reply);
}

}  // namespace cloakroom
