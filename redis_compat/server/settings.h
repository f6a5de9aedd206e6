#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/base/log.h"
#include "store/env/network.h"
#include "store/node/evictor.h"
#include "store/node/persistence.h"

namespace cloakroom {

/// One class of client-output-buffer-limit; 0 means no limit.
struct OutputLimit {
  uint64_t hard_bytes = 0;
  uint64_t soft_bytes = 0;
  int64_t soft_seconds = 0;
  friend bool operator==(const OutputLimit&, const OutputLimit&) = default;
};

/// What the options mean to the server, in types. Each field is filled by the row of its option in
/// config_options.cc, which also holds the default: a Settings on its own is not yet valid, that of
/// a Config is.
struct Settings {
  /// Addresses to listen on: "127.0.0.1", "::1", "*" (every IPv4), "::*" (every IPv6); with a
  /// leading "-" it is no failure when the address is not available. Empty: no TCP.
  std::vector<std::string> bind;
  uint16_t port = 0;  // 0: no TCP
  int tcp_backlog = 0;
  std::string unix_socket;        // empty: none
  uint32_t unix_socket_mode = 0;  // 0: as the umask makes it
  int tcp_keepalive_s = 0;        // 0: off
  int timeout_s = 0;              // idle clients are closed after it; 0: never
  uint32_t clients_max = 0;
  uint32_t databases = 0;
  std::string password;  // empty: none required
  bool protected_mode = false;

  LogLevel log_level = LogLevel::kNotice;
  std::string log_file;  // empty: standard output
  std::string dir;       // to change into at the start
  bool daemonize = false;
  std::string pid_file;
  int shutdown_timeout_s = 0;

  Persistence::Options persistence;
  std::string dump_file;  // dbfilename: imported into an empty directory
  bool import_skips_other_types = false;
  std::string backup_dir;  // where BACKUP may write

  uint64_t bulk_bytes_max = 0;          // proto-max-bulk-len
  uint64_t query_buffer_bytes_max = 0;  // client-query-buffer-limit
  OutputLimit output_limit_normal;
  OutputLimit output_limit_replica;
  OutputLimit output_limit_pubsub;

  uint64_t memory_bytes_max = 0;  // maxmemory; 0: no limit
  Evictor::Options eviction;      // maxmemory-policy, -samples, -eviction-tenacity
  uint32_t lfu_log_factor = 0;
  uint32_t lfu_decay_minutes = 0;  // lfu-decay-time
  int64_t clients_memory_max = 0;  // maxmemory-clients: bytes, or minus a percentage; 0: no limit

  uint32_t event_classes = 0;  // notify-keyspace-events: bits of EventClass

  int64_t slow_log_threshold_us = 0;  // negative: off
  uint64_t slow_log_entries_max = 0;

  uint32_t hash_packed_entries_max = 0;
  uint32_t hash_packed_value_bytes_max = 0;
  uint32_t set_intset_entries_max = 0;
  int hz = 0;
  uint32_t poll_pause_us = 0;
  uint64_t backlog_bytes_max = 0;  // repl-backlog-size
  std::optional<PeerAddress> replica_of;
  std::string primary_user;      // masteruser
  std::string primary_password;  // masterauth
  int replication_timeout_s = 0;
  int replicas_min = 0;  // min-replicas-to-write; 0: writes need none
  int replicas_lag_max_s = 0;
  int replica_lag_max_ms = 0;  // replica-max-lag: beyond it a replica refuses reads; 0: never
  uint16_t announce_port = 0;  // where replicas say that they serve; 0: the port they listen on
};

}  // namespace cloakroom
