#include "store/uv/uv_connecting.h"

#include <netdb.h>

#include <string>
#include <utility>

#include "store/base/check.h"
#include "store/uv/uv_stream.h"

namespace cloakroom {
namespace {

class UvConnecting final : public Connecting {
 public:
  UvConnecting(uv_loop_t* loop, std::function<void(Result<StreamPtr>)> done)
      : loop_(loop), done_(std::move(done)) {
    resolve_.data = connect_.data = this;
  }

  void Resolve(const PeerAddress& peer) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    pending_ = true;
    const std::string port = std::to_string(peer.port);
    const int failed =
        uv_getaddrinfo(loop_, &resolve_, Resolved, peer.host.c_str(), port.c_str(), &hints);
    CHECK(failed == 0);  // trouble with the name comes through Resolved
  }

  // The one call of libuv's that is under way tells us when we may go.
  void Close() override {
    closed_ = true;
    stream_.reset();
    if (!pending_) delete this;
  }

 private:
  ~UvConnecting() {
    if (found_ != nullptr) uv_freeaddrinfo(found_);
  }

  static void Resolved(uv_getaddrinfo_t* request, int status, addrinfo* found) {
    auto* self = static_cast<UvConnecting*>(request->data);
    self->pending_ = false;
    self->found_ = self->next_ = found;
    if (self->closed_) return delete self;
    if (status != 0) return self->Tell(Fail(Code::kUnavailable, uv_strerror(status)));
    self->TryNext("no address");
  }

  void TryNext(std::string reason) {
    while (next_ != nullptr) {
      const sockaddr* const address = std::exchange(next_, next_->ai_next)->ai_addr;
      Result<StreamPtr> stream = UvStream::Connect(loop_, address, &connect_, Connected);
      if (stream) {
        stream_ = *std::move(stream);
        pending_ = true;
        return;
      }
      reason = stream.error().message;
    }
    Tell(Fail(Code::kUnavailable, std::move(reason)));
  }

  static void Connected(uv_connect_t* request, int status) {
    auto* self = static_cast<UvConnecting*>(request->data);
    self->pending_ = false;
    if (self->closed_) return delete self;
    if (status == 0) return self->Tell(std::move(self->stream_));
    self->stream_.reset();
    self->TryNext(uv_strerror(status));
  }

  /// Whoever is told may close us meanwhile.
  void Tell(Result<StreamPtr> result) { std::exchange(done_, nullptr)(std::move(result)); }

  uv_loop_t* loop_;
  std::function<void(Result<StreamPtr>)> done_;
  uv_getaddrinfo_t resolve_{};
  uv_connect_t connect_{};
  addrinfo* found_ = nullptr;
  addrinfo* next_ = nullptr;
  StreamPtr stream_;
  bool pending_ = false;  // a call of libuv's is under way
  bool closed_ = false;
};

}  // namespace

ConnectingPtr ConnectToPeer(UvLoop& loop, const PeerAddress& peer,
                            std::function<void(Result<StreamPtr>)> done) {
  auto* connecting = new UvConnecting(loop.raw(), std::move(done));
  ConnectingPtr owner(connecting);
  connecting->Resolve(peer);
  return owner;
}

}  // namespace cloakroom
