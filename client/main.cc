// cloakroom-cli: sends one command and prints its reply; `ring ...` measures and draws the ring.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "client/link.h"
#include "client/reply_text.h"
#include "client/ring_command.h"

namespace cloakroom {
namespace {

constexpr int kFailed = 1, kWrongUsage = 2;

void Print(const redisReply& reply, bool raw) {
  const std::string text = raw ? ReplyForPrograms(reply) : ReplyForPeople(reply);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Sends, prints, and for MONITOR goes on printing until the connection ends.
int SendCommand(const Endpoint& endpoint, const std::vector<std::string>& words, bool raw) {
  auto link = Link::Open(endpoint);
  if (!link) {
    fmt::print(stderr, "cloakroom-cli: {}\n", link.error().message);
    return kFailed;
  }
  const bool endless = CLI::detail::to_lower(words.front()) == "monitor";
  auto reply = link->Call(words);
  while (reply) {
    Print(**reply, raw);
    if ((*reply)->type == REDIS_REPLY_ERROR) return kFailed;
    if (!endless) return std::ferror(stdout) == 0 ? 0 : kFailed;
    reply = link->Next();
  }
  fmt::print(stderr, "cloakroom-cli: {}\n", reply.error().message);
  return kFailed;
}

int RunCommand(int argc, const char* const* argv) {
  Endpoint endpoint;
  endpoint.timeout = {};  // a command may take its time; who waits can interrupt
  // Why: what stands on a command line can be read by every user of the machine.
  if (const char* password = std::getenv("REDISCLI_AUTH")) endpoint.password = password;
  bool raw = isatty(STDOUT_FILENO) == 0;

  CLI::App app(
      "cloakroom-cli [OPTIONS] COMMAND [ARGUMENT ...]: sends a command to a Cloakroom or Redis "
      "server\n"
      "and prints the reply.\n"
      "  cloakroom-cli ring simulate --help   keys that move when shards join or leave\n"
      "  cloakroom-cli ring draw --help       the ring as a picture\n"
      "Exits with 0, 1 when there was no reply or it was an error, 2 when an option is wrong.",
      "cloakroom-cli");
  app.set_help_flag("--help", "Print this and exit");
  app.prefix_command();
  app.add_option("-h,--host", endpoint.host, "The server's address")->capture_default_str();
  auto* port = app.add_option("-p,--port", endpoint.port, "Its port");
  port->check(CLI::Range(1, 65535))->capture_default_str();
  app.add_option("-s,--socket", endpoint.socket, "A unix socket, in place of address and port");
  app.add_option("--user", endpoint.user, "The user to authenticate as");
  app.add_option("-a,--pass", endpoint.password, "The password; REDISCLI_AUTH keeps it off `ps`");
  app.add_option("-n", endpoint.database, "The database")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_flag("--raw,!--no-raw", raw, "Bytes as they are; the default unless on a terminal");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  const std::vector<std::string> words = app.remaining();
  if (words.empty()) {
    fmt::print(stderr, "cloakroom-cli: which command? See cloakroom-cli --help\n");
    return kWrongUsage;
  }
  if (words.front().starts_with('-')) {
    fmt::print(stderr, "cloakroom-cli: there is no option {}\n", words.front());
    return kWrongUsage;
  }
  return SendCommand(endpoint, words, raw);
}

}  // namespace
}  // namespace cloakroom

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (argc > 1 && std::string_view(argv[1]) == "ring") return cloakroom::RunRingCommand(argc, argv);
  return cloakroom::RunCommand(argc, argv);
}
