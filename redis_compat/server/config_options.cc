// The table of options. A row whose last column names no settings field is only kept and shown:
// what it tunes is switched off by another option.

#include "redis_compat/server/config_options.h"

#include <algorithm>
#include <limits>

#include "redis_compat/command/args.h"

namespace cloakroom {
namespace {

using enum OptionKind;

constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr int64_t kUint32Max = std::numeric_limits<uint32_t>::max();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

/// Stores the number of a value in one field.
template <auto Field>
void Number(Settings& settings, const OptionValue& value) {
  settings.*Field = static_cast<std::remove_reference_t<decltype(settings.*Field)>>(value.number);
}
/// The same for a field narrower than the option's range: what is above counts as the most.
template <auto Field>
void Clamped(Settings& settings, const OptionValue& value) {
  settings.*Field = static_cast<uint32_t>(std::min(value.number, kUint32Max));
}
template <auto Field>
void Text(Settings& settings, const OptionValue& value) {
  settings.*Field = value.text;
}
void Bind(Settings& settings, const OptionValue& value) {
  settings.bind = value.words;
  std::erase(settings.bind, "");  // bind "" listens nowhere
}
void Primary(Settings& settings, const OptionValue& value) {
  settings.replica_of.reset();
  if (!value.words.empty())
    settings.replica_of = {value.words[0], static_cast<uint16_t>(value.number)};
}
void OutputLimits(Settings& settings, const OptionValue& value) {
  settings.output_limit_normal = value.limits[0];
  settings.output_limit_replica = value.limits[1];
  settings.output_limit_pubsub = value.limits[2];
}

void Eviction(Settings& settings, const OptionValue& value) {
  settings.eviction.policy = static_cast<EvictionPolicy>(value.number);
}
void EvictionSamples(Settings& settings, const OptionValue& value) {
  settings.eviction.samples = static_cast<uint32_t>(value.number);
}
void EvictionTenacity(Settings& settings, const OptionValue& value) {
  settings.eviction.tenacity = static_cast<uint32_t>(value.number);
}

void Log(Settings& settings, const OptionValue& value) {
  settings.persistence.log = value.number != 0;
}
void LogName(Settings& settings, const OptionValue& value) {
  settings.persistence.log_name = value.text;
}
void LogSync(Settings& settings, const OptionValue& value) {
  constexpr SyncPolicy kPolicies[] = {SyncPolicy::kEverySecond, SyncPolicy::kAlways,
                                      SyncPolicy::kNever};
  settings.persistence.sync = kPolicies[value.number];
}
void LogKeep(Settings& settings, const OptionValue& value) {
  settings.persistence.log_keep_bytes = static_cast<uint64_t>(value.numbers[0]);
  settings.persistence.log_keep_ms = value.numbers[1];
}
void LogBytesMin(Settings& settings, const OptionValue& value) {
  settings.persistence.log_bytes_min = static_cast<uint64_t>(value.number);
}
void LogGrowth(Settings& settings, const OptionValue& value) {
  settings.persistence.log_growth_percent = static_cast<uint32_t>(value.number);
}
void ImagesKept(Settings& settings, const OptionValue& value) {
  settings.persistence.images_kept = static_cast<uint32_t>(value.number);
}
void Compression(Settings& settings, const OptionValue& value) {
  settings.persistence.zstd_level = value.number != 0 ? kZstdLevel : 0;
}
void StopOnFailure(Settings& settings, const OptionValue& value) {
  settings.persistence.stop_writes_on_failure = value.number != 0;
}
void SaveRules(Settings& settings, const OptionValue& value) {
  settings.persistence.save_rules.clear();
  for (size_t i = 0; i + 1 < value.numbers.size(); i += 2)
    settings.persistence.save_rules.push_back(
        {value.numbers[i] * 1000, static_cast<uint64_t>(value.numbers[i + 1])});
}

constexpr std::string_view kOutputLimitsDefault =
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";

// clang-format off
constexpr Option kOptions[] = {
    {"acl-pubsub-default", "", kChoice, 0, "resetchannels", 0, 0, "allchannels resetchannels"},
    {"aclfile", "", kText, kImmutable | kOnlyDefault, ""},
    {"acllog-max-len", "", kInteger, 0, "128", 0, kInt64Max},
    {"active-defrag-cycle-max", "", kInteger, 0, "25", 1, 99},
    {"active-defrag-cycle-min", "", kInteger, 0, "1", 1, 99},
    {"active-defrag-ignore-bytes", "", kMemory, 0, "104857600", 1, kInt64Max},
    {"active-defrag-max-scan-fields", "", kInteger, 0, "1000", 1, kInt64Max},
    {"active-defrag-threshold-lower", "", kInteger, 0, "10", 0, 1000},
    {"active-defrag-threshold-upper", "", kInteger, 0, "100", 0, 1000},
    {"active-expire-effort", "", kInteger, 0, "1", 1, 10},
    {"activedefrag", "", kBool, kOnlyDefault, "no"},
    {"activerehashing", "", kBool, 0, "yes"},
    {"always-show-logo", "", kBool, kImmutable, "no"},
    {"aof-load-truncated", "", kBool, 0, "yes"},
    {"aof-rewrite-incremental-fsync", "", kBool, 0, "yes"},
    {"aof-timestamp-enabled", "", kBool, 0, "no"},
    {"aof-use-rdb-preamble", "", kBool, 0, "yes"},
    {"appenddirname", "", kText, kImmutable, "appendonlydir", 0, 0, "", LogName},
    {"appendfilename", "", kText, kImmutable, "appendonly.aof"},
    {"appendfsync", "", kChoice, 0, "everysec", 0, 0, "everysec always no", LogSync},
    {"appendonly", "", kBool, kFixed, "yes", 0, 0, "", Log},
    {"auto-aof-rewrite-min-size", "", kMemory, 0, "67108864", 0, kInt64Max, "", LogBytesMin},
    {"auto-aof-rewrite-percentage", "", kInteger, 0, "100", 0, kIntMax, "", LogGrowth},
    {"backup-dir", "", kText, kProtected, "backups", 0, 0, "", Text<&Settings::backup_dir>},
    {"bind", "", kWords, kFixed, "127.0.0.1 -::1", 0, 0, "", Bind},
    {"bind-source-addr", "", kText, kOnlyDefault, ""},
    {"busy-reply-threshold", "lua-time-limit", kInteger, 0, "5000", 0, kInt64Max},
    {"client-output-buffer-limit", "", kOutputLimits, 0, kOutputLimitsDefault, 0, 0, "",
     OutputLimits},
    {"client-query-buffer-limit", "", kMemory, 0, "1073741824", 1024 * 1024, kInt64Max, "",
     Number<&Settings::query_buffer_bytes_max>},
    {"cluster-allow-reads-when-down", "", kBool, 0, "no"},
    {"cluster-config-file", "", kText, kImmutable, "nodes.conf"},
    {"cluster-enabled", "", kBool, kImmutable | kOnlyDefault, "no"},
    {"cluster-migration-barrier", "", kInteger, 0, "1", 0, kIntMax},
    {"cluster-node-timeout", "", kInteger, 0, "15000", 0, kInt64Max},
    {"cluster-replica-no-failover", "cluster-slave-no-failover", kBool, 0, "no"},
    {"cluster-replica-validity-factor", "cluster-slave-validity-factor", kInteger, 0, "10", 0,
     kIntMax},
    {"cluster-require-full-coverage", "", kBool, 0, "yes"},
    {"crash-log-enabled", "", kBool, kOnlyDefault, "no"},
    {"daemonize", "", kBool, kImmutable, "no", 0, 0, "", Number<&Settings::daemonize>},
    {"databases", "", kInteger, kImmutable, "16", 1, kIntMax, "", Number<&Settings::databases>},
    {"dbfilename", "", kText, kProtected, "dump.rdb", 0, 0, "", Text<&Settings::dump_file>},
    {"dir", "", kText, kProtected, ".", 0, 0, "", Text<&Settings::dir>},
    {"disable-thp", "", kBool, kImmutable, "yes"},
    {"dynamic-hz", "", kBool, 0, "yes"},
    {"enable-debug-command", "", kChoice, kImmutable | kOnlyDefault, "no", 0, 0, "no yes local"},
    {"enable-module-command", "", kChoice, kImmutable | kOnlyDefault, "no", 0, 0, "no yes local"},
    {"enable-protected-configs", "", kChoice, kImmutable | kOnlyDefault, "no", 0, 0,
     "no yes local"},
    {"hash-max-listpack-entries", "hash-max-ziplist-entries", kInteger, 0, "512", 0, kInt64Max, "",
     Clamped<&Settings::hash_packed_entries_max>},
    {"hash-max-listpack-value", "hash-max-ziplist-value", kMemory, 0, "64", 0, kInt64Max, "",
     Clamped<&Settings::hash_packed_value_bytes_max>},
    {"hll-sparse-max-bytes", "", kMemory, 0, "3000", 0, kInt64Max},
    {"hz", "", kInteger, 0, "10", 0, kIntMax, "", Number<&Settings::hz>},
    {"ignore-warnings", "", kText, 0, ""},
    {"image-keep", "", kInteger, 0, "2", 1, 1000, "", ImagesKept},
    {"import-other-types", "", kChoice, 0, "refuse", 0, 0, "refuse skip",
     Number<&Settings::import_skips_other_types>},
    {"io-threads", "", kInteger, kImmutable | kOnlyDefault, "1", 1, 128},
    {"io-threads-do-reads", "", kBool, kImmutable | kOnlyDefault, "no"},
    {"jemalloc-bg-thread", "", kBool, 0, "yes"},
    {"latency-monitor-threshold", "", kInteger, kOnlyDefault, "0", 0, kInt64Max},
    {"latency-tracking", "", kBool, kOnlyDefault, "no"},
    {"latency-tracking-info-percentiles", "", kWords, 0, "50 99 99.9"},
    {"lazyfree-lazy-eviction", "", kBool, 0, "no"},
    {"lazyfree-lazy-expire", "", kBool, 0, "no"},
    {"lazyfree-lazy-server-del", "", kBool, 0, "no"},
    {"lazyfree-lazy-user-del", "", kBool, 0, "no"},
    {"lazyfree-lazy-user-flush", "", kBool, 0, "no"},
    {"lfu-decay-time", "", kInteger, 0, "1", 0, kIntMax, "",
     Number<&Settings::lfu_decay_minutes>},
    {"lfu-log-factor", "", kInteger, 0, "10", 0, kIntMax, "", Number<&Settings::lfu_log_factor>},
    {"list-compress-depth", "", kInteger, 0, "0", 0, kIntMax},
    {"list-max-listpack-size", "list-max-ziplist-size", kInteger, 0, "-2", -kIntMax - 1, kIntMax},
    {"log-keep", "", kKeep, 0, "0", 0, 0, "", LogKeep},
    {"logfile", "", kText, kImmutable, "", 0, 0, "", Text<&Settings::log_file>},
    {"loglevel", "", kChoice, 0, "notice", 0, 0, "debug verbose notice warning",
     Number<&Settings::log_level>},
    {"masterauth", "", kText, kSecret, "", 0, 0, "", Text<&Settings::primary_password>},
    {"masteruser", "", kText, kSecret, "", 0, 0, "", Text<&Settings::primary_user>},
    {"maxclients", "", kInteger, 0, "10000", 1, kUint32Max, "", Number<&Settings::clients_max>},
    {"maxmemory", "", kMemory, 0, "0", 0, kInt64Max, "", Number<&Settings::memory_bytes_max>},
    {"maxmemory-clients", "", kMemoryPercent, 0, "0", 0, kInt64Max, "",
     Number<&Settings::clients_memory_max>},
    {"maxmemory-eviction-tenacity", "", kInteger, 0, "10", 0, 100, "", EvictionTenacity},
    {"maxmemory-policy", "", kChoice, 0, "noeviction", 0, 0,
     "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu "
     "allkeys-random noeviction sessions-anonymous-first",
     Eviction},
    {"maxmemory-samples", "", kInteger, 0, "5", 1, kIntMax, "", EvictionSamples},
    {"min-replicas-max-lag", "min-slaves-max-lag", kInteger, 0, "10", 0, kIntMax, "",
     Number<&Settings::replicas_lag_max_s>},
    {"min-replicas-to-write", "min-slaves-to-write", kInteger, 0, "0", 0, kIntMax, "",
     Number<&Settings::replicas_min>},
    {"no-appendfsync-on-rewrite", "", kBool, 0, "no"},
    {"notify-keyspace-events", "", kEventClasses, 0, "", 0, 0, "",
     Number<&Settings::event_classes>},
    {"oom-score-adj", "", kChoice, kOnlyDefault, "no", 0, 0, "no yes relative absolute"},
    {"oom-score-adj-values", "", kWords, 0, "0 200 800"},
    {"pidfile", "", kText, kImmutable, "", 0, 0, "", Text<&Settings::pid_file>},
    {"poll-pause-us", "", kInteger, 0, "20", 0, 1000, "", Number<&Settings::poll_pause_us>},
    {"port", "", kInteger, kFixed, "6379", 0, 65535, "", Number<&Settings::port>},
    {"proc-title-template", "", kText, 0, "{title} {listen-addr} {server-mode}"},
    {"protected-mode", "", kBool, 0, "yes", 0, 0, "", Number<&Settings::protected_mode>},
    {"proto-max-bulk-len", "", kMemory, 0, "536870912", 1024 * 1024, kInt64Max, "",
     Number<&Settings::bulk_bytes_max>},
    {"rdb-del-sync-files", "", kBool, 0, "no"},
    {"rdb-save-incremental-fsync", "", kBool, 0, "yes"},
    {"rdbchecksum", "", kBool, kImmutable, "yes"},
    {"rdbcompression", "", kBool, 0, "yes", 0, 0, "", Compression},
    {"repl-backlog-size", "", kMemory, 0, "1048576", 1, kInt64Max, "",
     Number<&Settings::backlog_bytes_max>},
    {"repl-backlog-ttl", "", kInteger, 0, "3600", 0, kInt64Max},
    {"repl-disable-tcp-nodelay", "", kBool, 0, "no"},
    {"repl-diskless-load", "", kChoice, 0, "disabled", 0, 0,
     "disabled on-empty-db swapdb"},
    {"repl-diskless-sync", "", kBool, 0, "yes"},
    {"repl-diskless-sync-delay", "", kInteger, 0, "5", 0, kIntMax},
    {"repl-diskless-sync-max-replicas", "", kInteger, 0, "0", 0, kIntMax},
    {"repl-ping-replica-period", "repl-ping-slave-period", kInteger, 0, "10", 1, kIntMax},
    {"repl-timeout", "", kInteger, 0, "60", 1, kIntMax, "",
     Number<&Settings::replication_timeout_s>},
    {"replica-announce-ip", "slave-announce-ip", kText, 0, ""},
    {"replica-announce-port", "slave-announce-port", kInteger, 0, "0", 0, 65535, "",
     Number<&Settings::announce_port>},
    {"replica-announced", "", kBool, 0, "yes"},
    {"replica-ignore-maxmemory", "slave-ignore-maxmemory", kBool, 0, "yes"},
    {"replica-lazy-flush", "slave-lazy-flush", kBool, 0, "no"},
    {"replica-max-lag", "", kInteger, 0, "0", 0, kIntMax, "",
     Number<&Settings::replica_lag_max_ms>},
    {"replica-priority", "slave-priority", kInteger, 0, "100", 0, kIntMax},
    {"replica-read-only", "slave-read-only", kBool, kOnlyDefault, "yes"},
    {"replica-serve-stale-data", "slave-serve-stale-data", kBool, 0, "yes"},
    {"replicaof", "slaveof", kPeer, kImmutable, "", 0, 0, "", Primary},
    {"requirepass", "", kText, kSecret, "", 0, 0, "", Text<&Settings::password>},
    {"sanitize-dump-payload", "", kChoice, 0, "no", 0, 0, "no yes clients"},
    {"save", "", kSaveRules, 0, "3600 1 300 100 60 10000", 0, 0, "", SaveRules},
    {"set-max-intset-entries", "", kInteger, 0, "512", 0, kInt64Max, "",
     Clamped<&Settings::set_intset_entries_max>},
    {"set-proc-title", "", kBool, kImmutable, "yes"},
    {"shutdown-on-sigint", "", kText, kOnlyDefault, "default"},
    {"shutdown-on-sigterm", "", kText, kOnlyDefault, "default"},
    {"shutdown-timeout", "", kInteger, 0, "10", 0, kIntMax, "",
     Number<&Settings::shutdown_timeout_s>},
    {"slowlog-log-slower-than", "", kInteger, 0, "10000", -1, kInt64Max, "",
     Number<&Settings::slow_log_threshold_us>},
    {"slowlog-max-len", "", kInteger, 0, "128", 0, kInt64Max, "",
     Number<&Settings::slow_log_entries_max>},
    {"stop-writes-on-bgsave-error", "", kBool, 0, "yes", 0, 0, "", StopOnFailure},
    {"stream-node-max-bytes", "", kMemory, 0, "4096", 0, kInt64Max},
    {"stream-node-max-entries", "", kInteger, 0, "100", 0, kInt64Max},
    {"supervised", "", kChoice, kImmutable | kOnlyDefault, "no", 0, 0,
     "upstart systemd auto no"},
    {"syslog-enabled", "", kBool, kImmutable | kOnlyDefault, "no"},
    {"syslog-facility", "", kText, kImmutable, "local0"},
    {"syslog-ident", "", kText, kImmutable, "redis"},
    {"tcp-backlog", "", kInteger, kImmutable, "511", 0, kIntMax, "",
     Number<&Settings::tcp_backlog>},
    {"tcp-keepalive", "", kInteger, 0, "300", 0, kIntMax, "", Number<&Settings::tcp_keepalive_s>},
    {"timeout", "", kInteger, 0, "0", 0, kIntMax, "", Number<&Settings::timeout_s>},
    {"tls-cluster", "", kBool, kOnlyDefault, "no"},
    {"tls-port", "", kInteger, kOnlyDefault, "0", 0, 65535},
    {"tls-replication", "", kBool, kOnlyDefault, "no"},
    {"tracking-table-max-keys", "", kInteger, 0, "1000000", 0, kInt64Max},
    {"unixsocket", "", kText, kImmutable, "", 0, 0, "", Text<&Settings::unix_socket>},
    {"unixsocketperm", "", kOctal, kImmutable, "0", 0, 0777, "",
     Number<&Settings::unix_socket_mode>},
    {"zset-max-listpack-entries", "zset-max-ziplist-entries", kInteger, 0, "128", 0, kInt64Max},
    {"zset-max-listpack-value", "zset-max-ziplist-value", kMemory, 0, "64", 0, kInt64Max},
};
// clang-format on

}  // namespace

std::span<const Option> AllOptions() { return kOptions; }

const Option* FindOption(std::string_view name) {
  for (const Option& option : kOptions)
    if (EqualsIgnoreCase(option.name, name) ||
        (!option.alias.empty() && EqualsIgnoreCase(option.alias, name)))
      return &option;
  return nullptr;
}

}  // namespace cloakroom
