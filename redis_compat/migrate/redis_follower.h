#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "redis_compat/migrate/command_stream.h"
#include "redis_compat/migrate/migration_target.h"
#include "redis_compat/migrate/sync_payload.h"
#include "store/base/result.h"
#include "store/base/time.h"

namespace cloakroom {

/// The replica's half of Redis's own replication: follows a Redis 6 to 8 or a Valkey by PSYNC, into
/// a MigrationTarget. Bytes in, bytes out: it has no socket, and is told the time (milliseconds
/// that never go back).
///
///   Connected -> handshake -> PSYNC -> +FULLRESYNC -> waits -> dump -> stream
///                                   -> +CONTINUE  ------------------> stream
///
/// A connection that ends may be followed by another one at any time: it goes on where the last one
/// ended, if the primary still has what came since.
class RedisFollower {
 public:
  struct Options {
    std::string user;      // masteruser; empty: the default one
    std::string password;  // masterauth; empty: none
    uint16_t listening_port = 0;
    std::string announce_ip;  // empty: the primary sees it by itself
    TimeMs timeout_ms = 60'000;
    bool refuse_others = true;  // what there is no type for; else it is passed over
  };
  enum class State : uint8_t {
    kDown,       // no connection
    kHandshake,  // up to the answer to PSYNC
    kWaiting,    // for the dump
    kDump,
    kStream,
    kStopped,  // for good: why is in stop_reason()
  };

  RedisFollower(Options options, MigrationTarget& target);
  ~RedisFollower();
  RedisFollower(const RedisFollower&) = delete;
  RedisFollower& operator=(const RedisFollower&) = delete;

  /// For the next connection.
  void SetAuth(std::string user, std::string password);

  /// A connection was made.
  void Connected(TimeMs now);
  /// It is gone, or is to be closed; to be called after each error as well.
  void Disconnected();
  /// Something has come.
  void Heard(TimeMs now) { heard_ms_ = now; }

  /// Takes a slice, below a millisecond, from the front of `input`. Returns how many bytes to drop
  /// from there. Good to be called again at once unless it is `starved`: then more is needed.
  ///   errors  the connection must be closed: then try again in a while, unless it is kStopped
  [[nodiscard]] Result<size_t> Feed(std::string_view input, TimeMs now, bool& starved);
  /// All that came is executed: tells the primary, if that is news.
  void CaughtUp(TimeMs now);
  /// To be called about once a second while there is a connection.
  ///   errors  as of Feed
  [[nodiscard]] Result<void> Tick(TimeMs now);

  /// What is to be sent; whoever sends it empties it.
  [[nodiscard]] std::string& output() { return output_; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& stop_reason() const { return stop_reason_; }
  /// The primary's history, and how far it is executed; empty and 0 before the first full sync.
  [[nodiscard]] const std::string& replication_id() const { return id_; }
  [[nodiscard]] uint64_t offset() const { return id_.empty() ? 0 : stream_.applied(); }
  /// How many bytes of input the next step needs at least; 0: unknown.
  [[nodiscard]] size_t BytesNeeded() const {
    return state_ == State::kStream ? stream_.BytesNeeded() : 0;
  }
  [[nodiscard]] TimeMs heard_ms() const { return heard_ms_; }
  /// The dump that is being read, or nullptr.
  [[nodiscard]] const SyncPayload* payload() const { return payload_.get(); }

  struct Counters {
    uint64_t full_syncs = 0;
    uint64_t partial_syncs = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  enum class Answer : uint8_t { kPong, kAuth, kPort, kAddress, kCapabilities, kPsync };

  [[nodiscard]] Result<size_t> FeedLine(std::string_view input, bool& starved);
  [[nodiscard]] Result<void> TakeAnswer(std::string_view line);
  [[nodiscard]] Result<void> Handshake();
  [[nodiscard]] Result<void> TakeSyncAnswer(std::string_view line);
  [[nodiscard]] Result<void> TakeFullSync(std::string_view words);
  [[nodiscard]] Result<void> TakePartialSync(std::string_view id);
  [[nodiscard]] Result<void> TakeFrame(std::string_view line);
  [[nodiscard]] Result<size_t> FeedDump(std::string_view input, TimeMs now);
  [[nodiscard]] tl::unexpected<Error> Failed(Error error);
  void Send(std::initializer_list<std::string_view> words);
  void SendAck();

  Options options_;
  MigrationTarget& target_;
  State state_ = State::kDown;
  std::string output_;
  std::string stop_reason_;
  std::deque<Answer> expected_;  // answers that are to come, in order
  bool asked_partial_ = false;
  std::string id_;      // of what stream_ has; empty: nothing
  std::string new_id_;  // of the full sync at hand
  uint64_t new_offset_ = 0;
  std::unique_ptr<SyncPayload> payload_;
  CommandStream stream_;
  Counters counters_;
  TimeMs heard_ms_ = 0;
  TimeMs said_ms_ = 0;  // the offset
  uint64_t said_ = 0;
};

}  // namespace cloakroom
