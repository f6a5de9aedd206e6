#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cloakroom {

/// Where a node's replication stands: what ROLE and INFO replication tell. Offsets are sequence
/// numbers of records.
struct ReplicationStatus {
  struct Replica {
    std::string host;
    uint16_t port = 0;  // where it serves
    bool online = false;
    bool waits = false;  // for its image to begin
    uint64_t applied = 0;
    int64_t silent_s = 0;
  };

  bool is_replica = false;
  std::string history;          // hex
  std::string earlier_history;  // the one before; empty: none
  uint64_t earlier_last = 0;    // its last record here
  uint64_t newest = 0;
  uint64_t epoch = 0;
  uint64_t backlog_first = 0;  // the oldest record in memory
  uint64_t backlog_bytes = 0;
  std::vector<Replica> replicas;
  int64_t good_replicas = -1;  // as min-replicas-to-write counts them; -1: it does not
  uint64_t full_syncs = 0;
  uint64_t partial_syncs = 0;
  uint64_t partial_refused = 0;

  // Of a replica.
  std::string primary_host;
  uint16_t primary_port = 0;
  enum class Link : uint8_t { kConnect, kConnecting, kHandshake, kSync, kConnected };
  Link link = Link::kConnect;
  int64_t heard_s = -1;     // since the primary was heard of; -1: no link
  int64_t down_s = -1;      // since the link went down; -1: it is up
  uint64_t sync_bytes = 0;  // of the image under way
  uint64_t primary_newest = 0;
  uint64_t redis_offset = 0;  // of a Redis's stream; 0: the primary is none
  std::string error;          // why the last connection ended
};

}  // namespace cloakroom
