#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/op/op_log.h"
#include "store/replication/primary_feed.h"
#include "store/replication/replica_session.h"
#include "tests/support/keyspace_player.h"
#include "tests/unit/store/wal/wal_machine.h"

namespace cloakroom {

inline HistoryId NamedHistory(char name) {
  HistoryId id{};
  id.fill(name);
  return id;
}

/// A primary that plays random records; where it has a disk, they are in a log there as well.
class TestPrimary final : public FeedSource {
 public:
  TestPrimary(uint64_t seed, uint64_t backlog_bytes)
      : player(seed), log_(backlog_bytes), lineage_(Lineage::Of(NamedHistory('a'), 1)) {}

  void StartLog(WalMachine& machine) {
    GroupCommit::Options options;
    options.policy = SyncPolicy::kNever;
    options.log.segment_bytes = 20'000;
    options.log.reserve_bytes = 4'000;
    ASSERT_TRUE(machine.Start(options).has_value());
    disk = &machine;
    machine.Settle();
  }

  void Play(size_t records) {
    while (records-- > 0) {
      player.Step();
      const KeyspaceLog::Record& record = player.log.records.back();
      log_.Append(record.header, record.ops);
      if (disk != nullptr) disk->log->Append(record.header, record.ops);
    }
    if (disk == nullptr) return;
    disk->log->EndTurn();
    disk->Settle();
  }

  // FeedSource
  [[nodiscard]] const Lineage& lineage() const override { return lineage_; }
  [[nodiscard]] const OpLog& log() const override { return log_; }
  [[nodiscard]] TimeMs now() const override { return player.log.now; }
  [[nodiscard]] std::unique_ptr<ImageScan> BeginImage() override {
    if (image_taken) return nullptr;
    const ImageHeader header{NamedHistory('f'), log_.last(), 1, player.log.now};
    return std::make_unique<ImageScan>(player.log.keys, header, ImageScan::Options{});
  }
  [[nodiscard]] std::unique_ptr<WalTail> OpenTail(uint64_t next) override {
    if (disk == nullptr || !disk->log->writer().Find(next)) return nullptr;
    return std::make_unique<WalTail>(
        disk->disk, disk->log->writer().history(), next,
        [this](uint64_t sequence) { return disk->log->writer().Find(sequence); });
  }
  [[nodiscard]] uint64_t Written() const override {
    return disk == nullptr ? 0 : disk->log->Reached(AckLevel::kOs);
  }
  void Wake() override { ++wakes; }

  KeyspacePlayer player;
  WalMachine* disk = nullptr;
  bool image_taken = false;  // another image is under way
  int wakes = 0;

 private:
  OpLog log_;

 public:
  Lineage lineage_;
};

/// A replica's state, without a server around it.
class TestReplica final : public ReplicaTarget {
 public:
  TestReplica() : keys(std::make_unique<Keyspace>(KeyspacePlayer::kDatabases, 99)) {}

  [[nodiscard]] Hello Greeting() const override {
    return {.node = std::string(40, 'r'),
            .port = 7002,
            .lineage = lineage,
            .last = header.sequence,
            .empty = empty};
  }
  [[nodiscard]] RecordHeader newest() const override { return header; }
  [[nodiscard]] Result<void> Continue(const Welcome& welcome) override {
    ++continued;
    lineage = welcome.lineage;
    return {};
  }
  [[nodiscard]] Result<Keyspace*> BeginFullSync(const Welcome& /*welcome*/) override {
    ++full_syncs;
    empty = true;
    keys = std::make_unique<Keyspace>(KeyspacePlayer::kDatabases, 98);
    return keys.get();
  }
  [[nodiscard]] Result<void> EndFullSync(const Welcome& welcome, const ImageHeader& image,
                                         uint64_t entries) override {
    empty = false;
    header = {image.sequence, image.epoch, image.time_ms};
    lineage = welcome.lineage;
    loaded = entries;
    return {};
  }
  void Apply(const RecordHeader& next, std::string_view ops) override {
    keys->Apply(next, ops);
    header = next;
    ++applied;
  }
  void Published(const Publish& publish) override {
    heard += std::string(publish.channel) + ":" + std::string(publish.message) + "@" +
             std::to_string(header.sequence) + " ";
  }

  std::unique_ptr<Keyspace> keys;
  RecordHeader header;
  Lineage lineage = Lineage::Of(NamedHistory('z'), 1);
  bool empty = true;
  int continued = 0;
  int full_syncs = 0;
  uint64_t loaded = 0;
  uint64_t applied = 0;
  std::string heard;
};

/// The connection between the two, and what of it is on its way.
class TestLink {
 public:
  TestLink(TestPrimary& primary, TestReplica& replica)
      : primary_(primary), feed(primary, std::string(40, 'p')), session(replica, {}, to_primary) {
    // The server that answers the command is not here.
    EXPECT_EQ(to_primary, "*2\r\n$9\r\nREPLICATE\r\n$1\r\n1\r\n");
    to_primary.clear();
    to_replica = "+OK\r\n";
  }

  /// Carries at most `bytes` each way; false: nothing moved, and nothing will without more records.
  bool Carry(size_t bytes = SIZE_MAX, size_t fill_bytes = 4096) {
    if (primary_.disk != nullptr) primary_.disk->Settle();
    const size_t before = to_replica.size() + to_primary.size();
    const Result<void> filled =
        to_replica.empty() ? feed.Fill(to_replica, fill_bytes) : Result<void>();
    if (!filled) error = filled.error().message;
    const std::string down = Take(to_replica, bytes);
    session.Receive(down);
    const Result<bool> more = session.Step(SIZE_MAX, to_primary);
    if (!more) error = more.error().message;
    const Result<void> received = feed.Receive(Take(to_primary, bytes));
    if (!received) error = received.error().message;
    return error.empty() && (before > 0 || !down.empty() || !to_primary.empty() || feed.HasMore());
  }
  /// Until nothing moves.
  void Settle(size_t bytes = SIZE_MAX) {
    for (int idle = 0; idle < 20; idle = Carry(bytes) ? 0 : idle + 1)
      if (!error.empty()) return;
  }

  static std::string Take(std::string& from, size_t bytes) {
    std::string taken = from.substr(0, bytes);
    from.erase(0, taken.size());
    return taken;
  }

 private:
  TestPrimary& primary_;

 public:
  std::string to_primary;
  std::string to_replica;
  PrimaryFeed feed;
  ReplicaSession session;
  std::string error;
};

}  // namespace cloakroom
