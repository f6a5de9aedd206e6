// How a connection introduces itself: PING, ECHO, AUTH, HELLO, SELECT, RESET, QUIT, and the row of
// CLIENT.

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/command/server_control.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/client.h"
#include "redis_compat/modules/database_index.h"
#include "redis_compat/modules/versions.h"

namespace cloakroom {
namespace {

constexpr std::string_view kUser = "default";  // the only one

/// PING [message] -> PONG, or the message; to a subscriber in RESP2 a pair, so that it cannot be
/// taken for a message.
Result<void> Ping(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 2)
    return Fail(Code::kInvalid, "wrong number of arguments for '{}' command",
                ctx.command.full_name);
  if (ctx.client.subscribed() && ctx.client.protocol == 2) {
    TRY_VOID(reply.Array(2));
    return reply.Pair("pong", args.size() == 1 ? std::string_view() : args[1]);
  }
  return args.size() == 1 ? reply.Simple("PONG") : reply.Bulk(args[1]);
}

/// ECHO message -> the message.
Result<void> Echo(CommandContext& /*ctx*/, Args args, Reply& reply) { return reply.Bulk(args[1]); }

/// QUIT -> OK, and the connection closes.
Result<void> Quit(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ctx.client.close_after_reply = true;
  return reply.Ok();
}

/// SELECT index -> OK.
Result<void> Select(CommandContext& ctx, Args args, Reply& reply) {
  TRY(ctx.client.db, ParseDatabase(ctx, args, 1));
  return reply.Ok();
}

Result<void> Authenticate(CommandContext& ctx, std::string_view user, std::string_view password) {
  if (user != kUser || !ctx.server.PasswordMatches(password)) return Fail(Code::kWrongPass, "");
  ctx.client.authenticated = true;
  return {};
}

/// AUTH [username] password -> OK.
Result<void> Auth(CommandContext& ctx, Args args, Reply& reply) {
  if (args.size() > 3) return Fail(Code::kInvalid, "syntax error");
  if (args.size() == 2 && !ctx.server.PasswordRequired())
    return Fail(Code::kInvalid,
                "AUTH <password> called without any password configured for the default user. "
                "Are you sure your configuration is correct?");
  const std::string_view user = args.size() == 3 ? args[1] : kUser;
  TRY_VOID(Authenticate(ctx, user, args[args.size() - 1]));
  return reply.Ok();
}

void RedactAuth(std::span<std::string> words) {
  for (size_t i = 1; i < words.size(); ++i) words[i] = "(redacted)";
}

Result<void> WriteGreeting(const ClientState& client, Reply& reply) {
  static_cast<void>(reply.Map(7));
  static_cast<void>(reply.Bulk("server"));
  static_cast<void>(reply.Bulk("redis"));
  static_cast<void>(reply.Bulk("version"));
  static_cast<void>(reply.Bulk(kRedisVersion));
  static_cast<void>(reply.Bulk("proto"));
  static_cast<void>(reply.Integer(client.protocol));
  static_cast<void>(reply.Bulk("id"));
  static_cast<void>(reply.Integer(static_cast<int64_t>(client.id)));
  static_cast<void>(reply.Bulk("mode"));
  static_cast<void>(reply.Bulk("standalone"));
  static_cast<void>(reply.Bulk("role"));
  static_cast<void>(reply.Bulk("master"));
  static_cast<void>(reply.Bulk("modules"));
  return reply.Array(0);
}

/// HELLO [protover [AUTH username password] [SETNAME name]] -> who the server is.
Result<void> Hello(CommandContext& ctx, Args args, Reply& reply) {
  ClientState& client = ctx.client;
  int64_t protocol = client.protocol;
  if (args.size() > 1) {
    TRY(protocol, args.Integer(1, "Protocol version is not an integer or out of range"));
    if (protocol < 2 || protocol > 3) return Fail(Code::kNoProto, "unsupported protocol version");
  }
  std::optional<std::string_view> name;
  std::optional<std::string_view> user;
  std::string_view password;
  for (size_t i = 2; i < args.size(); ++i) {
    const size_t more = args.size() - 1 - i;
    if (args.Is(i, "AUTH") && more >= 2) {
      user = args[++i];
      password = args[++i];
    } else if (args.Is(i, "SETNAME") && more >= 1) {
      name = args[++i];
      ClientState trial;  // the name must be right before anything changes
      TRY_VOID(SetClientName(trial, *name));
    } else {
      return Fail(Code::kInvalid, "Syntax error in HELLO option '{}'", args[i]);
    }
  }
  if (user) TRY_VOID(Authenticate(ctx, *user, password));
  if (!client.authenticated && ctx.server.PasswordRequired())
    return Fail(Code::kNoAuth,
                "HELLO must be called with the client already authenticated, otherwise the HELLO "
                "<proto> AUTH <user> <pass> option can be used to authenticate the client and "
                "select the RESP protocol version at the same time");
  if (name) TRY_VOID(SetClientName(client, *name));
  client.protocol = static_cast<int>(protocol);
  reply.set_protocol(client.protocol);
  return WriteGreeting(client, reply);
}

void RedactHello(std::span<std::string> words) {
  for (size_t i = 2; i + 2 < words.size(); ++i) {
    if (EqualsIgnoreCase(words[i], "SETNAME")) {
      ++i;
    } else if (EqualsIgnoreCase(words[i], "AUTH")) {
      words[i + 1] = "(redacted)";
      words[i + 2] = "(redacted)";
      i += 2;
    }
  }
}

/// RESET -> RESET. The connection is as if it had just been made.
Result<void> Reset(CommandContext& ctx, Args /*args*/, Reply& reply) {
  ClientState& client = ctx.client;
  ctx.dispatcher.Leave(client);
  client.monitor = false;
  client.db = 0;
  client.protocol = 2;
  client.name.clear();
  client.reply_mode = ReplyMode::kOn;
  client.no_evict = false;
  client.no_touch = false;
  client.authenticated = !ctx.server.PasswordRequired();
  reply.set_protocol(client.protocol);
  return reply.Simple("RESET");
}

constexpr uint32_t kAnytime = kLoading | kStale | kFast;
constexpr uint32_t kBeforeAuth = kAnytime | kNoScript | kNoAuthNeeded | kAllowBusy;

CommandSpec Row(std::string_view name, int arity, uint32_t flags, std::string_view since,
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

}  // namespace

void RegisterConnection(Registry& registry) {
  static const std::vector<CommandSpec> kConnection = [] {
    std::vector<CommandSpec> rows = {
        Row("ping", -1, kFast | kForSubscribers, "1.0.0", "Answers PONG, or the message",
            "[message]", Ping),
        Row("echo", 2, kAnytime, "1.0.0", "Answers the message", "message", Echo),
        Row("quit", -1, kBeforeAuth | kForSubscribers, "1.0.0", "Closes the connection", "", Quit),
        Row("select", 2, kAnytime, "1.0.0", "Chooses the connection's database", "index", Select),
        Row("auth", -2, kBeforeAuth, "1.0.0", "Authenticates the connection", "[username] password",
            Auth),
        Row("hello", -1, kBeforeAuth, "6.0.0", "Chooses the protocol, and introduces the client",
            "[protover [AUTH username password] [SETNAME clientname]]", Hello),
        Row("reset", 1, kBeforeAuth | kForSubscribers, "6.2.0",
            "Makes the connection as if it were new", "", Reset),
        Row("client", -2, 0, "2.4.0", "Commands on connections", "", nullptr),
    };
    rows[4].redact = RedactAuth;
    rows[5].redact = RedactHello;
    rows[7].categories = "";
    rows[7].subcommands = ClientSubcommands();
    return rows;
  }();
  registry.Add(kConnection);
}

}  // namespace cloakroom
