// CLIENT and its subcommands, except KILL (client_kill.cc) and how a line looks (client_line.cc).

#include "redis_compat/modules/client.h"

#include <limits>
#include <vector>

#include "redis_compat/command/context.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/help_reply.h"

namespace cloakroom {
namespace {

Result<void> SyntaxError() { return Fail(Code::kInvalid, "syntax error"); }

/// CLIENT ID -> the connection's number.
Result<void> ClientId(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return reply.Integer(static_cast<int64_t>(ctx.client.id));
}

/// CLIENT GETNAME -> the name, or nil.
Result<void> ClientGetName(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return ctx.client.name.empty() ? reply.Null() : reply.Bulk(ctx.client.name);
}

/// CLIENT SETNAME name -> OK.
Result<void> ClientSetName(CommandContext& ctx, Args args, Reply& reply) {
  TRY_VOID(SetClientName(ctx.client, args[2]));
  return reply.Ok();
}

/// CLIENT SETINFO LIB-NAME name | LIB-VER version -> OK.
Result<void> ClientSetInfo(CommandContext& ctx, Args args, Reply& reply) {
  std::string* field = args.Is(2, "LIB-NAME")  ? &ctx.client.lib_name
                       : args.Is(2, "LIB-VER") ? &ctx.client.lib_version
                                               : nullptr;
  if (field == nullptr) return Fail(Code::kInvalid, "Unrecognized option '{}'", args[2]);
  for (const char c : args[3])
    if (c < '!' || c > '~')
      return Fail(Code::kInvalid, "{} cannot contain spaces, newlines or special characters.",
                  args[2]);
  *field = args[3];
  return reply.Ok();
}

/// CLIENT INFO -> this connection's line of CLIENT LIST.
Result<void> ClientInfo(CommandContext& ctx, Args /*args*/, Reply& reply) {
  // Through the server, which brings the sizes of the buffers up to date.
  std::string line;
  ctx.server.ForEachClient([&](ClientState& client) {
    if (&client == &ctx.client) line = ClientLine(client, ctx.now);
  });
  return reply.Verbatim(line);
}

/// CLIENT LIST [TYPE type] [ID id ...] -> a line a connection.
Result<void> ClientList(CommandContext& ctx, Args args, Reply& reply) {
  std::optional<std::string_view> type;
  std::vector<uint64_t> ids;
  if (args.size() == 4 && args.Is(2, "TYPE")) {
    type = ClientType(args[3]);
    if (!type) return Fail(Code::kInvalid, "Unknown client type '{}'", args[3]);
  } else if (args.size() > 3 && args.Is(2, "ID")) {
    for (size_t i = 3; i < args.size(); ++i) {
      TRY(const int64_t id, args.Integer(i, "Invalid client ID"));
      ids.push_back(static_cast<uint64_t>(id));
    }
  } else if (args.size() != 2) {
    return SyntaxError();
  }
  std::string lines;
  if (ids.empty()) {
    ctx.server.ForEachClient([&](ClientState& client) {
      if (!type || *type == client.type()) lines += ClientLine(client, ctx.now);
    });
  } else {
    for (const uint64_t id : ids)
      ctx.server.ForEachClient([&](ClientState& client) {
        if (client.id == id) lines += ClientLine(client, ctx.now);
      });
  }
  return reply.Verbatim(lines);
}

/// CLIENT PAUSE ms [WRITE | ALL] -> OK.
Result<void> ClientPause(CommandContext& ctx, Args args, Reply& reply) {
  PauseMode mode = PauseMode::kAll;
  if (args.size() == 4) {
    if (args.Is(3, "WRITE"))
      mode = PauseMode::kWrite;
    else if (!args.Is(3, "ALL"))
      return Fail(Code::kInvalid, "CLIENT PAUSE mode must be WRITE or ALL");
  } else if (args.size() > 4) {
    return SubcommandSyntaxError("CLIENT", args[1]);
  }
  constexpr std::string_view kNotAnInteger = "timeout is not an integer or out of range";
  TRY(const int64_t span_ms, args.Integer(2, kNotAnInteger));
  if (span_ms < 0) return Fail(Code::kInvalid, "timeout is negative");
  if (span_ms > std::numeric_limits<int64_t>::max() - ctx.now)
    return Fail(Code::kInvalid, "timeout is out of range");
  ctx.server.Pause(mode, ctx.now + span_ms);
  return reply.Ok();
}

/// CLIENT UNPAUSE -> OK.
Result<void> ClientUnpause(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ctx.server.Unpause();
  return reply.Ok();
}

/// CLIENT REPLY ON | OFF | SKIP -> OK for ON; the others silence themselves too.
Result<void> ClientReply(CommandContext& ctx, Args args, Reply& reply) {
  ReplyMode& mode = ctx.client.reply_mode;
  if (args.Is(2, "ON")) {
    mode = ReplyMode::kOn;
    return reply.Ok();
  }
  if (args.Is(2, "OFF")) {
    mode = ReplyMode::kOff;
  } else if (args.Is(2, "SKIP")) {
    if (mode != ReplyMode::kOff) mode = ReplyMode::kSkipNext;
  } else {
    return SyntaxError();
  }
  return {};
}

Result<void> Switch(Args args, bool& setting, Reply& reply) {
  if (args.Is(2, "ON"))
    setting = true;
  else if (args.Is(2, "OFF"))
    setting = false;
  else
    return SyntaxError();
  return reply.Ok();
}

/// CLIENT NO-EVICT ON | OFF -> OK.
Result<void> ClientNoEvict(CommandContext& ctx, Args args, Reply& reply) {
  return Switch(args, ctx.client.no_evict, reply);
}

/// CLIENT NO-TOUCH ON | OFF -> OK.
Result<void> ClientNoTouch(CommandContext& ctx, Args args, Reply& reply) {
  return Switch(args, ctx.client.no_touch, reply);
}

/// CLIENT GETREDIR -> -1: this connection redirects nothing, as there is no tracking.
Result<void> ClientGetRedir(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return reply.Integer(-1);
}

/// CLIENT TRACKING OFF -> OK: it is never on, as there are no invalidation messages.
Result<void> ClientTracking(CommandContext& /*ctx*/, Args args, Reply& reply) {
  if (args.Is(2, "ON"))
    return Fail(Code::kUnavailable, "CLIENT TRACKING ON is not supported: there is no tracking");
  return args.Is(2, "OFF") ? reply.Ok() : SyntaxError();
}

/// CLIENT CACHING YES | NO -> an error, as tracking is off.
Result<void> ClientCaching(CommandContext& /*ctx*/, Args /*args*/, Reply& /*reply*/) {
  return Fail(Code::kInvalid,
              "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
              "OPTOUT mode enabled");
}

/// CLIENT TRACKINGINFO -> that it is off.
Result<void> ClientTrackingInfo(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  static_cast<void>(reply.Map(3));
  static_cast<void>(reply.Bulk("flags"));
  static_cast<void>(reply.Set(1));
  static_cast<void>(reply.Bulk("off"));
  static_cast<void>(reply.Bulk("redirect"));
  static_cast<void>(reply.Integer(-1));
  static_cast<void>(reply.Bulk("prefixes"));
  return reply.Array(0);
}

/// CLIENT UNBLOCK id [TIMEOUT | ERROR] -> 0: no command blocks.
Result<void> ClientUnblock(CommandContext& /*ctx*/, Args args, Reply& reply) {
  if (args.size() > 4) return SubcommandSyntaxError("CLIENT", args[1]);
  if (args.size() == 4 && !args.Is(3, "TIMEOUT") && !args.Is(3, "ERROR"))
    return Fail(Code::kInvalid, "CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  TRY_VOID(args.Integer(2));
  return reply.Integer(0);
}

Result<void> ClientHelp(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return ReplyHelp(
      reply, "CLIENT",
      {
          {"GETNAME", "Answers the name of this connection."},
          {"GETREDIR", "Answers the client that tracking messages go to: -1, none."},
          {"ID", "Answers the number of this connection."},
          {"INFO", "Describes this connection."},
          {"KILL <ip:port>", "Closes the connection from that address."},
          {"KILL <option> <value> [<option> <value> [...]]",
           "Closes connections by ADDR, LADDR, ID, TYPE, USER, MAXAGE; SKIPME no takes one's own "
           "too."},
          {"LIST [TYPE <type> | ID <id> [<id> ...]]", "Describes the connections, one a line."},
          {"NO-EVICT (ON|OFF)",
           "Exempts this connection from being closed when memory runs short."},
          {"NO-TOUCH (ON|OFF)", "Keeps the commands of this connection from counting as accesses."},
          {"PAUSE <milliseconds> [WRITE|ALL]",
           "Holds back writes, or all commands, for that long."},
          {"REPLY (ON|OFF|SKIP)", "Says whether commands of this connection are answered."},
          {"SETINFO (LIB-NAME <name> | LIB-VER <version>)", "Tells which client library this is."},
          {"SETNAME <name>", "Names this connection."},
          {"UNBLOCK <id> [TIMEOUT|ERROR]", "Wakes a client that a command blocks."},
          {"UNPAUSE", "Ends the pause."},
      });
}

constexpr uint32_t kAnytime = kNoScript | kLoading | kStale;

constexpr CommandSpec Row(std::string_view name, int arity, uint32_t flags, std::string_view since,
                          std::string_view summary, std::string_view syntax, Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .keys = {},
          .categories = "connection",
          .group = "connection",
          .since = since,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

constexpr CommandSpec kSubcommands[] = {
    Row("id", 2, kAnytime, "5.0.0", "Answers the number of the connection", "", ClientId),
    Row("getname", 2, kAnytime, "2.6.9", "Answers the name of the connection", "", ClientGetName),
    Row("setname", 3, kAnytime, "2.6.9", "Names the connection", "connection-name", ClientSetName),
    Row("setinfo", 4, kAnytime, "7.2.0", "Tells which client library this is",
        "<LIB-NAME libname | LIB-VER libver>", ClientSetInfo),
    Row("info", 2, kAnytime, "6.2.0", "Describes the connection", "", ClientInfo),
    Row("list", -2, kAnytime | kAdmin, "2.4.0", "Describes all connections",
        "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]", ClientList),
    Row("kill", -3, kAnytime | kAdmin, "2.4.0", "Closes connections",
        "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | "
        "[USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no] | "
        "[MAXAGE maxage]> ...>",
        ClientKill),
    Row("pause", -3, kAnytime | kAdmin, "2.9.50", "Holds back the commands of all clients",
        "timeout [WRITE | ALL]", ClientPause),
    Row("unpause", 2, kAnytime | kAdmin, "6.2.0", "Ends a pause", "", ClientUnpause),
    Row("reply", 3, kAnytime, "3.2.0", "Says whether commands are answered", "<ON | OFF | SKIP>",
        ClientReply),
    Row("no-evict", 3, kAnytime | kAdmin, "7.0.0", "Exempts the connection from eviction",
        "<ON | OFF>", ClientNoEvict),
    Row("no-touch", 3, kAnytime, "7.2.0", "Keeps the connection's commands from being accesses",
        "<ON | OFF>", ClientNoTouch),
    Row("getredir", 2, kAnytime, "6.0.0", "Answers where tracking messages go: nowhere", "",
        ClientGetRedir),
    Row("tracking", -3, kAnytime, "6.0.0", "Switches client side caching off", "<ON | OFF>",
        ClientTracking),
    Row("caching", 3, kAnytime, "6.0.0", "Chooses what is tracked", "<YES | NO>", ClientCaching),
    Row("trackinginfo", 2, kAnytime, "6.2.0", "Describes the tracking of the connection", "",
        ClientTrackingInfo),
    Row("unblock", -3, kAnytime | kAdmin, "5.0.0", "Wakes a client that a command blocks",
        "client-id [TIMEOUT | ERROR]", ClientUnblock),
    Row("help", 2, kLoading | kStale, "5.0.0", "Lists the subcommands", "", ClientHelp),
};

}  // namespace

std::span<const CommandSpec> ClientSubcommands() { return kSubcommands; }

}  // namespace cloakroom
