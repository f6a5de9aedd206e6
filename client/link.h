#pragma once

#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "store/base/result.h"

namespace cloakroom {

/// Where a server is, and who calls.
struct Endpoint {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string socket{};    // a unix socket's path; then host and port are not used
  std::string user{};      // with a password only; empty: the default user
  std::string password{};  // empty: no AUTH
  int database = 0;
  std::chrono::milliseconds timeout{5000};  // of connecting, and of each reply; 0: none
};

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

/// One blocking connection. Not for several threads at once. A broken one stays broken: every
/// further call answers kUnavailable. The process should ignore SIGPIPE.
class Link {
 public:
  /// Connects, authenticates and selects the database.
  ///   errors  kUnavailable  nobody answers there; the message says where and why
  ///           kVerbatim     the server refused AUTH or SELECT; the message is its error line
  [[nodiscard]] static Result<Link> Open(const Endpoint& endpoint);

  /// Takes over a connected socket.
  [[nodiscard]] static Link OnSocket(int fd);

  /// Sends one command, its name first, and waits for the reply, which may be an error reply.
  ///   errors  kUnavailable  the connection broke, or the timeout passed
  [[nodiscard]] Result<ReplyPtr> Call(std::span<const std::string> words);

  /// Waits for one more reply, as MONITOR sends them.
  [[nodiscard]] Result<ReplyPtr> Next();

 private:
  struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  explicit Link(redisContext* context) : context_(context) {}
  std::unique_ptr<redisContext, FreeContext> context_;
};

}  // namespace cloakroom
