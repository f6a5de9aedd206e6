// What commands ask of the server about other nodes: a part of the ServerControl half of Server.

#include <algorithm>
#include <utility>

#include "redis_compat/server/server.h"
#include "store/base/log.h"

namespace cloakroom {
namespace {

/// "127.0.0.1" of "127.0.0.1:50412", "::1" of "[::1]:50412".
std::string HostOf(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

ReplicationStatus::Link LinkOf(const ReplicaLink& link) {
  using Link = ReplicationStatus::Link;
  if (link.session() == nullptr) return link.connecting() ? Link::kConnecting : Link::kConnect;
  switch (link.session()->state()) {
    case ReplicaSession::State::kImage:
      return Link::kSync;
    case ReplicaSession::State::kRecords:
      return Link::kConnected;
    default:
      return Link::kHandshake;
  }
}

}  // namespace

void Server::WireReplication() {
  replication_->SetEvents({.wake = [this] { env_.scheduler.RequestTurn(); },
                           .acknowledged = [this] { ResumeWaiting(); },
                           .published =
                               [this](const Publish& publish) {
                                 dispatcher_.pubsub().Deliver(publish.channel, publish.message,
                                                              publish.sharded);
                               }});
  turn_.OnReplica([this](StreamPtr stream, std::string_view received) {
    replication_->Adopt(std::move(stream), received);
  });
  dispatcher_.pubsub().set_observer(this);
}

void Server::OnPublished(std::string_view channel, std::string_view payload, bool sharded) {
  replication_->feeds().SendPublished({channel, payload, sharded});
}

/// Returns whether there is more to do at once.
bool Server::StepReplication() {
  bool more = replication_->Step();
  const ReplicaLink* const link = replication_->link();
  if (redis_link_ == nullptr && link != nullptr && link->found_redis()) FollowRedis();
  if (redis_link_ != nullptr && redis_link_->Turn()) more = true;
  shard_.EndTurn();
  CountReplicas();
  return more;
}

/// min-replicas-to-write: what is acknowledged is to be on its way to so many.
void Server::CountReplicas() {
  const Settings& now = settings();
  const bool counts =
      now.replicas_min > 0 && now.replicas_lag_max_s > 0 && !replication_->is_replica();
  const size_t good =
      counts ? replication_->feeds().CountWithin(TimeMs{now.replicas_lag_max_s} * 1000) : 0;
  shard_.set_lacks_replicas(counts && good < static_cast<size_t>(now.replicas_min));
}

/// replica-max-lag: whether reads may be answered.
void Server::NoteLag() {
  const ReplicaLink* const link = replication_ == nullptr ? nullptr : replication_->link();
  if (link == nullptr) return shard_.set_stale(false);
  const int64_t now_us = env_.clock.MonotonicUs();
  int64_t lag_us = now_us - link->level_us();
  if (redis_link_ != nullptr) {
    const FollowerLink::Status redis = redis_link_->status();
    lag_us = (redis.up ? redis.heard_s : redis.down_s) * 1'000'000;
  }
  shard_.set_stale(lag_us / 1000 > settings().replica_lag_max_ms);
}

/// The peer does not know our protocol: it is followed by Redis's own.
void Server::FollowRedis() {
  const PeerAddress primary = replication_->link()->primary();
  Log(LogLevel::kNotice, "{}:{} is a Redis: it is followed by its own protocol", primary.host,
      primary.port);
  if (const Result<void> begun = replication_->MakeOwnRecords(); !begun) return Fail(begun.error());
  const Settings& now = settings();
  redis_target_ = std::make_unique<ShardTarget>(
      shard_, dispatcher_, ShardTarget::Options{.refuse_others = !now.import_skips_other_types});
  redis_target_->OnPublish([this](std::string_view channel, std::string_view message) {
    dispatcher_.pubsub().Publish(channel, message, false);
  });
  FollowerLink::Options options{.primary = primary, .follower = {}};
  options.follower.user = now.primary_user;
  options.follower.password = now.primary_password;
  options.follower.listening_port = replication_->options().port;
  options.follower.refuse_others = !now.import_skips_other_types;
  options.follower.timeout_ms = TimeMs{now.replication_timeout_s} * 1000;
  redis_link_ =
      std::make_unique<FollowerLink>(env_.clock, env_.scheduler, env_.network, *redis_target_,
                                     std::move(options), FollowerLink::Events{});
  redis_link_->Start();
}

void Server::StopFollowingRedis() {
  if (redis_link_ != nullptr) redis_link_->Stop();
  redis_link_.reset();
  redis_target_.reset();
}

void Server::DescribeRedis(ReplicationStatus& status) const {
  using Link = ReplicationStatus::Link;
  const FollowerLink::Status redis = redis_link_->status();
  status.link = redis.up           ? Link::kConnected
                : redis.syncing    ? Link::kSync
                : redis.connecting ? Link::kConnecting
                : redis.stopped    ? Link::kConnect
                                   : Link::kHandshake;
  status.heard_s = redis.heard_s;
  status.down_s = redis.up ? -1 : redis.down_s;
  status.sync_bytes = redis.sync_read_bytes;
  status.primary_newest = redis.offset;
  status.redis_offset = redis.offset;
  status.error = redis.error;
}

Replication::Options Server::ReplicationOptions() const {
  const Settings& now = settings();
  Replication::Options options;
  options.auth = {now.primary_user, now.primary_password};
  options.port = now.announce_port != 0 ? now.announce_port : now.port;
  options.backlog_bytes_max = now.backlog_bytes_max;
  options.timeout_ms = TimeMs{now.replication_timeout_s} * 1000;
  options.image_bytes_max =
      now.output_limit_replica.hard_bytes == 0 ? SIZE_MAX : now.output_limit_replica.hard_bytes;
  return options;
}

ReplicationStatus Server::Replicated() const {
  ReplicationStatus status;
  const RecordHeader newest = shard_.newest();
  status.newest = newest.sequence;
  status.epoch = newest.epoch;
  status.backlog_first = shard_.log().first();
  status.backlog_bytes = shard_.log().bytes();
  if (replication_ == nullptr) return status;
  const std::vector<Lineage::Step>& steps = replication_->lineage().steps();
  status.history = HistoryText(steps.back().history);
  if (steps.size() > 1) {
    status.earlier_history = HistoryText(steps[steps.size() - 2].history);
    status.earlier_last = steps.back().first - 1;
  }
  const ReplicationFeeds& feeds = replication_->feeds();
  feeds.ForEach([&status](const ReplicationFeeds::Replica& replica) {
    status.replicas.push_back({HostOf(replica.address), replica.port,
                               replica.state == PrimaryFeed::State::kRecords,
                               replica.state == PrimaryFeed::State::kWaiting, replica.ack.applied,
                               replica.silent_ms / 1000});
  });
  if (settings().replicas_min > 0 && settings().replicas_lag_max_s > 0)
    status.good_replicas =
        static_cast<int64_t>(feeds.CountWithin(TimeMs{settings().replicas_lag_max_s} * 1000));
  status.full_syncs = feeds.counters().full;
  status.partial_syncs = feeds.counters().partial;
  status.partial_refused = feeds.counters().partial_refused;
  const ReplicaLink* const link = replication_->link();
  if (link == nullptr) return status;
  status.is_replica = true;
  status.primary_host = link->primary().host;
  status.primary_port = link->primary().port;
  if (redis_link_ != nullptr) {
    DescribeRedis(status);
    return status;
  }
  status.link = LinkOf(*link);
  const int64_t now_us = env_.clock.MonotonicUs();
  status.heard_s = (now_us - link->heard_us()) / 1'000'000;
  status.down_s = link->online() ? -1 : (now_us - link->down_since_us()) / 1'000'000;
  status.error = link->last_error();
  if (link->session() != nullptr) {
    status.sync_bytes = link->session()->image_bytes();
    status.primary_newest = link->session()->primary_newest();
  }
  return status;
}

Result<void> Server::ReplicaOf(std::string_view host, uint16_t port) {
  if (replication_ == nullptr)
    return cloakroom::Fail(Code::kUnavailable, "this server has no network for that");
  StopFollowingRedis();
  shard_.set_stale(false);
  if (host.empty())
    TRY_VOID(replication_->Promote());
  else
    replication_->Follow({std::string(host), port});
  config_.NoteReplicaOf(host, port);
  return {};
}

size_t Server::ReplicasAt(uint64_t sequence, bool on_disk) const {
  return replication_ == nullptr ? 0 : replication_->feeds().CountAt(sequence, on_disk);
}

void Server::WakeWaiting(TimeMs until_ms) {
  anybody_waits_ = true;
  if (until_ms != kNoDeadline) waiting_timer_->Start(std::max<TimeMs>(until_ms - shard_.now(), 0));
}

/// Each says anew until when he waits, if he does.
void Server::ResumeWaiting() {
  if (!std::exchange(anybody_waits_, false)) return;
  waiting_timer_->Stop();
  turn_.ResumePaused();
}

}  // namespace cloakroom
