#include "client/session_reply.h"

#include <algorithm>

#include "store/base/function_ref.h"
#include "store/base/number.h"

namespace cloakroom {
namespace {

using NameAndValue = FunctionRef<Result<void>(std::string_view, const redisReply&)>;

std::string_view Bytes(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

Result<void> ReadNumber(const redisReply& reply, int64_t& out) {
  TRY(out, ReadInteger(reply));
  return {};
}

Result<void> ReadVersion(const redisReply& reply, uint64_t& out) {
  TRY(const int64_t version, ReadInteger(reply));
  out = static_cast<uint64_t>(version);
  return {};
}

Result<void> ReadFlag(const redisReply& reply, bool& out) {
  TRY(const int64_t value, ReadInteger(reply));
  out = value != 0;
  return {};
}

Result<void> ReadText(const redisReply& reply, std::string& out) {
  if (reply.type == REDIS_REPLY_ARRAY || reply.type == REDIS_REPLY_INTEGER)
    return Fail(Code::kVerbatim, "the server's reply has no text where one should be");
  out = Bytes(reply);
  return {};
}

// Walks a flat array of names and values.
Result<void> EachPair(const redisReply& reply, NameAndValue visit) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements % 2 != 0)
    return Fail(Code::kVerbatim, "the server's reply is no array of names and values");
  for (size_t i = 0; i < reply.elements; i += 2)
    TRY_VOID(visit(Bytes(*reply.element[i]), *reply.element[i + 1]));
  return {};
}

Result<void> ReadNamedValues(const redisReply& reply, NamedValues& out) {
  if (reply.type == REDIS_REPLY_NIL) return {};
  return EachPair(reply, [&](std::string_view name, const redisReply& value) -> Result<void> {
    out.emplace_back(name, Bytes(value));
    return {};
  });
}

// What a view and a row of a list have in common. True when `name` was one of those.
template <typename Session>
Result<bool> ReadCommon(std::string_view name, const redisReply& value, Session& out) {
  Result<void> read;
  if (name == "handle") {
    read = ReadText(value, out.handle);
  } else if (name == "created") {
    read = ReadNumber(value, out.created);
  } else if (name == "seen") {
    read = ReadNumber(value, out.seen);
  } else if (name == "auth_at") {
    read = ReadNumber(value, out.auth_at);
  } else if (name == "deadline") {
    read = ReadNumber(value, out.deadline);
  } else if (name == "abs") {
    read = ReadNumber(value, out.abs);
  } else if (name == "meta") {
    read = ReadNamedValues(value, out.meta);
  } else {
    return false;
  }
  TRY_VOID(read);
  return true;
}

Result<ListedSession> ReadRow(const redisReply& reply) {
  ListedSession row;
  TRY_VOID(EachPair(reply, [&](std::string_view name, const redisReply& value) -> Result<void> {
    TRY(const bool known, ReadCommon(name, value, row));
    if (!known && name == "current") return ReadFlag(value, row.current);
    return {};
  }));
  return row;
}

}  // namespace

Result<int64_t> ReadInteger(const redisReply& reply) {
  int64_t value = reply.integer;
  if (reply.type != REDIS_REPLY_INTEGER && !ParseInteger(Bytes(reply), value))
    return Fail(Code::kVerbatim, "the server's reply has no integer where one should be");
  return value;
}

Result<MintedSession> ReadMinted(const redisReply& reply) {
  MintedSession out;
  TRY_VOID(EachPair(reply, [&](std::string_view name, const redisReply& value) -> Result<void> {
    if (name == "token") return ReadText(value, out.token);
    if (name == "handle") return ReadText(value, out.handle);
    if (name == "version") return ReadVersion(value, out.version);
    if (name == "deadline") return ReadNumber(value, out.deadline);
    if (name == "abs") return ReadNumber(value, out.abs);
    if (name == "evicted")
      for (size_t i = 0; i < value.elements; ++i)
        out.evicted.emplace_back(Bytes(*value.element[i]));
    return {};
  }));
  if (out.token.empty()) return Fail(Code::kVerbatim, "the server's reply has no token");
  return out;
}

Result<SessionView> ReadView(const redisReply& reply) {
  SessionView out;
  TRY_VOID(EachPair(reply, [&](std::string_view name, const redisReply& value) -> Result<void> {
    TRY(const bool known, ReadCommon(name, value, out));
    if (known) return {};
    if (name == "ns") return ReadText(value, out.ns);
    if (name == "user") return ReadText(value, out.user);
    if (name == "version") return ReadVersion(value, out.version);
    if (name == "reauth") return ReadFlag(value, out.reauth);
    if (name == "fields") return ReadNamedValues(value, out.fields);
    return {};
  }));
  return out;
}

Result<SessionPage> ReadPage(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2)
    return Fail(Code::kVerbatim, "the server's reply is no cursor and list");
  SessionPage page;
  TRY_VOID(ReadText(*reply.element[0], page.cursor));
  const redisReply& rows = *reply.element[1];
  for (size_t i = 0; i < rows.elements; ++i) {
    TRY(ListedSession row, ReadRow(*rows.element[i]));
    page.sessions.push_back(std::move(row));
  }
  return page;
}

Error ReadError(const redisReply& reply) {
  struct Word {
    std::string_view word;
    Code code;
  };
  constexpr Word kWords[] = {
      {"NOSESSION", Code::kNoSession},
      {"VERCONFLICT", Code::kVersionConflict},
      {"SESSLIMIT", Code::kSessionLimit},
      {"REVOKED", Code::kRevoked},
      {"USERMISMATCH", Code::kUserMismatch},
      {"TOOBIG", Code::kTooBig},
      {"NOAUTH", Code::kNoAuth},
      {"OOM", Code::kNoMemory},
  };
  const std::string_view line = Bytes(reply);
  const std::string_view word = line.substr(0, line.find(' '));
  const auto* const known = std::ranges::find(kWords, word, &Word::word);
  if (known == std::end(kWords)) return {Code::kVerbatim, std::string(line)};
  const size_t rest = std::min(word.size() + 1, line.size());
  return {known->code, std::string(line.substr(rest))};
}

}  // namespace cloakroom
