#pragma once

#include <functional>

#include "store/env/network.h"
#include "store/uv/uv_loop.h"

namespace cloakroom {

/// UvNetwork::Connect. The system's resolver works on one of libuv's threads.
[[nodiscard]] ConnectingPtr ConnectToPeer(UvLoop& loop, const PeerAddress& peer,
                                          std::function<void(Result<StreamPtr>)> done);

}  // namespace cloakroom
