// What memory and the log on disk have room for: who must be refused, and who must wait.

#include <algorithm>
#include <vector>

#include "redis_compat/command/dispatcher_impl.h"
#include "redis_compat/command/error_reply.h"
#include "redis_compat/command/queue_probe.h"
#include "store/base/check.h"
#include "store/op/log_room.h"

namespace cloakroom {
namespace {

constexpr int kRunsMax = 3;  // of one handler again, while memory is short
// What EXEC may take beyond the room that was made for it before it began.
constexpr size_t kExecSlackBytes = size_t{1} << 20;

}  // namespace

bool CopiesValues(const CommandSpec& spec) {
  constexpr std::string_view kNames[] = {"copy", "sdiffstore", "sinterstore", "sunionstore"};
  return std::find(std::begin(kNames), std::end(kNames), spec.name) != std::end(kNames);
}

/// While the log takes little or nothing: whether this command may be executed.
bool Dispatcher::Impl::TakesWrite(const ClientState& client, Args args,
                                  const Command& command) const {
  const bool exec = command.spec->name == "exec";
  if (exec ? !QueueWrites(client) : (command.spec->flags & kWrite) == 0) return true;
  uint64_t bytes = client.queued_log_bytes;
  for (const std::string_view word : args.words()) bytes += word.size() + kLoggedBesidesWord;
  return shard.CanAccept(bytes);
}

bool Dispatcher::Impl::QueueHas(const ClientState& client, uint32_t flags) const {
  return std::any_of(client.queued.begin(), client.queued.end(), [&](const auto& queued) {
    const std::vector<std::string_view> words(queued.begin(), queued.end());
    const Command* command = registry.Resolve(Args(words));
    return command != nullptr && (command->spec->flags & flags) != 0;
  });
}

/// While memory is over its limit and nothing can be evicted: commands that may grow, and inside
/// MULTI all that would be queued, for a queue is memory too.
bool Dispatcher::Impl::RefusesMemory(const ClientState& client, const Command& command) {
  if (!budget.IsOver()) [[likely]]
    return false;
  const std::string_view name = command.full_name;
  bool grows = (command.spec->flags & kDenyOom) != 0 || (name == "exec" && client.queue_grows);
  if (client.in_multi && !grows)
    grows = name != "exec" && name != "discard" && name != "quit" && name != "reset";
  if (!grows || server.paused() != PauseMode::kOff) return false;
  (void)Begin();  // what is evicted for it is the command's own time
  return !shard.MakeRoom();
}

/// A large command has waited for a turn: whether it waits for another.
bool Dispatcher::Impl::GoesOnWaiting(ClientState& client) {
  const size_t bytes = std::exchange(client.awaited_memory_bytes, 0);
  if (!budget.limited() || server.paused() != PauseMode::kOff) return false;
  (void)Begin();
  if (!shard.GoesOnWaiting(bytes)) return false;
  client.awaited_memory_bytes = bytes;
  last_reading_us = clock.MonotonicUs();
  return true;
}

/// Sees to it that the batch fits, if need be by evicting. What is evicted may be what the handler
/// has read, so then it runs again. Inside EXEC room was made before; only what grows by what the
/// transaction itself has written can come as a surprise, and a large one is refused.
Result<void> Dispatcher::Impl::Fit(CommandContext& ctx, Args args, Reply& reply, size_t start) {
  size_t reserved = 0;
  for (int runs = 0; !batch.empty() && !budget.Fits(batch.reach()); ++runs) {
    if (ctx.client.in_exec) {
      if (shard.HasRoomFor(batch, kExecSlackBytes)) return {};
      return Fail(Code::kNoMemory, "");
    }
    const Shard::Room room = shard.Reserve(batch, ctx.client.input_memory_bytes, reserved);
    if (room == Shard::Room::kYes) return {};
    if (room == Shard::Room::kLater) ctx.client.awaited_memory_bytes = reserved;
    if (room != Shard::Room::kAgain || runs == kRunsMax) return Fail(Code::kNoMemory, "");
    const LookupCounters counted = lookups;
    batch.Clear();
    key_events.noted().Clear();
    reply.out().resize(start);
    TRY_VOID(ctx.command.spec->handler(ctx, args, reply));
    lookups = counted;
  }
  return {};
}

/// The batch is more than the space that the log has: more is asked for, and meanwhile the client
/// waits. What is executed nevertheless would hold up all replies after it. Inside EXEC that was
/// done before; what then comes as a surprise is refused. What a read records in passing is small,
/// and is not even tried while writes are refused.
Result<void> Dispatcher::Impl::FitLog(const CommandContext& ctx) {
  if ((ctx.command.spec->flags & kWrite) == 0) return {};
  const uint64_t bytes = batch.bytes().size();
  const LogRoom room = ctx.client.in_exec ? LogRoom::kNo : shard.MakeLogRoom(bytes);
  if (room == LogRoom::kYes) return {};
  if (room == LogRoom::kLater) ctx.client.awaited_log_bytes = bytes;
  return Fail(Code::kRefused, "{}", shard.log_denial());
}

/// A command has waited for space in the log: whether it goes on waiting.
bool Dispatcher::Impl::GoesOnWaitingForLog(ClientState& client) {
  const uint64_t bytes = std::exchange(client.awaited_log_bytes, 0);
  if (server.paused() != PauseMode::kOff) return false;
  if (shard.MakeLogRoom(bytes) != LogRoom::kLater) return false;
  client.awaited_log_bytes = bytes;
  return true;
}

Result<void> Dispatcher::MakeRoomForQueue(ClientState& client) {
  TRY_VOID(impl_->FitQueueInLog(client));  // first: what makes room in memory cannot be undone
  return impl_->FitQueueInMemory(client);
}

Result<void> Dispatcher::Impl::FitQueueInLog(ClientState& client) {
  if (!shard.has_journal()) return {};
  uint64_t bytes = client.queued_log_bytes;
  if (client.queue_copies) {
    WriteBatch probe;
    ProbeQueue(self, server, random, client, probe);
    bytes = std::max<uint64_t>(bytes, probe.bytes().size());
  }
  if (shard.HasLogRoom(bytes) || !QueueWrites(client)) return {};
  switch (shard.MakeLogRoom(bytes)) {
    case LogRoom::kYes:
      return {};
    case LogRoom::kLater:
      client.awaited_log_bytes = bytes;
      return Fail(Code::kRefused, "");
    case LogRoom::kNo:
      break;
  }
  self.Forget(client);
  return Fail(Code::kExecAbort, "Transaction discarded because of: {}",
              ErrorLine(Error{Code::kRefused, shard.log_denial()}));
}

Result<void> Dispatcher::Impl::FitQueueInMemory(ClientState& client) {
  if (!budget.limited() || !client.queue_grows) return {};
  const size_t credit = std::min(client.queued_memory_bytes, client.queued_counted_bytes);
  WriteBatch probe;
  size_t reserved = 0;
  for (int runs = 0;; ++runs) {
    probe.Clear();
    ProbeQueue(self, server, random, client, probe);
    if (probe.empty() || budget.Fits(probe.reach())) break;
    const Shard::Room room = shard.Reserve(probe, credit, reserved);
    if (room == Shard::Room::kYes) break;
    if (room == Shard::Room::kLater) {
      client.awaited_memory_bytes = reserved;
      return Fail(Code::kNoMemory, "");
    }
    if (room == Shard::Room::kAgain && runs < kRunsMax) continue;
    self.Forget(client);
    return Fail(Code::kExecAbort, "Transaction discarded because of: {}",
                ErrorLine(Error{Code::kNoMemory, ""}));
  }
  return {};
}

}  // namespace cloakroom
