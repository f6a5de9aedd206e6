#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "redis_compat/migrate/redis_follower.h"
#include "redis_compat/migrate/shard_target.h"
#include "redis_compat/modules/all_modules.h"
#include "tests/support/harness.h"
#include "tests/support/keyspace_dump.h"
#include "tests/support/rdb_bytes.h"

namespace cloakroom {

/// A command as a primary sends it.
inline std::string Words(std::initializer_list<std::string_view> words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words)
    bytes.append("$" + std::to_string(word.size()) + "\r\n").append(word).append("\r\n");
  return bytes;
}
inline std::string Ack(uint64_t offset) {
  return Words({"REPLCONF", "ACK", std::to_string(offset)});
}

inline const std::string kHistory(40, 'a');
inline const std::string kMark(40, 'm');

/// A dump of `items`, as it follows FULLRESYNC: after its size, or before a mark.
inline std::string SizedDump(const RdbBytes& items) {
  RdbBytes file;
  file.Raw("REDIS0009").Raw(items.bytes).End();
  return "$" + std::to_string(file.bytes.size()) + "\r\n" + file.bytes;
}
inline std::string MarkedDump(const RdbBytes& items) {
  RdbBytes file;
  file.Raw("REDIS0009").Raw(items.bytes).End();
  return "$EOF:" + kMark + "\r\n" + file.bytes + kMark;
}
inline RdbBytes OneKey(std::string_view key, std::string_view value) {
  return RdbBytes{}.Byte(254).Length(0).Byte(0).String(key).String(value);
}

/// A follower of a primary that the test plays, into a shard with all commands.
class FollowTest : public testing::Test {
 protected:
  FollowTest() { Begin(); }

  /// Anew, with other options.
  void Begin(bool refuse = true, RedisFollower::Options options = {}) {
    follower.reset();
    target.reset();
    h = std::make_unique<Harness>(std::initializer_list<Harness::RegisterFunction>{
        RegisterStrings, RegisterHashes, RegisterSets, RegisterKeys, RegisterExpiry, RegisterDump,
        RegisterDatabases, RegisterTransactions, RegisterConnection, RegisterSession});
    target = std::make_unique<ShardTarget>(h->shard, h->dispatcher,
                                           ShardTarget::Options{.refuse_others = refuse});
    target->OnPublish([this](std::string_view channel, std::string_view message) {
      published += std::string(channel) + "=" + std::string(message) + ";";
    });
    options.listening_port = 7000;
    options.refuse_others = refuse;
    follower = std::make_unique<RedisFollower>(std::move(options), *target);
    unread.clear();
    error.clear();
  }

  [[nodiscard]] TimeMs Now() { return h->clock.MonotonicUs() / 1000; }

  void Connect() {
    unread.clear();
    follower->Connected(Now());
  }
  /// The primary sends `bytes`, which come in pieces of `piece`. The error is kept, if there is
  /// one: then the connection is closed.
  void Say(std::string_view bytes, size_t piece = SIZE_MAX) {
    for (size_t at = 0; at < bytes.size() && error.empty();) {
      const std::string_view part = bytes.substr(at, piece);
      at += part.size();
      unread.append(part);
      h->shard.BeginTurn();
      follower->Heard(Now());
      for (bool starved = false; !starved;) {
        const Result<size_t> used = follower->Feed(unread, Now(), starved);
        if (!used) {
          error = used.error().message;
          follower->Disconnected();
          break;
        }
        unread.erase(0, *used);
      }
    }
  }
  void Disconnect() {
    follower->Disconnected();
    error.clear();
  }
  std::string Sent() { return std::exchange(follower->output(), {}); }

  /// Up to the answer to PSYNC.
  void ShakeHands() {
    Connect();
    Say("+PONG\r\n");
    Say("+OK\r\n+OK\r\n");
  }
  /// Follows the stream from byte `offset` on.
  void Sync(const RdbBytes& items = {}, uint64_t offset = 100) {
    ShakeHands();
    Say("+FULLRESYNC " + kHistory + " " + std::to_string(offset) + "\r\n" + SizedDump(items));
    ASSERT_EQ(error, "");
    ASSERT_EQ(follower->state(), RedisFollower::State::kStream);
    static_cast<void>(Sent());
  }

  /// What is kept of `key`, whether its deadline has passed or not.
  [[nodiscard]] std::string Value(std::string_view key, uint32_t db = 0) const {
    const Keyspace& keys = h->shard.keys();
    const Entry* const entry = keys.FindStored(db, keys.Ref(key));
    return entry == nullptr ? "none" : DumpEntry(*entry);
  }

  std::unique_ptr<Harness> h;
  std::unique_ptr<ShardTarget> target;
  std::unique_ptr<RedisFollower> follower;
  std::string unread;
  std::string error;
  std::string published;
};

}  // namespace cloakroom
