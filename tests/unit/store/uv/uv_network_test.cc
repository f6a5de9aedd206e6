// What a Network promises, asked of libuv's and of the simulated one alike: the server is tested on
// the latter and runs on the former.

#include "store/uv/uv_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

#include "tests/support/manual_clock.h"
#include "tests/support/sim_network.h"

namespace cloakroom {
namespace {

/// Keeps what a stream tells.
struct Recorder final : StreamEvents {
  [[nodiscard]] std::span<char> ReadSpace() override {
    return full ? std::span<char>() : std::span<char>(space);
  }
  void Received(size_t size_bytes) override { received.append(space.data(), size_bytes); }
  void Ended() override { ++ended; }
  void Written() override { ++written; }
  void Broken() override { ++broken; }

  std::array<char, 64> space{};
  bool full = false;
  std::string received;
  int ended = 0;
  int written = 0;
  int broken = 0;
};

/// A network, and one client of whoever listens there.
class SimWorld {
 public:
  Network& network() { return network_; }
  void Poll() { network_.Poll(); }
  static uint16_t AnyPort() { return 7000; }
  void Connect(uint16_t port) {
    peer_ = network_.Connect(port);
    peer_->window_bytes = 100'000;
  }
  void Send(std::string_view bytes) { peer_->Send(bytes); }
  void End() { peer_->End(); }
  std::string Take() { return peer_->Take(); }

 private:
  ManualClock clock_;
  SimNetwork network_{clock_};
  SimPeerPtr peer_;
};

class UvWorld {
 public:
  ~UvWorld() {
    if (fd_ >= 0) close(fd_);
  }
  Network& network() { return network_; }
  void Poll() { loop_.RunOnce(); }
  static uint16_t AnyPort() { return 0; }
  void Connect(uint16_t port) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  void Send(std::string_view bytes) const {
    ASSERT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void End() const { shutdown(fd_, SHUT_WR); }
  [[nodiscard]] std::string Take() const {
    std::string all;
    std::array<char, 65536> part{};
    while (true) {
      const ssize_t got = recv(fd_, part.data(), part.size(), 0);
      if (got <= 0) return all;
      all.append(part.data(), static_cast<size_t>(got));
    }
  }

 private:
  UvLoop loop_;
  UvNetwork network_{loop_};
  int fd_ = -1;
};

ListenAddress Address(std::string host, uint16_t port) {
  ListenAddress address;
  address.host = std::move(host);
  address.port = port;
  return address;
}

template <typename World>
class NetworkContract : public testing::Test {
 protected:
  void SetUp() override {
    Result<ListenerPtr> listening =
        world.network().Listen(Address("127.0.0.1", world.AnyPort()), [this](StreamPtr accepted) {
          stream = std::move(accepted);
          stream->SetEvents(&seen);
        });
    ASSERT_TRUE(listening.has_value());
    listener = *std::move(listening);
    world.Connect(listener->port());
    PollUntil([this] { return stream != nullptr; });
  }

  void PollMore() {
    for (int i = 0; i < 20; ++i) world.Poll();
  }

  /// Loopback is quick, but not within one poll.
  template <typename Condition>
  void PollUntil(Condition done) {
    for (int i = 0; i < 100'000; ++i) {
      if (done()) return;
      world.Poll();
    }
    FAIL() << "it never came";
  }

  World world;
  Recorder seen;
  ListenerPtr listener;
  StreamPtr stream;
};

struct WorldName {
  template <typename T>
  static std::string GetName(int index) {
    return index == 0 ? "Simulated" : "Libuv";
  }
};
using Worlds = testing::Types<SimWorld, UvWorld>;
TYPED_TEST_SUITE(NetworkContract, Worlds, WorldName);

TYPED_TEST(NetworkContract, KnowsWhoIsThere) {
  const Stream::Info info = this->stream->info();
  EXPECT_EQ(info.peer.substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(info.local, "127.0.0.1:" + std::to_string(this->listener->port()));
  EXPECT_TRUE(info.loopback);
  EXPECT_FALSE(info.unix_socket);
}

TYPED_TEST(NetworkContract, NothingIsReadBeforeItIsStartedOrWithoutSpace) {
  this->world.Send("hello");
  this->PollMore();
  EXPECT_EQ(this->seen.received, "");
  this->seen.full = true;
  this->stream->StartReading();
  this->PollMore();
  EXPECT_EQ(this->seen.received, "");
  this->seen.full = false;
  this->PollUntil([this] { return this->seen.received == "hello"; });
  this->stream->StopReading();
  this->world.Send("more");
  this->PollMore();
  EXPECT_EQ(this->seen.received, "hello");
}

TYPED_TEST(NetworkContract, LongBytesComeInPiecesAndInOrder) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += std::to_string(i) + ",";
  this->stream->StartReading();
  this->world.Send(bytes);
  this->PollUntil([&] { return this->seen.received.size() == bytes.size(); });
  EXPECT_EQ(this->seen.received, bytes);
}

// The end comes once, after all that was sent, and leaves our side open.
TYPED_TEST(NetworkContract, TheEndComesOnceAndAfterTheBytes) {
  this->stream->StartReading();
  this->world.Send("bye");
  this->world.End();
  this->PollUntil([this] { return this->seen.ended == 1; });
  EXPECT_EQ(this->seen.received, "bye");
  EXPECT_EQ(this->stream->TryWrite("still"), 5U);
  std::string got;
  this->PollUntil([&] { return (got += this->world.Take()) == "still"; });
  this->PollMore();
  EXPECT_EQ(this->seen.ended, 1);
  EXPECT_EQ(this->seen.broken, 0);
}

// What the kernel does not take at once leaves by Write, in order, and Written says when.
TYPED_TEST(NetworkContract, WhatDoesNotFitIsWrittenLater) {
  std::string bytes(20'000'000, 'x');
  bytes.back() = '!';
  const size_t taken = this->stream->TryWrite(bytes);
  EXPECT_GT(taken, 0U);
  ASSERT_LT(taken, bytes.size());
  this->stream->Write(bytes, taken);
  EXPECT_GT(this->stream->Unwritten(), 0U);
  EXPECT_EQ(this->stream->TryWrite("y"), 0U) << "nothing may overtake it";
  size_t got = 0;
  char last = 0;
  this->PollUntil([&] {
    const std::string part = this->world.Take();
    got += part.size();
    if (!part.empty()) last = part.back();
    return got == bytes.size();
  });
  EXPECT_EQ(last, '!');
  this->PollUntil([this] { return this->seen.written == 1; });
  EXPECT_EQ(this->stream->Unwritten(), 0U);
}

TYPED_TEST(NetworkContract, AfterCloseThereAreNoEvents) {
  this->stream->StartReading();
  this->world.Send("late");
  this->stream.reset();
  this->PollMore();
  EXPECT_EQ(this->seen.received, "");
  EXPECT_EQ(this->seen.ended + this->seen.broken, 0);
}

TEST(UvNetworkTest, SaysWhyItCannotListen) {
  UvLoop loop;
  UvNetwork network(loop);
  // Reserved for documentation: no machine has this address.
  const Result<ListenerPtr> absent = network.Listen(Address("192.0.2.1", 0), [](StreamPtr) {});
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, Code::kUnavailable);
  const Result<ListenerPtr> first = network.Listen(Address("127.0.0.1", 0), [](StreamPtr) {});
  ASSERT_TRUE(first.has_value());
  const Result<ListenerPtr> second =
      network.Listen(Address("127.0.0.1", (*first)->port()), [](StreamPtr) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kInvalid);
  EXPECT_EQ(second.error().message, "Address already in use");
}

// A unix socket gets the asked permissions, and goes when it is closed.
TEST(UvNetworkTest, AUnixSocketComesAndGoes) {
  const std::string path = testing::TempDir() + "uv_network_test.sock";
  UvLoop loop;
  UvNetwork network(loop);
  ListenAddress address;
  address.path = path;
  address.path_mode = 0700;
  for (int round = 0; round < 2; ++round) {
    StreamPtr stream;
    Result<ListenerPtr> listener =
        network.Listen(address, [&stream](StreamPtr accepted) { stream = std::move(accepted); });
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    struct stat status {};
    ASSERT_EQ(lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    for (int i = 0; i < 100 && stream == nullptr; ++i) loop.RunOnce();
    ASSERT_NE(stream, nullptr);
    EXPECT_TRUE(stream->info().unix_socket);
    EXPECT_EQ(stream->info().peer, path + ":0");
    stream.reset();
    close(fd);
    listener->reset();
    loop.RunOnce();
    EXPECT_NE(lstat(path.c_str(), &status), 0) << "removed with the listener";
  }
}

}  // namespace
}  // namespace cloakroom
