#pragma once

#include <uv.h>

#include <memory>
#include <string>

#include "store/env/network.h"

namespace cloakroom {

/// One TCP connection or unix socket on libuv's loop. Owns itself from Close on, until
/// libuv lets go of its handle.
class UvStream final : public Stream {
 public:
  /// Accepts what waits at `listener`, a uv_tcp_t or uv_pipe_t. nullptr when nothing does.
  static StreamPtr Accept(uv_stream_t* listener);
  /// Begins to connect to `address`. `connected` is called on the loop with libuv's status, also
  /// (UV_ECANCELED) when the stream is closed before. An error of libuv's kind: it did not begin.
  static Result<StreamPtr> Connect(uv_loop_t* loop, const sockaddr* address, uv_connect_t* request,
                                   uv_connect_cb connected);

  [[nodiscard]] Info info() const override;
  void SetEvents(StreamEvents* events) override { events_ = events; }
  void StartReading() override;
  void StopReading() override;
  [[nodiscard]] size_t TryWrite(std::string_view bytes) override;
  void Write(std::string bytes, size_t from) override;
  [[nodiscard]] size_t Unwritten() const override;
  void SetKeepAlive(int seconds) override;
  void Close() override;

 private:
  struct WriteRequest {
    uv_write_t request{};
    std::string bytes;
  };

  UvStream() = default;
  ~UvStream() = default;

  [[nodiscard]] uv_stream_t* handle() const {
    return const_cast<uv_stream_t*>(reinterpret_cast<const uv_stream_t*>(&handle_));
  }
  [[nodiscard]] bool is_pipe() const { return handle_.pipe.type == UV_NAMED_PIPE; }
  void Break();

  static void Allocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
  static void Read(uv_stream_t* handle, ssize_t size, const uv_buf_t* buffer);
  static void Wrote(uv_write_t* request, int status);

  union {
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_{};
  StreamEvents* events_ = nullptr;
  std::unique_ptr<WriteRequest> write_;  // the one under way
  uint32_t window_ = 0;                  // see PollCoalescer
  bool ended_ = false;                   // by the peer
  bool broken_ = false;                  // and said so
};

/// "host:port" of a socket address, "[host]:port" for IPv6. `loopback`, when given, tells whether
/// it is this machine's own.
[[nodiscard]] std::string FormatAddress(const sockaddr* address, bool* loopback = nullptr);

}  // namespace cloakroom
