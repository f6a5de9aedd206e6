#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/client.h"

namespace cloakroom {
namespace {

/// One `NAME value` of the newer form, at words i and i + 1.
Result<void> ReadFilter(const CommandContext& ctx, Args args, size_t i, ClientFilter& filter) {
  const std::string_view value = args[i + 1];
  if (args.Is(i, "ID")) {
    constexpr std::string_view kMessage = "client-id should be greater than 0";
    TRY(const int64_t id, args.Integer(i + 1, kMessage));
    if (id < 1) return Fail(Code::kInvalid, kMessage);
    filter.id = static_cast<uint64_t>(id);
  } else if (args.Is(i, "TYPE")) {
    const std::optional<std::string_view> type = ClientType(value);
    if (!type) return Fail(Code::kInvalid, "Unknown client type '{}'", value);
    filter.type = *type;
  } else if (args.Is(i, "ADDR")) {
    filter.address = value;
  } else if (args.Is(i, "LADDR")) {
    filter.local_address = value;
  } else if (args.Is(i, "USER")) {
    if (value != "default") return Fail(Code::kInvalid, "No such user '{}'", value);
    filter.user = value;
  } else if (args.Is(i, "SKIPME") && args.Is(i + 1, "YES")) {
    filter.skip_id = ctx.client.id;
  } else if (args.Is(i, "SKIPME") && args.Is(i + 1, "NO")) {
    filter.skip_id = std::nullopt;
  } else if (args.Is(i, "MAXAGE")) {
    TRY(const int64_t age_s, args.Integer(i + 1, "maxage is not an integer or out of range"));
    if (age_s <= 0) return Fail(Code::kInvalid, "maxage should be greater than 0");
    filter.max_age_s = age_s;
  } else {
    return Fail(Code::kInvalid, "syntax error");
  }
  return {};
}

}  // namespace

/// CLIENT KILL addr -> OK; CLIENT KILL [ID id] [TYPE type] [USER name] [ADDR addr] [LADDR addr]
/// [SKIPME yes|no] -> how many were closed.
Result<void> ClientKill(CommandContext& ctx, Args args, Reply& reply) {
  ClientFilter filter;
  if (args.size() == 3) {  // the older form, which may hit oneself
    filter.address = args[2];
    if (ctx.server.KillClients(filter, ctx.client) == 0)
      return Fail(Code::kInvalid, "No such client");
    return reply.Ok();
  }
  filter.skip_id = ctx.client.id;
  for (size_t i = 2; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return Fail(Code::kInvalid, "syntax error");
    TRY_VOID(ReadFilter(ctx, args, i, filter));
  }
  return reply.Integer(static_cast<int64_t>(ctx.server.KillClients(filter, ctx.client)));
}

}  // namespace cloakroom
