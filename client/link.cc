#include "client/link.h"

#include <sys/time.h>

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace cloakroom {
namespace {

timeval ToTimeval(std::chrono::milliseconds span) {
  return {.tv_sec = span.count() / 1000, .tv_usec = span.count() % 1000 * 1000};
}

// Sends a command of the greeting; an error reply ends it.
Result<void> Greet(Link& link, const std::vector<std::string>& words) {
  TRY(const ReplyPtr reply, link.Call(words));
  if (reply->type == REDIS_REPLY_ERROR)
    return Fail(Code::kVerbatim, "{}", std::string_view(reply->str, reply->len));
  return {};
}

}  // namespace

Result<Link> Link::Open(const Endpoint& endpoint) {
  const bool by_path = !endpoint.socket.empty();
  const std::string where =
      by_path ? endpoint.socket : fmt::format("{}:{}", endpoint.host, endpoint.port);
  const timeval timeout = ToTimeval(endpoint.timeout);
  const bool bounded = endpoint.timeout.count() > 0;
  redisContext* context = nullptr;
  if (by_path) {
    context = bounded ? redisConnectUnixWithTimeout(endpoint.socket.c_str(), timeout)
                      : redisConnectUnix(endpoint.socket.c_str());
  } else {
    context = bounded ? redisConnectWithTimeout(endpoint.host.c_str(), endpoint.port, timeout)
                      : redisConnect(endpoint.host.c_str(), endpoint.port);
  }
  if (context == nullptr) return Fail(Code::kUnavailable, "cannot connect to {}: no memory", where);
  Link link(context);
  if (context->err != 0)
    return Fail(Code::kUnavailable, "cannot connect to {}: {}", where, context->errstr);
  if (bounded) redisSetTimeout(context, timeout);

  if (!endpoint.password.empty()) {
    std::vector<std::string> words = {"AUTH"};
    if (!endpoint.user.empty()) words.push_back(endpoint.user);
    words.push_back(endpoint.password);
    TRY_VOID(Greet(link, words));
  }
  if (endpoint.database != 0) TRY_VOID(Greet(link, {"SELECT", std::to_string(endpoint.database)}));
  return link;
}

Link Link::OnSocket(int fd) { return Link(redisConnectFd(fd)); }

Result<ReplyPtr> Link::Call(std::span<const std::string> words) {
  if (context_->err != 0) return Fail(Code::kUnavailable, "connection lost: {}", context_->errstr);
  std::vector<const char*> starts;
  std::vector<size_t> sizes;
  starts.reserve(words.size());
  sizes.reserve(words.size());
  for (const std::string& word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), starts.data(),
                         sizes.data());
  return Next();
}

Result<ReplyPtr> Link::Next() {
  void* reply = nullptr;
  if (redisGetReply(context_.get(), &reply) != REDIS_OK)
    return Fail(Code::kUnavailable, "connection lost: {}", context_->errstr);
  return ReplyPtr(static_cast<redisReply*>(reply));
}

}  // namespace cloakroom
