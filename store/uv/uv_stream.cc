#include "store/uv/uv_stream.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "store/base/check.h"
#include "store/uv/uv_loop.h"

namespace cloakroom {
namespace {

constexpr size_t kWriteBytesMax = size_t{1} << 30;  // of one call to the kernel

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  if (IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127;
}

std::string PipePath(const uv_pipe_t* pipe, int (*name_of)(const uv_pipe_t*, char*, size_t*)) {
  std::array<char, 256> path{};
  size_t size = path.size();
  if (name_of(pipe, path.data(), &size) != 0) size = 0;
  return {path.data(), size};
}

}  // namespace

std::string FormatAddress(const sockaddr* address, bool* loopback) {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (loopback != nullptr) *loopback = IsLoopback(address);
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    uv_ip4_name(v4, host.data(), host.size());
    return fmt::format("{}:{}", host.data(), ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  uv_ip6_name(v6, host.data(), host.size());
  return fmt::format("[{}]:{}", host.data(), ntohs(v6->sin6_port));
}

StreamPtr UvStream::Accept(uv_stream_t* listener) {
  auto* stream = new UvStream;
  const int ready = listener->type == UV_TCP
                        ? uv_tcp_init(listener->loop, &stream->handle_.tcp)
                        : uv_pipe_init(listener->loop, &stream->handle_.pipe, 0);
  CHECK(ready == 0);
  stream->handle()->data = stream;
  StreamPtr owner(stream);
  if (uv_accept(listener, stream->handle()) != 0) return nullptr;
  // A reply must not wait for the acknowledgement of the one before it.
  if (!stream->is_pipe()) uv_tcp_nodelay(&stream->handle_.tcp, 1);
  return owner;
}

Result<StreamPtr> UvStream::Connect(uv_loop_t* loop, const sockaddr* address, uv_connect_t* request,
                                    uv_connect_cb connected) {
  auto* stream = new UvStream;
  CHECK(uv_tcp_init(loop, &stream->handle_.tcp) == 0);
  stream->handle()->data = stream;
  StreamPtr owner(stream);
  const int failed = uv_tcp_connect(request, &stream->handle_.tcp, address, connected);
  if (failed != 0) return Fail(Code::kUnavailable, uv_strerror(failed));
  uv_tcp_nodelay(&stream->handle_.tcp, 1);
  return owner;
}

Stream::Info UvStream::info() const {
  Info info;
  uv_fileno(reinterpret_cast<uv_handle_t*>(handle()), &info.fd);
  if (is_pipe()) {
    info.unix_socket = true;
    info.loopback = true;
    info.local = PipePath(&handle_.pipe, uv_pipe_getsockname) + ":0";
    info.peer = info.local;  // the client's end has no name
    return info;
  }
  sockaddr_storage address{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  int size = sizeof address;
  if (uv_tcp_getpeername(&handle_.tcp, generic, &size) == 0)
    info.peer = FormatAddress(generic, &info.loopback);
  size = sizeof address;
  if (uv_tcp_getsockname(&handle_.tcp, generic, &size) == 0) info.local = FormatAddress(generic);
  return info;
}

void UvStream::StartReading() {
  if (!ended_) uv_read_start(handle(), Allocate, Read);
}

void UvStream::StopReading() { uv_read_stop(handle()); }

void UvStream::Allocate(uv_handle_t* handle, size_t /*suggested*/, uv_buf_t* buffer) {
  const std::span<char> space = static_cast<UvStream*>(handle->data)->events_->ReadSpace();
  *buffer =
      uv_buf_init(space.data(), static_cast<unsigned>(std::min(space.size(), kWriteBytesMax)));
}

void UvStream::Read(uv_stream_t* handle, ssize_t size, const uv_buf_t* /*buffer*/) {
  auto* self = static_cast<UvStream*>(handle->data);
  if (size > 0) {
    UvLoop::Of(handle->loop).coalescer().Received(self->window_);
    self->events_->Received(static_cast<size_t>(size));
  } else if (size == UV_EOF) {
    self->ended_ = true;
    uv_read_stop(handle);
    self->events_->Ended();
  } else if (size < 0 && size != UV_ENOBUFS) {  // no space now: it will be offered again
    self->Break();
  }
}

void UvStream::Break() {
  if (broken_) return;
  ended_ = true;
  broken_ = true;
  uv_read_stop(handle());
  events_->Broken();
}

size_t UvStream::TryWrite(std::string_view bytes) {
  if (write_ != nullptr || bytes.empty()) return 0;
  const size_t size = std::min(bytes.size(), kWriteBytesMax);
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(size));
  const int taken = uv_try_write(handle(), &buffer, 1);
  return taken > 0 ? static_cast<size_t>(taken) : 0;
}

void UvStream::Write(std::string bytes, size_t from) {
  CHECK(write_ == nullptr && from < bytes.size());
  write_ = std::make_unique<WriteRequest>();
  write_->bytes = std::move(bytes);
  write_->request.data = this;
  // A buffer's length is 32 bits to some kernels' calls; a larger reply goes in several.
  std::array<uv_buf_t, 16> buffers{};
  unsigned count = 0;
  for (size_t at = from; at < write_->bytes.size(); at += kWriteBytesMax) {
    CHECK(count < buffers.size());
    const size_t size = std::min(write_->bytes.size() - at, kWriteBytesMax);
    buffers[count++] = uv_buf_init(write_->bytes.data() + at, static_cast<unsigned>(size));
  }
  const int failed = uv_write(&write_->request, handle(), buffers.data(), count, Wrote);
  CHECK(failed == 0);  // trouble with the peer comes through Wrote
}

void UvStream::Wrote(uv_write_t* request, int status) {
  auto* self = static_cast<UvStream*>(request->data);
  self->write_.reset();
  if (self->events_ == nullptr) return;  // closed meanwhile
  if (status == 0)
    self->events_->Written();
  else
    self->Break();
}

size_t UvStream::Unwritten() const { return uv_stream_get_write_queue_size(handle()); }

void UvStream::SetKeepAlive(int seconds) {
  int fd = -1;
  if (is_pipe() || uv_fileno(reinterpret_cast<uv_handle_t*>(handle()), &fd) != 0) return;
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, seconds > 0 ? 1 : 0);
  if (seconds <= 0) return;
  // The first probe after `seconds`, then two more: a dead peer is found in twice that time.
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 3, 1));
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void UvStream::Close() {
  events_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(handle()),
           [](uv_handle_t* closed) { delete static_cast<UvStream*>(closed->data); });
}

}  // namespace cloakroom
