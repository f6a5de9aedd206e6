#include "redis_compat/modules/command_facts.h"

#include <algorithm>

namespace cloakroom {
namespace {

struct KeyFacts {
  KeySpec first;
  KeySpec second;  // flags empty: there is only one
  std::string_view commands;
};

constexpr KeySpec kNone{};

// As COMMAND INFO of Redis 7.0 says it. What is not listed is derived from its row.
constexpr KeyFacts kKeyFacts[] = {
    {{"RO access", 1, false, 0, 1},
     kNone,
     "dump expiretime get getrange hget hgetall hkeys hmget hrandfield hscan hvals pexpiretime "
     "pttl smembers smismember srandmember sscan substr ttl"},
    {{"RW access update", 1, false, 0, 1},
     kNone,
     "decr decrby getex getset hincrby hincrbyfloat incr incrby incrbyfloat move"},
    {{"RW update", 1, false, 0, 1},
     kNone,
     "expire expireat hmset hset persist pexpire pexpireat setrange"},
    {{"RO", 1, false, 0, 1}, kNone, "hexists hlen hstrlen scard sismember strlen type"},
    {{"RO", 2, false, 0, 1},
     kNone,
     "memory|usage object|encoding object|freq object|idletime object|refcount"},
    {{"RO access", 1, false, -1, 1}, kNone, "mget sdiff sinter sunion"},
    {{"RW insert", 1, false, 0, 1}, kNone, "append hsetnx sadd"},
    {{"RO", 1, false, -1, 1}, kNone, "exists touch watch"},
    {{"RM delete", 1, false, -1, 1}, kNone, "del unlink"},
    {{"RW access delete", 1, false, 0, 1}, kNone, "getdel spop"},
    {{"RW delete", 1, false, 0, 1}, kNone, "hdel srem"},
    {{"OW update", 1, false, 0, 1}, kNone, "psetex restore setex"},
    {{"OW update", 1, false, 0, 1}, {"RO access", 2, false, -1, 1}, "sdiffstore sunionstore"},
    {{"RO access", 1, false, 0, 1}, {"OW update", 2, false, 0, 1}, "copy"},
    {{"OW update", 1, false, -1, 2}, kNone, "mset"},
    {{"OW insert", 1, false, -1, 2}, kNone, "msetnx"},
    {{"RW access delete", 1, false, 0, 1}, {"OW update", 2, false, 0, 1}, "rename"},
    {{"RW access delete", 1, false, 0, 1}, {"OW insert", 2, false, 0, 1}, "renamenx"},
    {{"RW access update variable_flags", 1, false, 0, 1}, kNone, "set"},
    {{"OW insert", 1, false, 0, 1}, kNone, "setnx"},
    {{"RO access", 1, true, 1, 1}, kNone, "sintercard"},
    {{"RW update", 1, false, 0, 1}, {"RO access", 2, false, -1, 1}, "sinterstore"},
    {{"RW access delete", 1, false, 0, 1}, {"RW insert", 2, false, 0, 1}, "smove"},
    {{"not_key", 1, false, -1, 1}, kNone, "ssubscribe sunsubscribe"},
    {{"not_key", 1, false, 0, 1}, kNone, "spublish"},
};

struct TipFacts {
  std::string_view tips;
  std::string_view commands;
};

constexpr TipFacts kTipFacts[] = {
    {"nondeterministic_output request_policy:special", "scan"},
    {"request_policy:all_nodes response_policy:agg_sum nondeterministic_output", "slowlog|len"},
    {"request_policy:all_nodes nondeterministic_output", "slowlog|get"},
    {"request_policy:all_nodes response_policy:all_succeeded", "config|set slowlog|reset"},
    {"nondeterministic_output",
     "client|info client|list cluster|bumpepoch cluster|count-failure-reports "
     "cluster|getkeysinslot cluster|info cluster|links cluster|nodes cluster|replicas "
     "cluster|shards cluster|slaves cluster|slots dump hrandfield hscan object|encoding "
     "object|freq object|idletime object|refcount pttl spop srandmember sscan time ttl"},
    {"request_policy:all_shards response_policy:all_succeeded",
     "flushall flushdb memory|purge ping"},
    {"nondeterministic_output_order",
     "command command|docs command|info command|list hgetall hkeys hvals sdiff sinter smembers "
     "sunion"},
    {"request_policy:multi_shard", "mget"},
    {"request_policy:multi_shard response_policy:agg_sum", "del exists touch unlink"},
    {"nondeterministic_output request_policy:all_shards response_policy:special",
     "info memory|doctor memory|malloc-stats memory|stats"},
    {"request_policy:multi_shard response_policy:agg_min", "msetnx"},
    {"request_policy:multi_shard response_policy:all_succeeded", "mset"},
    {"request_policy:all_shards nondeterministic_output", "randomkey"},
    {"request_policy:all_shards nondeterministic_output_order", "keys"},
    {"request_policy:all_shards response_policy:agg_sum", "dbsize"},
};

struct FlagName {
  uint32_t flag;
  std::string_view name;
};

constexpr FlagName kFlagNames[] = {
    {kWrite, "write"},
    {kReadonly, "readonly"},
    {kDenyOom, "denyoom"},
    {kAdmin, "admin"},
    {kPubsub, "pubsub"},
    {kNoScript, "noscript"},
    {kBlocking, "blocking"},
    {kLoading, "loading"},
    {kStale, "stale"},
    {kSkipMonitor, "skip_monitor"},
    {kSkipSlowlog, "skip_slowlog"},
    {kFast, "fast"},
    {kNoAuthNeeded, "no_auth"},
    {kNoAsyncLoading, "no_async_loading"},
    {kNoMulti, "no_multi"},
    {kAllowBusy, "allow_busy"},
    {kMovableKeys, "movablekeys"},
};

constexpr std::string_view kCategoryOrder =
    "keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin "
    "fast slow blocking dangerous connection transaction scripting";

bool Implied(uint32_t flags, std::string_view category) {
  if (category == "read") return (flags & kReadonly) != 0;
  if (category == "write") return (flags & kWrite) != 0;
  if (category == "pubsub") return (flags & kPubsub) != 0;
  if (category == "blocking") return (flags & kBlocking) != 0;
  if (category == "admin" || category == "dangerous") return (flags & kAdmin) != 0;
  if (category == "fast") return (flags & kFast) != 0;
  return category == "slow" && (flags & kFast) == 0;
}

}  // namespace

bool HasWord(std::string_view list, std::string_view word) {
  bool found = false;
  ForEachWord(list, [&](std::string_view each) { found = found || each == word; });
  return found;
}

std::vector<KeySpec> KeySpecsOf(const Command& command) {
  for (const KeyFacts& facts : kKeyFacts) {
    if (!HasWord(facts.commands, command.full_name)) continue;
    if (facts.second.flags.empty()) return {facts.first};
    return {facts.first, facts.second};
  }
  const KeyRange& keys = command.spec->keys;
  if (keys.first <= 0) return {};
  KeySpec spec;
  spec.flags = (command.spec->flags & kWrite) != 0 ? "RW access update" : "RO access";
  spec.begin = keys.first;
  spec.last = keys.last < 0 ? keys.last : keys.last - keys.first;
  spec.step = keys.step;
  return {spec};
}

std::string_view TipsOf(const Command& command) {
  for (const TipFacts& facts : kTipFacts)
    if (HasWord(facts.commands, command.full_name)) return facts.tips;
  return {};
}

std::vector<std::string_view> FlagNames(const Command& command) {
  std::vector<std::string_view> names;
  for (const FlagName& row : kFlagNames)
    if ((command.spec->flags & row.flag) != 0) names.push_back(row.name);
  return names;
}

std::vector<std::string_view> CategoriesOf(const Command& command) {
  const CommandSpec& spec = *command.spec;
  std::vector<std::string_view> names;
  ForEachWord(kCategoryOrder, [&](std::string_view category) {
    if (Implied(spec.flags, category) || HasWord(spec.categories, category))
      names.push_back(category);
  });
  ForEachWord(spec.categories, [&](std::string_view category) {
    if (!HasWord(kCategoryOrder, category)) names.push_back(category);
  });
  return names;
}

}  // namespace cloakroom
