#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/env/closer.h"

namespace cloakroom {

/// What the user of a stream is told. None of it is called from within a call to the stream.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;

  /// Where the next bytes are to be put. Empty: not now; it will be asked again at the next poll.
  [[nodiscard]] virtual std::span<char> ReadSpace() = 0;
  /// The first `size_bytes` > 0 of the last ReadSpace were filled.
  virtual void Received(size_t size_bytes) = 0;
  /// The peer has ended its side: nothing more will be received, but it may still read. Once.
  virtual void Ended() = 0;
  /// The stream is of no use any more, for reading or writing. Once, and the last event.
  virtual void Broken() = 0;
  /// All that was given to Write has left.
  virtual void Written() = 0;
};

/// A byte stream to one peer: a TCP connection or a unix socket.
class Stream {
 public:
  struct Info {
    std::string peer;   // "127.0.0.1:50412", "[::1]:50412" or "/path/of.sock:0"
    std::string local;  // the same of our side
    int fd = -1;        // -1: none
    bool unix_socket = false;
    bool loopback = false;  // the peer is on this machine
  };

  [[nodiscard]] virtual Info info() const = 0;
  virtual void SetEvents(StreamEvents* events) = 0;

  /// Nothing is read until it is started. Stopped, bytes wait in the kernel.
  virtual void StartReading() = 0;
  virtual void StopReading() = 0;

  /// Hands the kernel what it takes of `bytes` at once; returns how many. Takes none while a Write
  /// is under way, or when the peer is gone.
  [[nodiscard]] virtual size_t TryWrite(std::string_view bytes) = 0;
  /// Writes bytes[from..] as the kernel takes it; Written or Broken follows. One at a time.
  virtual void Write(std::string bytes, size_t from) = 0;
  /// Bytes of the Write under way that have not left yet.
  [[nodiscard]] virtual size_t Unwritten() const = 0;

  /// Probes a silent TCP peer after `seconds`; 0: never.
  virtual void SetKeepAlive(int seconds) = 0;

  /// Closes at once; what has not left is lost. No event comes after, and the pointer is dead.
  virtual void Close() = 0;

 protected:
  ~Stream() = default;
};
using StreamPtr = std::unique_ptr<Stream, Closer>;

/// Where to listen: a TCP address, or a unix socket.
struct ListenAddress {
  std::string host;        // numeric or a name; "*": all IPv4, "::*": all IPv6
  uint16_t port = 0;       // 0: any free one
  std::string path;        // not empty: a unix socket; an old one there is replaced
  uint32_t path_mode = 0;  // its permissions; 0: as the process has it
  int backlog = 511;
};

/// Accepts peers until it is closed.
class Listener {
 public:
  [[nodiscard]] virtual uint16_t port() const = 0;  // 0 for a unix socket
  /// Closes at once, removes the unix socket. The pointer is dead.
  virtual void Close() = 0;

 protected:
  ~Listener() = default;
};
using ListenerPtr = std::unique_ptr<Listener, Closer>;

/// A TCP peer: a numeric address or a name, and its port.
struct PeerAddress {
  std::string host;
  uint16_t port = 0;
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// A connection that is being made.
class Connecting {
 public:
  /// Gives up: nothing is told any more. The pointer is dead.
  virtual void Close() = 0;

 protected:
  ~Connecting() = default;
};
using ConnectingPtr = std::unique_ptr<Connecting, Closer>;

/// The machine's network.
class Network {
 public:
  virtual ~Network() = default;

  /// Listens at `address`. `accepted` gets each new stream; at most a batch of them in one poll.
  ///   errors  kUnavailable  this machine has no such address, or no such family
  ///           kInvalid      anything else, with the system's words
  [[nodiscard]] virtual Result<ListenerPtr> Listen(
      const ListenAddress& address, std::function<void(StreamPtr stream)> accepted) = 0;

  /// Connects to `peer`; a name is looked up meanwhile, and all its addresses are tried. `done` is
  /// called once, on the loop and never from within this call, unless the Connecting is closed
  /// before; that may be destroyed in it. It waits as long as the kernel does: who wants an answer
  /// sooner gives up.
  ///   errors  kUnavailable  with the system's words
  [[nodiscard]] virtual ConnectingPtr Connect(const PeerAddress& peer,
                                              std::function<void(Result<StreamPtr>)> done) = 0;
};

}  // namespace cloakroom
