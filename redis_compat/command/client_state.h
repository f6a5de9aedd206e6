#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/base/time.h"

namespace cloakroom {

/// CLIENT REPLY's three modes; kSkipNext turns into kSkip for one command, then kOn.
enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkip };

/// What a client may subscribe to.
enum class Topic : uint8_t { kChannel, kPattern, kShard };

class Connection;

/// What a connection is to the commands: who it is, where it stands, what it queued. Owned by the
/// server's connection; handlers may change it. It knows nothing of sockets or buffers, except for
/// the sizes that CLIENT LIST prints, which the server refreshes.
struct ClientState {
  uint64_t id = 0;
  std::string address;        // "127.0.0.1:50412", or "/path/of.sock:0"
  std::string local_address;  // "127.0.0.1:6379"
  int fd = -1;                // for CLIENT LIST; -1 when there is none
  std::string name;
  std::string lib_name;
  std::string lib_version;
  int protocol = 2;
  uint32_t db = 0;
  bool authenticated = false;  // true from the start when no password is required
  bool unix_socket = false;
  bool no_evict = false;
  bool no_touch = false;
  bool monitor = false;
  ReplyMode reply_mode = ReplyMode::kOn;

  // MULTI
  bool in_multi = false;
  bool multi_broken = false;  // a command was refused while queueing: EXEC answers EXECABORT
  bool in_exec = false;
  bool queue_grows = false;  // something queued may need memory
  std::vector<std::vector<std::string>> queued;
  size_t queued_bytes = 0;          // of the words
  uint64_t queued_log_bytes = 0;    // about what they add to the log
  bool queue_copies = false;        // or more: something queued writes what stands in other keys
  size_t queued_memory_bytes = 0;   // about what it takes to keep them
  size_t queued_counted_bytes = 0;  // of that, what is counted as the client's memory by now

  // WATCH: kept by command/watch.h, which marks the client dirty when a watched key is touched.
  struct WatchedKey {
    uint32_t db;
    std::string key;
    bool existed;  // when WATCH was called
  };
  std::vector<WatchedKey> watched;
  size_t watched_memory_bytes = 0;  // about what it takes to keep them, on both sides
  bool watch_dirty = false;

  // SUBSCRIBE and its kin: kept by command/pubsub.h.
  std::array<uint32_t, 3> subscriptions{};  // how many, by Topic
  size_t subscription_memory_bytes = 0;     // about what it takes to keep them, on both sides
  [[nodiscard]] uint32_t subscriptions_of(Topic topic) const {
    return subscriptions[static_cast<size_t>(topic)];
  }
  [[nodiscard]] bool subscribed() const {
    return (subscriptions[0] | subscriptions[1] | subscriptions[2]) != 0;
  }
  /// Its class, as CLIENT LIST and the output limits have it.
  [[nodiscard]] std::string_view type() const { return subscribed() ? "pubsub" : "normal"; }
  Connection* connection = nullptr;  // the server's, where messages go; commands do not look at it

  // The next command needs so much memory, and waits until it has been freed; 0: it does not.
  size_t awaited_memory_bytes = 0;

  // The next command adds so much to the log, and waits until space is reserved; 0: it does not.
  uint64_t awaited_log_bytes = 0;

  // The image or backup that the next command, which began it, waits for; 0: none.
  uint64_t awaited_job = 0;

  // The record of its last write, which WAIT asks about; and until when WAIT waits.
  uint64_t written = 0;
  std::optional<TimeMs> wait_until_ms;

  // What the server must do after the command.
  bool becomes_replica = false;    // REPLICATE: its connection is a replica's from now on
  bool close_after_reply = false;  // QUIT, protocol errors, CLIENT KILL of oneself

  // CLIENT LIST / INFO
  TimeMs created_ms = 0;
  TimeMs last_active_ms = 0;
  std::string_view last_command = "NULL";  // a registry name: static
  uint64_t commands = 0;
  size_t memory_bytes = 0;        // all that it is counted with
  size_t input_memory_bytes = 0;  // its input's own memory, as it is counted
  size_t query_buffer_bytes = 0;
  size_t query_buffer_free_bytes = 0;
  size_t output_buffer_bytes = 0;
  size_t output_buffer_max_bytes = 0;
  uint64_t net_input_bytes = 0;
  uint64_t net_output_bytes = 0;
};

}  // namespace cloakroom
