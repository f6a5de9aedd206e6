#include "store/uv/uv_network.h"

#include <netdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "store/base/check.h"
#include "store/uv/uv_connecting.h"
#include "store/uv/uv_stream.h"

namespace cloakroom {
namespace {

// New peers taken in one poll: setting one up costs more than a command, and those who are already
// in must not wait for a storm of them.
constexpr int kAcceptBatch = 64;

tl::unexpected<Error> SystemError(int error) {
  const bool absent = error == UV_EADDRNOTAVAIL || error == UV_EAFNOSUPPORT ||
                      error == UV_EPROTONOSUPPORT || error == UV_EINVAL;
  return Fail(absent ? Code::kUnavailable : Code::kInvalid, std::string_view(strerror(-error)));
}

class UvListener final : public Listener {
 public:
  UvListener(uv_loop_t* loop, bool unix_socket, std::function<void(StreamPtr)> accepted)
      : accepted_(std::move(accepted)) {
    const int ready =
        unix_socket ? uv_pipe_init(loop, &handle_.pipe, 0) : uv_tcp_init(loop, &handle_.tcp);
    CHECK(ready == 0);
    stream()->data = this;
    CHECK(uv_idle_init(loop, &next_poll_) == 0);
    next_poll_.data = this;
  }

  int BindTcp(const sockaddr* address) {
    const bool v6 = address->sa_family == AF_INET6;
    return uv_tcp_bind(&handle_.tcp, address, v6 ? UV_TCP_IPV6ONLY : 0);
  }

  int BindUnix(const std::string& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path.c_str());
    return uv_pipe_bind(&handle_.pipe, path.c_str());
  }

  int Start(int backlog) {
    return uv_listen(stream(), backlog, [](uv_stream_t* handle, int status) {
      if (status == 0) static_cast<UvListener*>(handle->data)->Incoming();
    });
  }

  [[nodiscard]] uint16_t port() const override {
    if (handle_.tcp.type != UV_TCP) return 0;
    sockaddr_storage address{};
    int size = sizeof address;
    if (uv_tcp_getsockname(&handle_.tcp, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                     : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }

  void Close() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&next_poll_), Closed);
    uv_close(reinterpret_cast<uv_handle_t*>(stream()), Closed);
  }

 private:
  ~UvListener() = default;

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&handle_); }

  static void Closed(uv_handle_t* handle) {
    auto* self = static_cast<UvListener*>(handle->data);
    if (++self->closed_ == 2) delete self;
  }

  // libuv keeps a peer that is not accepted, and asks for no other until it is.
  void Incoming() {
    uv_idle_start(&next_poll_, [](uv_idle_t* idle) {
      uv_idle_stop(idle);
      static_cast<UvListener*>(idle->data)->NextPoll();
    });
    if (taken_ == kAcceptBatch) {
      waiting_ = true;
      return;
    }
    ++taken_;
    if (StreamPtr peer = UvStream::Accept(stream())) accepted_(std::move(peer));
  }

  void NextPoll() {
    taken_ = 0;
    if (std::exchange(waiting_, false)) Incoming();
  }

  union {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_{};
  uv_idle_t next_poll_{};
  std::function<void(StreamPtr)> accepted_;
  int taken_ = 0;         // in this poll
  bool waiting_ = false;  // a peer waits in libuv's hand
  int closed_ = 0;
};

// The first address that `host` stands for, or an error of libuv's kind.
int ResolveHost(std::string host, uint16_t port, sockaddr_storage& out) {
  if (host == "*") host = "0.0.0.0";
  if (host == "::*") host = "::";
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&out)) == 0) return 0;
  if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&out)) == 0) return 0;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return UV_EADDRNOTAVAIL;
  std::memcpy(&out, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (out.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6*>(&out)->sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in*>(&out)->sin_port = htons(port);
  return 0;
}

}  // namespace

Result<ListenerPtr> UvNetwork::Listen(const ListenAddress& address,
                                      std::function<void(StreamPtr stream)> accepted) {
  const bool unix_socket = !address.path.empty();
  auto* listener = new UvListener(loop_.raw(), unix_socket, std::move(accepted));
  ListenerPtr owner(listener);
  int error = 0;
  if (unix_socket) {
    error = listener->BindUnix(address.path);
    if (error == 0 && address.path_mode != 0 &&
        chmod(address.path.c_str(), static_cast<mode_t>(address.path_mode)) != 0)
      error = uv_translate_sys_error(errno);
  } else {
    sockaddr_storage where{};
    error = ResolveHost(address.host, address.port, where);
    if (error == 0) error = listener->BindTcp(reinterpret_cast<const sockaddr*>(&where));
  }
  if (error == 0) error = listener->Start(address.backlog);
  if (error != 0) return SystemError(error);
  return owner;
}

ConnectingPtr UvNetwork::Connect(const PeerAddress& peer,
                                 std::function<void(Result<StreamPtr>)> done) {
  return ConnectToPeer(loop_, peer, std::move(done));
}

}  // namespace cloakroom
