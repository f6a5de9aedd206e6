#pragma once

#include "store/env/network.h"
#include "store/uv/uv_loop.h"

namespace cloakroom {

/// TCP and unix sockets on libuv's loop.
class UvNetwork final : public Network {
 public:
  explicit UvNetwork(UvLoop& loop) : loop_(loop) {}

  [[nodiscard]] Result<ListenerPtr> Listen(const ListenAddress& address,
                                           std::function<void(StreamPtr stream)> accepted) override;
  [[nodiscard]] ConnectingPtr Connect(const PeerAddress& peer,
                                      std::function<void(Result<StreamPtr>)> done) override;

 private:
  UvLoop& loop_;
};

}  // namespace cloakroom
