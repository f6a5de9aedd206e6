// What commands ask of the server about other nodes: a part of the ServerControl half of Server.

#include <algorithm>
#include <utility>

#include "redis_compat/server/server.h"

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

Replication::Options Server::ReplicationOptions() const {
  const Settings& now = settings();
  Replication::Options options;
  options.auth = {now.primary_user, now.primary_password};
  options.port = now.announce_port != 0 ? now.announce_port : now.port;
  options.timeout_ms = TimeMs{now.replication_timeout_s} * 1000;
  options.image_bytes_max = now.output_limit_replica.hard_bytes == 0
                                ? SIZE_MAX
                                : now.output_limit_replica.hard_bytes;
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
  status.full_syncs = feeds.counters().full;
  status.partial_syncs = feeds.counters().partial;
  status.partial_refused = feeds.counters().partial_refused;
  const ReplicaLink* const link = replication_->link();
  if (link == nullptr) return status;
  status.is_replica = true;
  status.primary_host = link->primary().host;
  status.primary_port = link->primary().port;
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
  if (host.empty()) {
    TRY_VOID(replication_->Promote());
  } else {
    replication_->Follow({std::string(host), port});
  }
  config_.NoteReplicaOf(host, port);
  return {};
}

size_t Server::ReplicasAt(uint64_t sequence, bool on_disk) const {
  return replication_ == nullptr ? 0 : replication_->feeds().CountAt(sequence, on_disk);
}

void Server::WakeWaiting(TimeMs until_ms) {
  anybody_waits_ = true;
  if (until_ms != kNoDeadline)
    waiting_timer_->Start(std::max<TimeMs>(until_ms - shard_.now(), 0));
}

/// Each says anew until when he waits, if he does.
void Server::ResumeWaiting() {
  if (!std::exchange(anybody_waits_, false)) return;
  waiting_timer_->Stop();
  turn_.ResumePaused();
}

}  // namespace cloakroom
