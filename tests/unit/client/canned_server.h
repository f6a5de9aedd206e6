#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "client/link.h"
#include "store/base/check.h"

namespace cloakroom {

/// The other end of a Link, without a server or a thread: replies wait in the socket before the
/// call is made, and what the call sent is read afterwards. Both fit the socket's buffers.
class CannedServer {
 public:
  CannedServer() { CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) == 0); }
  ~CannedServer() {
    if (ends_[0] >= 0) close(ends_[0]);
  }
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;

  /// Call once; the Link closes its end.
  [[nodiscard]] Link Client() { return Link::OnSocket(ends_[1]); }

  void WillReply(std::string_view bytes) {
    CHECK(write(ends_[0], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void HangUp() { shutdown(ends_[0], SHUT_WR); }

  /// The words of the last command, separated by blanks.
  [[nodiscard]] std::string Received() {
    std::array<char, 65536> buffer;
    const ssize_t size = read(ends_[0], buffer.data(), buffer.size());
    CHECK(size > 0);
    std::string_view left(buffer.data(), static_cast<size_t>(size));
    std::string words;
    left.remove_prefix(left.find('\n') + 1);
    while (!left.empty()) {
      const size_t length = std::stoul(std::string(left.substr(1, left.find('\r') - 1)));
      left.remove_prefix(left.find('\n') + 1);
      words.append(words.empty() ? "" : " ").append(left.substr(0, length));
      left.remove_prefix(length + 2);
    }
    return words;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace cloakroom
