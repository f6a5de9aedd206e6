#include "store/node/replication_feeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "store/base/log.h"
#include "store/base/planted.h"

namespace cloakroom {
namespace {

constexpr size_t kSendBytes = size_t{128} << 10;  // of one write to a replica

}  // namespace

/// One replica's connection.
class ReplicationFeeds::Feed final : public StreamEvents {
 public:
  Feed(ReplicationFeeds& owner, StreamPtr its_stream, std::string_view received)
      : stream(std::move(its_stream)),
        feed(owner, owner.node_),
        owner_(owner),
        heard_us(owner.clock_.MonotonicUs()),
        sent_us(heard_us) {
    stream->SetEvents(this);
    address = stream->info().peer;
    out = "+OK\r\n";
    Take(received);
    stream->StartReading();
  }

  // StreamEvents
  [[nodiscard]] std::span<char> ReadSpace() override { return space_; }
  void Received(size_t size_bytes) override { Take({space_.data(), size_bytes}); }
  void Ended() override { Lose("it closed the connection"); }
  void Broken() override { Lose("the connection broke"); }
  void Written() override { owner_.events_.wake(); }

  void Lose(std::string_view reason) {
    if (lost.empty()) lost = reason;
    owner_.events_.wake();
  }

  StreamPtr stream;
  PrimaryFeed feed;
  std::string address;
  std::string out;
  std::string lost;  // why it ended; empty: it has not
  bool greeted = false;

 private:
  void Take(std::string_view bytes) {
    heard_us = owner_.clock_.MonotonicUs();
    const Ack before = feed.ack();
    const Result<void> taken = feed.Receive(bytes);
    if (!taken) return Lose(taken.error().message);
    if (feed.ack().applied != before.applied || feed.ack().disk != before.disk)
      owner_.events_.acknowledged();
    owner_.events_.wake();
  }

  ReplicationFeeds& owner_;
  std::array<char, 4096> space_{};

 public:
  int64_t heard_us;
  int64_t sent_us;
};

ReplicationFeeds::ReplicationFeeds(Clock& clock, Disk* disk, Shard& shard, Persistence* persistence,
                                   const Lineage& lineage, std::string node, Events events)
    : clock_(clock),
      disk_(disk),
      shard_(shard),
      persistence_(persistence),
      lineage_(lineage),
      node_(std::move(node)),
      events_(std::move(events)) {}
ReplicationFeeds::~ReplicationFeeds() { shard_.SetFeedCapture(nullptr); }

void ReplicationFeeds::Adopt(StreamPtr stream, std::string_view received) {
  feeds_.push_back(std::make_unique<Feed>(*this, std::move(stream), received));
  Log(LogLevel::kNotice, "Replica {} asks to follow", feeds_.back()->address);
}

bool ReplicationFeeds::Step(int64_t slice_us) {
  if (feeds_.empty()) return false;
  const int64_t until_us = clock_.MonotonicUs() + slice_us;
  bool more = false;
  for (const auto& feed : feeds_)
    if (StepFeed(*feed, until_us)) more = true;
  std::erase_if(feeds_, [](const auto& feed) {
    if (feed->lost.empty()) return false;
    Log(LogLevel::kWarning, "Replica {} is gone: {}", feed->address, feed->lost);
    return true;
  });
  NoteCapture();
  return more;
}

bool ReplicationFeeds::StepFeed(Feed& feed, int64_t until_us) {
  while (feed.lost.empty() && feed.stream->Unwritten() == 0) {
    const Result<void> filled = feed.feed.Fill(feed.out, kSendBytes);
    if (!filled) {
      feed.Lose(filled.error().message);
      break;
    }
    if (!feed.greeted && feed.feed.state() != PrimaryFeed::State::kGreeting) {
      feed.greeted = true;
      DropOlder(feed);
      const bool full = feed.feed.full_sync();
      ++(full ? counters_.full : counters_.partial);
      const Hello& hello = feed.feed.hello();
      if (full && !hello.empty && hello.last > 0) ++counters_.partial_refused;
      Log(LogLevel::kNotice, "Replica {} (serving at port {}) {}", feed.address,
          feed.feed.hello().port,
          full ? "gets an image" : fmt::format("goes on behind record {}", feed.feed.hello().last));
    }
    if (feed.out.empty()) return false;
    feed.sent_us = clock_.MonotonicUs();
    const size_t sent = feed.stream->TryWrite(feed.out);
    if (sent < feed.out.size()) {
      feed.stream->Write(std::exchange(feed.out, {}), sent);
      return false;
    }
    feed.out.clear();
    if (!feed.feed.HasMore()) return false;
    if (feed.sent_us >= until_us) return true;
  }
  return false;
}

/// A replica that comes back may have left a connection behind of whose end we have not heard: it
/// must not count twice.
void ReplicationFeeds::DropOlder(const Feed& feed) {
  for (const auto& other : feeds_)
    if (!Planted(Plant::kCountedTwice) && other.get() != &feed && other->greeted &&
        other->feed.hello().node == feed.feed.hello().node)
      other->Lose("it has connected again");
}

/// While one of us has an image taken, nobody else can.
void ReplicationFeeds::NoteCapture() {
  const bool captures = std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) {
    return feed->feed.state() == PrimaryFeed::State::kImage;
  });
  if (!captures && shard_.feed_captures()) shard_.SetFeedCapture(nullptr);
}

void ReplicationFeeds::GiveUpImages() {
  for (const auto& feed : feeds_) {
    if (feed->feed.state() != PrimaryFeed::State::kImage) continue;
    feed->feed.GiveUpImage();
    feed->Lose("its image had to give way to another");
  }
}

std::unique_ptr<ImageScan> ReplicationFeeds::BeginImage() {
  if (shard_.loading() || shard_.feed_captures()) return nullptr;
  if (persistence_ != nullptr && persistence_->captures()) return nullptr;
  const RecordHeader newest = shard_.newest();
  // The replica's files will have a history of their own. Its time is the log's, not this node's:
  // we may be a replica ourselves, whose clock is ahead of its primary's.
  const ImageHeader header{HistoryId{}, newest.sequence, newest.epoch,
                           Planted(Plant::kImageOfOwnClock) ? shard_.now() : newest.time_ms};
  // The replica is near, and packing costs more than sending: not packed.
  auto scan =
      std::make_unique<ImageScan>(shard_.keys(), header, ImageScan::Options{.zstd_level = 0});
  shard_.SetFeedCapture([this] { GiveUpImages(); });
  return scan;
}

std::unique_ptr<WalTail> ReplicationFeeds::OpenTail(uint64_t next) {
  GroupCommit* const log = persistence_ == nullptr ? nullptr : persistence_->log();
  if (log == nullptr || disk_ == nullptr || !log->writer().Find(next)) return nullptr;
  return std::make_unique<WalTail>(*disk_, log->writer().history(), next,
                                   [this](uint64_t sequence) -> std::optional<WalTail::Place> {
                                     GroupCommit* const now = persistence_->log();
                                     if (now == nullptr) return std::nullopt;
                                     return now->writer().Find(sequence);
                                   });
}

uint64_t ReplicationFeeds::Written() const {
  const GroupCommit* const log = persistence_ == nullptr ? nullptr : persistence_->log();
  return log == nullptr ? 0 : log->Reached(AckLevel::kOs);
}

void ReplicationFeeds::Housekeep() {
  const int64_t now_us = clock_.MonotonicUs();
  for (const auto& feed : feeds_) {
    if ((now_us - feed->heard_us) / 1000 > options_.timeout_ms)
      feed->Lose("nothing was heard of it for repl-timeout");
    if (feed->feed.ImageBytes() > options_.image_bytes_max)
      feed->Lose("it takes its image too slowly (client-output-buffer-limit replica)");
    if (feed->feed.state() == PrimaryFeed::State::kGreeting) continue;
    if ((now_us - feed->sent_us) / 1000 < options_.heartbeat_ms) continue;
    if (feed->stream->Unwritten() > 0) continue;
    feed->feed.AppendHeartbeat(feed->out);
    events_.wake();
  }
}

void ReplicationFeeds::DropAll(std::string_view reason) {
  for (const auto& feed : feeds_)
    Log(LogLevel::kNotice, "The connection of replica {} ends: {}", feed->address, reason);
  feeds_.clear();
  shard_.SetFeedCapture(nullptr);
}

void ReplicationFeeds::SendPublished(const Publish& publish) {
  for (const auto& feed : feeds_) feed->feed.AppendPublished(feed->out, publish);
  if (!feeds_.empty()) events_.wake();
}

void ReplicationFeeds::ForEach(FunctionRef<void(const Replica& replica)> visit) const {
  const int64_t now_us = clock_.MonotonicUs();
  for (const auto& feed : feeds_) {
    if (feed->feed.state() == PrimaryFeed::State::kGreeting) continue;
    visit({feed->address, feed->feed.hello().port, feed->feed.state(), feed->feed.ack(),
           (now_us - feed->heard_us) / 1000});
  }
}

size_t ReplicationFeeds::CountAt(uint64_t sequence, bool on_disk) const {
  size_t count = 0;
  for (const auto& feed : feeds_) {
    if (feed->feed.state() != PrimaryFeed::State::kRecords || !feed->lost.empty()) continue;
    const Ack& ack = feed->feed.ack();
    if ((on_disk ? ack.disk : ack.applied) >= sequence) ++count;
  }
  return count;
}

size_t ReplicationFeeds::CountWithin(TimeMs lag_ms) const {
  const int64_t now_us = clock_.MonotonicUs();
  return static_cast<size_t>(std::count_if(feeds_.begin(), feeds_.end(), [&](const auto& feed) {
    return feed->feed.state() == PrimaryFeed::State::kRecords &&
           (now_us - feed->heard_us) / 1000 <= lag_ms;
  }));
}

}  // namespace cloakroom
