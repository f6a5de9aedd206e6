#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "store/base/function_ref.h"
#include "store/env/clock.h"
#include "store/env/disk.h"
#include "store/env/network.h"
#include "store/node/persistence.h"
#include "store/node/shard.h"
#include "store/replication/primary_feed.h"

namespace cloakroom {

/// The connections of a primary's replicas.
class ReplicationFeeds final : public FeedSource {
 public:
  struct Options {
    TimeMs timeout_ms = 60'000;
    TimeMs heartbeat_ms = 100;
    size_t image_bytes_max = size_t{256} << 20;
  };
  struct Events {
    std::function<void()> wake;          // there is work for Step
    std::function<void()> acknowledged;  // a replica has come further
  };
  struct Counters {
    uint64_t full = 0;
    uint64_t partial = 0;
    uint64_t partial_refused = 0;  // of those who had a state, and got an image
  };
  /// What is told of one replica.
  struct Replica {
    std::string address;  // of its connection: "127.0.0.1:50412"
    uint16_t port = 0;    // where it serves
    PrimaryFeed::State state{};
    Ack ack;
    int64_t silent_ms = 0;
  };

  ReplicationFeeds(Clock& clock, Disk* disk, Shard& shard, Persistence* persistence,
                   const Lineage& lineage, std::string node, Events events);
  ~ReplicationFeeds() override;
  ReplicationFeeds(const ReplicationFeeds&) = delete;
  ReplicationFeeds& operator=(const ReplicationFeeds&) = delete;

  void set_options(const Options& options) { options_ = options; }
  /// `stream` is a replica's from now on; `received` was read of it already.
  void Adopt(StreamPtr stream, std::string_view received);
  /// Sends what there is, for about `slice_us`. True: there is more, and it can be sent.
  bool Step(int64_t slice_us);
  void Housekeep();
  /// Ends all connections.
  void DropAll(std::string_view reason);
  /// Sends it to all that follow.
  void SendPublished(const Publish& publish);

  [[nodiscard]] size_t size() const { return feeds_.size(); }
  void ForEach(FunctionRef<void(const Replica& replica)> visit) const;
  /// Replicas that have applied record `sequence`; with `on_disk`, that have it on disk.
  [[nodiscard]] size_t CountAt(uint64_t sequence, bool on_disk) const;
  /// Replicas that were heard of within `lag_ms`, and follow.
  [[nodiscard]] size_t CountWithin(TimeMs lag_ms) const;
  [[nodiscard]] const Counters& counters() const { return counters_; }
  void ResetCounters() { counters_ = {}; }

  // FeedSource
  [[nodiscard]] const Lineage& lineage() const override { return lineage_; }
  [[nodiscard]] const OpLog& log() const override { return shard_.log(); }
  [[nodiscard]] TimeMs now() const override { return shard_.now(); }
  [[nodiscard]] std::unique_ptr<ImageScan> BeginImage() override;
  [[nodiscard]] std::unique_ptr<WalTail> OpenTail(uint64_t next) override;
  [[nodiscard]] uint64_t Written() const override;
  void Wake() override { events_.wake(); }

 private:
  class Feed;
  bool StepFeed(Feed& feed, int64_t until_us);
  void DropOlder(const Feed& feed);
  void NoteCapture();
  void GiveUpImages();

  Clock& clock_;
  Disk* disk_;
  Shard& shard_;
  Persistence* persistence_;
  const Lineage& lineage_;
  std::string node_;
  Events events_;
  Options options_;
  std::list<std::unique_ptr<Feed>> feeds_;
  Counters counters_;
};

}  // namespace cloakroom
