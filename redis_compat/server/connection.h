#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "redis_compat/command/client_state.h"
#include "redis_compat/resp/request_parser.h"
#include "redis_compat/server/input_buffer.h"
#include "redis_compat/server/output_buffer.h"
#include "redis_compat/server/read_arena.h"
#include "store/env/network.h"

namespace cloakroom {

class Connection;

/// What a connection tells of itself, always outside the turn.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;

  /// Where reads land.
  [[nodiscard]] virtual ReadArena& arena() = 0;
  /// There is input that was not there before, or its end.
  virtual void Readable(Connection& connection, size_t new_bytes) = 0;
  /// The output that was under way has left.
  virtual void Drained(Connection& connection) = 0;
  /// The peer is gone.
  virtual void Lost(Connection& connection) = 0;
};

/// One client: what came from it and is not executed yet, what goes to it and has not left yet, and
/// who it is. It does nothing by itself: reads fill it, the turn empties it.
class Connection final : public StreamEvents {
 public:
  Connection(uint64_t id, StreamPtr stream, ConnectionEvents& events, TimeMs now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ClientState client;
  OutputBuffer output;
  OutputWatch watch;

  [[nodiscard]] Stream& stream() { return *stream_; }

  // Input. Requests are parsed ahead of their execution: the turn parses a group, then executes it.

  /// Parses the next request behind those already parsed. `bytes` gets the input that is used up
  /// with it, empty requests before it included; without a request, those behind the last one.
  [[nodiscard]] RequestParser::Status ParseNext(const RequestLimits& limits, RequestWords& words,
                                                size_t& bytes);
  [[nodiscard]] const std::string& parse_error() const { return parser_.error(); }
  /// The oldest request parsed was executed: its `bytes` are done with.
  void Executed(size_t bytes) {
    input_.Consume(bytes);
    parsed_ahead_ -= bytes;
  }
  /// Forgets what was parsed and not executed; it is parsed again when its time comes.
  void ParseAgain();
  /// The end of a turn: leaves the arena.
  void Settle() { input_.Settle(); }
  [[nodiscard]] const InputBuffer& input() const { return input_; }

  // StreamEvents
  [[nodiscard]] std::span<char> ReadSpace() override;
  void Received(size_t size_bytes) override;
  void Ended() override;
  void Written() override { events_.Drained(*this); }
  void Broken() override { events_.Lost(*this); }

  /// Hands the stream over, with what came of it and was not executed. From here on the connection
  /// has none, and is to be buried.
  [[nodiscard]] StreamPtr Release(std::string& received);

  /// Whether the peer is listened to. At first it is not.
  void SetReading(bool reading);

  /// Replies that have not left, in the buffer and on their way.
  [[nodiscard]] size_t PendingBytes() const { return output.size() + stream_->Unwritten(); }

  // Where it stands in the turn, kept by the turn.
  enum class Place : uint8_t {
    kIdle,     // nothing to do
    kFresh,    // in line with new input
    kBacklog,  // in line with requests left over
    kSpent,    // the same, and has had its share of this turn
    kRunning,  // has requests in the group that is being executed
    kPaused,   // waits for the end of CLIENT PAUSE
    kWaiting,  // waits for the next turn: memory or the log has no room for its command yet
    kStalled,  // waits for its output to shrink
    kClosing,  // executes no more; goes when its output has left
    kDoomed,   // goes at the end of the turn
  };
  Place place = Place::kIdle;
  Connection* next_in_place = nullptr;
  Connection* previous_in_place = nullptr;
  bool peer_ended = false;
  bool touched = false;       // its input is to be settled when the turn ends
  bool flushing = false;      // its output is to be flushed when the turn ends
  uint32_t taken = 0;         // requests executed since it was read
  uint64_t turn = 0;          // the last in which it was served
  int64_t spent_us = 0;       // and what that took,
  int64_t share_us = 0;       // of at most this
  size_t counted_output = 0;  // what the turn counts as its unsent output
  struct Memory {
    static constexpr uint8_t kNoBucket = 0xFF;
    size_t bytes = 0;
    uint32_t index = 0;
    uint8_t bucket = kNoBucket;
  };
  Memory memory;  // what it is counted with, and where; kept by ClientMemory
  TimeMs closing_since_ms = 0;

 private:
  /// How much is read beyond an unfinished request before the turn looks at it again.
  static constexpr size_t kReadAhead = size_t{64} << 10;

  ConnectionEvents& events_;
  StreamPtr stream_;
  InputBuffer input_;
  RequestParser parser_;
  size_t parsed_ahead_ = 0;
  size_t unfinished_bytes_ = 0;  // input of the request that was not complete when last parsed
  bool reading_ = false;
};

}  // namespace cloakroom
