// The commands of a primary that this shard follows.

#include <string>
#include <utility>

#include "redis_compat/command/dispatcher_impl.h"
#include "store/base/check.h"

namespace cloakroom {
namespace {

// What one huge value left behind is not kept.
constexpr size_t kKeepBytesMax = size_t{1} << 20;

}  // namespace

Result<void> Dispatcher::ExecuteForPrimary(ClientState& client, Args args, const Command& command,
                                           const KeyRef& first_key) {
  Impl& impl = *impl_;
  const CommandSpec& spec = *command.spec;
  CHECK((spec.flags & kWrite) != 0 && impl.shard.time_held() && impl.batch.empty());
  if (!ArityFits(spec.arity, args.size()))
    return Fail(Code::kInvalid, "wrong number of arguments for '{}' command", command.full_name);
  LookupCounters uncounted;  // it is no use by a client of ours
  if (impl.dropped.capacity() > kKeepBytesMax) std::string().swap(impl.dropped);
  impl.dropped.clear();
  Reply reply(impl.dropped, client.protocol);
  CommandContext ctx(std::as_const(impl.shard).keys(), impl.batch, impl.shard.newest().time_ms,
                     client, impl.random, impl.server, *this, command, uncounted, first_key);
  Result<void> done = spec.handler(ctx, args, reply);
  CHECK(!ctx.waits);
  ++impl.counters.commands;
  ++command.stats.calls;
  if (!done) {
    ++command.stats.failed;
    impl.batch.Clear();
    return done;
  }
  if (!impl.batch.empty()) impl.shard.Commit(impl.batch);
  if (ctx.restored_clock) Impl::SetClock(ctx, args[1]);
  return {};
}

}  // namespace cloakroom
