#pragma once

#include <uv.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/reply_scanner.h"
#include "bench/load/stage.h"

namespace cloakroom::bench {

/// Where the server listens.
struct Endpoint {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string unix_path;  // not empty: connect there instead
  std::string auth;       // password, or "user password"; empty: none
};

/// The read buffer that all clients take turns to use: one thread reads one of them at a time.
using ReadBuffer = std::vector<char>;

/// What the owner of the clients does for them.
class ClientOwner {
 public:
  virtual ~ClientOwner() = default;
  /// Whether one more flow may begin, and from when its latency counts (`now_ns`, or when it was
  /// due). Takes it off the plan.
  virtual bool TakeFlow(uint64_t now_ns, uint64_t& counted_from_ns) = 0;
  /// Whether the plan has no more flows to give, now or later.
  virtual bool NoMoreFlows(uint64_t now_ns) = 0;
  /// The one answer to Connect() and to each Begin(): it is done, or it failed.
  virtual void OnAnswered() = 0;
};

/// One connection with its lanes. It writes all that is due in one write and takes all replies of
/// one read together. The owner gives out the flows.
class Client {
 public:
  /// `lanes` >= 1: how many steps may be on their way at once.
  Client(uv_loop_t& loop, ClientOwner& owner, ReadBuffer& buffer, uint32_t lanes);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects and authenticates; then answers. `result` collects the errors.
  void Connect(const Endpoint& endpoint, const sockaddr* address, StageResult& result);

  /// Sends what `plan` says, and counts in `result`, until the owner has no more flows; then
  /// answers. Precondition: connected, not closed, and no stage is under way. Both must outlive it.
  void Begin(const StagePlan& plan, StageResult& result);

  /// Sends what may be sent now: called when an arrival of an open loop is due.
  void Kick();

  /// Closes the connection, now.
  void Close();

  [[nodiscard]] bool closed() const { return closed_; }

  /// Whether a flow could begin here at once.
  [[nodiscard]] bool HasRoom() const { return active_ && !closed_ && !idle_.empty(); }

 private:
  /// A step on its way: what it waits for, and since when.
  struct Flight {
    uint64_t counted_from_ns;
    uint32_t lane;
    uint32_t replies;
  };

  /// A lane, and how far the step is that it sent last.
  struct LaneState {
    Lane flow;
    uint32_t replies = 0;  // that the step will get
    uint32_t judged = 0;   // of them
    bool last = false;     // the flow ends with the step
    std::string unsent;    // its commands that wait for the reply to the one before
  };

  static void OnConnected(uv_connect_t* request, int status);
  static void OnAllocate(uv_handle_t* handle, size_t, uv_buf_t* buffer);
  static void OnRead(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);
  static void OnWritten(uv_write_t* request, int status);

  /// Takes the whole replies off `bytes`; `taken` is how many bytes they were. False: it failed.
  bool TakeReplies(std::string_view bytes, size_t& taken);
  void TakeReply(std::string_view reply, uint64_t now_ns);
  /// Appends the next step of `lane`, or where each command is awaited, the next command.
  void SendStep(uint32_t lane, uint64_t counted_from_ns);
  void StartFlows(uint64_t now_ns);
  /// Counts `times` equal latencies; they are recorded when another one comes.
  void CountLatency(uint64_t ns);
  void FlushLatency();
  void Flush();
  void Answer();
  void Fail(std::string_view what, int status);

  uv_loop_t& loop_;
  ClientOwner& owner_;
  ReadBuffer& buffer_;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } handle_;
  uv_connect_t connect_{};
  uv_write_t write_{};
  bool opened_ = false;
  bool closed_ = false;
  bool writing_ = false;
  bool authenticating_ = false;
  bool active_ = false;   // a stage is under way
  bool awaited_ = false;  // the owner waits for an answer
  std::string auth_;
  std::string out_;      // to be written
  std::string written_;  // being written by libuv
  std::string rest_;     // the beginning of a reply whose end has not come
  ReplyScanner scanner_;
  std::vector<LaneState> lanes_;
  std::vector<uint32_t> idle_;     // lanes without a flow
  std::vector<uint32_t> waiting_;  // lanes whose next step waits for the batch to end
  std::deque<Flight> flights_;
  uint64_t equal_ns_ = 0;
  uint64_t equal_times_ = 0;
  const StagePlan* plan_ = nullptr;
  StageResult* result_ = nullptr;
};

}  // namespace cloakroom::bench
