#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "store/base/result.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/network.h"
#include "store/env/random.h"
#include "store/env/scheduler.h"
#include "store/node/persistence.h"
#include "store/node/replica_link.h"
#include "store/node/replication_feeds.h"
#include "store/node/replication_state.h"
#include "store/node/shard.h"
#include "store/replication/replica_session.h"

namespace cloakroom {

/// Which role a shard has on this node, and the connections that go with it: on a primary one to
/// each replica, on a replica one to its primary.
class Replication final : public ReplicaTarget {
 public:
  struct Options {
    ReplicaSession::Options auth;  // masteruser, masterauth
    uint16_t port = 0;             // where this node serves
    TimeMs timeout_ms = 60'000;    // repl-timeout: silence that ends a connection
    TimeMs heartbeat_ms = 100;     // between two, of a primary that has nothing to send
    /// Of records in memory, from the first replica on: before that nobody wants them.
    uint64_t backlog_bytes_max = 1 << 20;
    size_t image_bytes_max = size_t{256} << 20;  // what a slow replica's image may take
  };
  struct Events {
    std::function<void()> wake;          // there is work for Step
    std::function<void()> acknowledged;  // replicas have come further
    std::function<void(const Publish& publish)> published;
  };
  struct Env {
    Clock& clock;
    Random& random;
    Scheduler& scheduler;
    Network& network;
    Disk* disk = nullptr;
  };

  /// `persistence`: what keeps the shard on disk; nullptr: nothing does.
  Replication(const Env& env, Shard& shard, Persistence* persistence, Options options);
  ~Replication() override;
  Replication(const Replication&) = delete;
  Replication& operator=(const Replication&) = delete;

  void SetEvents(Events events) { events_ = std::move(events); }
  void SetOptions(const Options& options);
  [[nodiscard]] const Options& options() const { return options_; }

  /// The state is loaded. Follows `primary`, if there is one; else the shard is a primary, and goes
  /// on as a history of its own: it may have lost records that replicas have.
  ///   errors  those of the disk
  [[nodiscard]] Result<void> Start(const std::optional<PeerAddress>& primary);

  /// REPLICAOF host port. What this node has that the primary has not is kept in a file, when it
  /// comes to that.
  void Follow(const PeerAddress& primary);
  /// REPLICAOF NO ONE: from now on this is a primary, in an epoch and a history of its own.
  ///   errors  those of the disk; then nothing has changed
  [[nodiscard]] Result<void> Promote();
  [[nodiscard]] bool is_replica() const { return link_ != nullptr; }
  [[nodiscard]] const ReplicaLink* link() const { return link_.get(); }
  /// The primary turned out to be a Redis: somebody else follows it, and makes records of our own
  /// of what it sends. To be called once, when link()->found_redis().
  ///   errors  those of the disk
  [[nodiscard]] Result<void> MakeOwnRecords();

  /// A client said REPLICATE: its connection is a replica's from now on. `received` came behind.
  void Adopt(StreamPtr stream, std::string_view received);
  [[nodiscard]] const ReplicationFeeds& feeds() const { return feeds_; }
  [[nodiscard]] ReplicationFeeds& feeds() { return feeds_; }

  /// A slice, to be called each turn after its records: applies what came, sends what there is.
  /// True: there is more to do at once.
  bool Step();
  /// To be called some ten times a second.
  void Housekeep();
  /// Ends all connections. Nothing comes from it any more.
  void Stop();

  [[nodiscard]] const Lineage& lineage() const { return lineage_; }
  [[nodiscard]] bool syncing() const { return syncing_; }
  /// This process's id: 40 hex digits.
  [[nodiscard]] const std::string& node() const { return node_; }

  // ReplicaTarget
  [[nodiscard]] Hello Greeting() const override;
  [[nodiscard]] RecordHeader newest() const override { return shard_.newest(); }
  [[nodiscard]] Result<void> Continue(const Welcome& welcome) override;
  [[nodiscard]] Result<Keyspace*> BeginFullSync(const Welcome& welcome) override;
  [[nodiscard]] Result<void> EndFullSync(const Welcome& welcome, const ImageHeader& header,
                                         uint64_t entries) override;
  void Apply(const RecordHeader& header, std::string_view ops) override;
  void Published(const Publish& publish) override;

 private:
  void KeepBacklog();
  [[nodiscard]] HistoryId Draw() const;
  [[nodiscard]] Result<void> SetLineage(Lineage lineage);
  [[nodiscard]] Result<void> BeginHistory();
  [[nodiscard]] Result<void> GiveUpSync();
  void TellOfLoss(const Welcome& welcome);
  [[nodiscard]] std::string DivergedDirectory(uint64_t first, uint64_t last) const;
  [[nodiscard]] Result<std::string> KeepRecords(uint64_t first, uint64_t last);

  Env env_;
  Shard& shard_;
  Persistence* persistence_;
  Options options_;
  Events events_;
  std::string node_;
  Lineage lineage_;
  bool keeps_backlog_ = false;
  bool syncing_ = false;  // an image is being loaded: what is there is no state of anybody's
  ReplicationFeeds feeds_;
  std::unique_ptr<ReplicaLink> link_;
};

}  // namespace cloakroom
