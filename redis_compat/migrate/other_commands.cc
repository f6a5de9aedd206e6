#include "redis_compat/migrate/other_commands.h"

#include <algorithm>
#include <iterator>

namespace cloakroom {
namespace {

using enum OtherCommand::Effect;

// Of Redis 6 to 8 and Valkey: what they may tell a replica, and we have no command for.
constexpr OtherCommand kOthers[] = {
    {"lpush", kKey, "list"},
    {"rpush", kKey, "list"},
    {"lpushx", kKey, "list"},
    {"rpushx", kKey, "list"},
    {"lpop", kKey, "list"},
    {"rpop", kKey, "list"},
    {"lset", kKey, "list"},
    {"linsert", kKey, "list"},
    {"lrem", kKey, "list"},
    {"ltrim", kKey, "list"},
    {"rpoplpush", kKey, "list", 2},
    {"lmove", kKey, "list", 2},
    {"brpoplpush", kKey, "list", 2},
    {"blmove", kKey, "list", 2},
    {"sort", kKey, "list", OtherCommand::kBehindStore},
    {"zadd", kKey, "zset"},
    {"zincrby", kKey, "zset"},
    {"zrem", kKey, "zset"},
    {"zremrangebyscore", kKey, "zset"},
    {"zremrangebyrank", kKey, "zset"},
    {"zremrangebylex", kKey, "zset"},
    {"zpopmin", kKey, "zset"},
    {"zpopmax", kKey, "zset"},
    {"zunionstore", kKey, "zset"},
    {"zinterstore", kKey, "zset"},
    {"zdiffstore", kKey, "zset"},
    {"zrangestore", kKey, "zset"},
    {"geoadd", kKey, "zset"},
    {"geosearchstore", kKey, "zset"},
    {"georadius", kKey, "zset", OtherCommand::kBehindStore},
    {"georadiusbymember", kKey, "zset", OtherCommand::kBehindStore},
    {"xadd", kKey, "stream"},
    {"xdel", kKey, "stream"},
    {"xdelex", kKey, "stream"},
    {"xack", kKey, "stream"},
    {"xackdel", kKey, "stream"},
    {"xclaim", kKey, "stream"},
    {"xautoclaim", kKey, "stream"},
    {"xgroup", kKey, "stream", 2},
    {"xsetid", kKey, "stream"},
    {"xtrim", kKey, "stream"},
    {"xcfgset", kKey, "stream"},
    {"setbit", kKey, "bitmap"},
    {"bitfield", kKey, "bitmap"},
    {"bitop", kKey, "bitmap", 2},
    {"pfadd", kKey, "hyperloglog"},
    {"pfmerge", kKey, "hyperloglog"},
    {"pfdebug", kKey, "hyperloglog", 2},
    {"pfcount", kNothing, "hyperloglog"},  // keeps the count that it found beside the value
    {"hexpire", kFields, "field deadline"},
    {"hpexpire", kFields, "field deadline"},
    {"hexpireat", kFields, "field deadline"},
    {"hpexpireat", kFields, "field deadline"},
    {"hsetex", kFields, "field deadline"},
    {"hpersist", kNothing, "field deadline"},
    {"eval", kScript, "script"},
    {"evalsha", kScript, "script"},
    {"fcall", kScript, "function"},
    {"script", kNothing, "script"},
    {"function", kKey, "function", OtherCommand::kNoKey},
};
constexpr OtherCommand kNone;

}  // namespace

const OtherCommand& FindOtherCommand(Args args) {
  const auto* const found =
      std::find_if(std::begin(kOthers), std::end(kOthers),
                   [&](const OtherCommand& each) { return EqualsIgnoreCase(each.name, args[0]); });
  return found == std::end(kOthers) ? kNone : *found;
}

std::string_view KeyOf(const OtherCommand& command, Args args) {
  if (command.key != OtherCommand::kBehindStore)
    return command.key < args.size() ? args[command.key] : std::string_view();
  for (size_t i = 2; i + 1 < args.size(); ++i)
    if (args.Is(i, "STORE") || args.Is(i, "STOREDIST")) return args[i + 1];
  return {};
}

}  // namespace cloakroom
