#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "redis_compat/command/command_trace.h"
#include "redis_compat/command/dispatcher_impl.h"
#include "redis_compat/command/error_reply.h"
#include "redis_compat/command/unknown_command.h"
#include "store/base/check.h"
#include "store/table/session_space.h"

namespace cloakroom {
namespace {

/// What MULTI does not queue.
bool RunsInsideMulti(const Command& command) {
  constexpr std::string_view kNames[] = {"exec", "discard", "multi", "watch", "quit", "reset"};
  return std::find(std::begin(kNames), std::end(kNames), command.full_name) != std::end(kNames);
}

/// Messages to the client whose command runs are kept until that has ended.
class RunningCommand {
 public:
  RunningCommand(PubSub& pubsub, const ClientState& client, std::string& out)
      : pubsub_(pubsub), out_(out) {
    pubsub_.BeginCommand(client);
  }
  ~RunningCommand() { pubsub_.EndCommand(out_); }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

 private:
  PubSub& pubsub_;
  std::string& out_;
};

}  // namespace

std::optional<Error> Dispatcher::Impl::Refusal(const ClientState& client, Args args,
                                               const Command* command) const {
  if (command == nullptr) [[unlikely]]
    return UnknownCommand(registry, args);
  if (!ArityFits(command->spec->arity, args.size())) [[unlikely]]
    return Error{Code::kInvalid,
                 fmt::format("wrong number of arguments for '{}' command", command->full_name)};
  const uint32_t flags = command->spec->flags;
  if (!client.authenticated && (flags & kNoAuthNeeded) == 0 && server.PasswordRequired())
      [[unlikely]]
    return Error{Code::kNoAuth, ""};
  if (client.in_multi && (flags & kNoMulti) != 0) [[unlikely]]
    return Error{Code::kInvalid, "Command not allowed inside a transaction"};
  if (shard.Refuses() && !TakesWrite(client, args, *command)) [[unlikely]]
    return Error{Code::kRefused, shard.refusal()};
  if (client.subscribed() && client.protocol == 2 && (flags & kForSubscribers) == 0) [[unlikely]]
    return Error{Code::kInvalid,
                 fmt::format("Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                             "QUIT / RESET are allowed in this context",
                             command->full_name)};
  if (shard.loading() && (flags & kLoading) == 0) [[unlikely]]
    return Error{Code::kLoading, ""};
  if (shard.guarded()) [[unlikely]]
    return RoleRefusal(client, *command);
  return std::nullopt;
}

/// What a replica refuses, or a primary without replicas.
std::optional<Error> Dispatcher::Impl::RoleRefusal(const ClientState& client,
                                                   const Command& command) const {
  const bool is_exec = command.spec->name == "exec";
  if ((command.spec->flags & kWrite) != 0 || (is_exec && QueueWrites(client))) {
    if (shard.following())
      return Error{Code::kVerbatim, "READONLY You can't write against a read only replica."};
    if (shard.lacks_replicas())
      return Error{Code::kVerbatim, "NOREPLICAS Not enough good replicas to write."};
  }
  if (shard.stale() && ((command.spec->flags & kReadonly) != 0 || is_exec))
    return Error{Code::kVerbatim,
                 "STALE This replica is further behind its primary than replica-max-lag allows."};
  return std::nullopt;
}

void Dispatcher::Impl::Refuse(ClientState& client, const Command* command, Error error,
                              std::string& out) {
  const size_t start = out.size();
  if (client.in_multi) client.multi_broken = true;
  if (command != nullptr) {
    ++command->stats.rejected;
    if (command->spec->name == "exec") {
      const bool says_err = error.code == Code::kInvalid;
      error = Error{Code::kExecAbort, "Transaction discarded because of: " +
                                          (says_err ? error.message : ErrorLine(error))};
      self.Forget(client);
    }
  }
  AppendError(out, error);
  CountError(std::string_view(out).substr(start));
}

bool Dispatcher::Impl::Postpones(const ClientState& client, const Command& command) const {
  const PauseMode mode = server.paused();
  if (mode == PauseMode::kOff) [[likely]]
    return false;
  if (mode == PauseMode::kAll) return true;
  constexpr uint32_t kHeld = kWrite | kMayReplicate;
  if ((command.spec->flags & kHeld) != 0) return true;
  return command.spec->name == "exec" && QueueHas(client, kHeld);
}

void Dispatcher::Impl::Queue(ClientState& client, Args args, const Command& command,
                             std::string& out) {
  // A queue that will be aborted anyway need not be kept.
  if (!client.multi_broken && !client.watch_dirty) {
    client.queued.emplace_back(args.words().begin(), args.words().end());
    client.queued_memory_bytes += sizeof(std::vector<std::string>);
    client.queued_log_bytes += kLoggedBesidesCommand;
    for (const std::string_view word : args.words()) {
      client.queued_bytes += word.size();
      client.queued_log_bytes += word.size() + kLoggedBesidesWord;
      client.queued_memory_bytes += sizeof(std::string) + word.size();
    }
    client.queue_grows = client.queue_grows || (command.spec->flags & kDenyOom) != 0;
    client.queue_copies = client.queue_copies || CopiesValues(*command.spec);
  }
  out.append("+QUEUED\r\n");
}

void Dispatcher::Impl::CountError(std::string_view reply) {
  ++counters.error_replies;
  const std::string_view word = ErrorWord(reply);
  const auto it = counters.errors.find(word);
  if (it != counters.errors.end())
    ++it->second;
  else
    counters.errors.emplace(word, 1);
}

void Dispatcher::Impl::Observe(const ClientState& client, uint32_t db, Args args,
                               const Command& command, int64_t duration_us) {
  const uint32_t flags = command.spec->flags;
  const int64_t threshold_us = server.SlowLogThresholdUs();
  if (threshold_us >= 0 && duration_us >= threshold_us && (flags & kSkipSlowlog) == 0) [[unlikely]]
    server.SlowLogAdd(MakeSlowLogEntry(client, command, args, shard.now(), duration_us));
  if (server.HasMonitors() && (flags & (kSkipMonitor | kAdmin)) == 0) [[unlikely]]
    server.FeedMonitors(MonitorLine(client, db, command, args, shard.now()));
}

void Dispatcher::Impl::SetClock(const CommandContext& ctx, std::string_view key) {
  if (const Entry* const entry = ctx.Peek(ctx.Ref(key))) entry->set_clock(*ctx.restored_clock);
}

// Runs the handler and commits or drops its batch. EXEC's handler comes back here for each queued
// command: by then the batch is empty again, whatever happened.
void Dispatcher::Impl::Call(ClientState& client, Args args, const Command& command,
                            const Prepared& prepared, std::string& out) {
  const int64_t began_us = Begin();
  const size_t start = out.size();
  const uint32_t db = client.db;  // as it was: MONITOR shows SELECT in the old database

  Reply reply(out, client.protocol);
  CommandContext ctx(shard.keys(), batch, shard.now(), client, random, server, self, command,
                     lookups, prepared.first_key);
  if (prepared.has_token) ctx.first_token = &prepared.first_token;
  ctx.events = key_events.Listening(reply);
  Result<void> done = command.spec->handler(ctx, args, reply);
  if (budget.limited() && (command.spec->flags & kDenyOom) != 0 && done) [[unlikely]]
    done = Fit(ctx, args, reply, start);
  if (done && !batch.empty() && !shard.HasLogRoom(batch.bytes().size())) [[unlikely]]
    done = FitLog(ctx);
  reply.Flush();
  if (ctx.waits) [[unlikely]] {
    CHECK(done && batch.empty() && !client.in_exec);
    key_events.noted().Clear();
    out.resize(start);
    waits = true;
    last_reading_us = clock.MonotonicUs();
    return;
  }
  if (!done) [[unlikely]] {
    batch.Clear();
    out.resize(start);
    if (client.awaited_memory_bytes != 0 || client.awaited_log_bytes != 0) {
      key_events.noted().Clear();
      last_reading_us = clock.MonotonicUs();
      return;
    }
    key_events.noted().KeepMisses(start);
    AppendError(out, done.error());
  } else if (!batch.empty()) {
    client.written = shard.Commit(batch);
    if (ctx.ack) [[unlikely]]
      asked = std::max(asked.value_or(*ctx.ack), *ctx.ack);
    else
      unasked = true;
    if (ctx.free_at_once) [[unlikely]]
      shard.keys().SweepDetached();
    if (ctx.restored_clock) [[unlikely]]
      SetClock(ctx, args[static_cast<size_t>(command.spec->keys.first)]);
  }
  // A handler may also succeed with an error reply: then its batch was meant to stay.
  if (out.size() > start && out[start] == '-') [[unlikely]] {
    ++command.stats.failed;
    CountError(std::string_view(out).substr(start));
  }
  const size_t shift = pubsub.HasKept() ? pubsub.Place(out, start) : 0;
  if (ctx.events != nullptr) [[unlikely]]
    key_events.TellNoted(out, shift);

  last_reading_us = clock.MonotonicUs();
  const int64_t duration_us = last_reading_us - began_us;
  ++counters.commands;
  ++command.stats.calls;
  command.stats.usec += static_cast<uint64_t>(duration_us);
  if (duration_us > counters.longest_us) [[unlikely]] {
    counters.longest_us = duration_us;
    counters.longest = &command;
  }
  Observe(client, db, args, command, duration_us);
}

Dispatcher::Dispatcher(const Registry& registry, Shard& shard, ServerControl& server, Clock& clock,
                       Random& random)
    : impl_(std::make_unique<Impl>(*this, registry, shard, server, clock, random)) {}
Dispatcher::~Dispatcher() = default;

Dispatcher::Prepared Dispatcher::Prepare(const ClientState& client, Args args) const {
  impl_->chained = false;
  Prepared prepared;
  prepared.command = impl_->registry.Resolve(args);
  prepared.db = client.db;
  if (prepared.command == nullptr || client.in_multi) return prepared;
  const CommandSpec& spec = *prepared.command->spec;
  if (spec.keys.first <= 0 || args.size() <= static_cast<size_t>(spec.keys.first)) return prepared;
  const std::string_view first = args[static_cast<size_t>(spec.keys.first)];
  const Keyspace& keys = std::as_const(impl_->shard).keys();
  if ((spec.flags & kSessionKeys) == 0) {
    prepared.first_key = keys.Ref(first);
    keys.PrefetchBucket(prepared.db, prepared.first_key.position);
  } else if (spec.token_key != nullptr) {
    prepared.first_token = spec.token_key(first);
    prepared.has_token = true;
    prepared.first_key = {first, prepared.first_token.position()};
    keys.sessions().PrefetchBucket(prepared.first_token);
  }
  return prepared;
}

void Dispatcher::PrefetchEntry(const Prepared& prepared) const {
  if (prepared.has_token)
    std::as_const(impl_->shard).keys().sessions().PrefetchEntry(prepared.first_token);
  else if (prepared.first_key.bytes.data() != nullptr)
    std::as_const(impl_->shard).keys().PrefetchEntry(prepared.db, prepared.first_key.position);
}

Dispatcher::Outcome Dispatcher::Execute(ClientState& client, Args args, const Prepared& prepared,
                                        std::string& out) {
  Impl& impl = *impl_;
  const RunningCommand running(impl.pubsub, client, out);
  const size_t start = out.size();
  const uint64_t newest = impl.shard.last_change();
  const Command* command = prepared.command;
  impl.asked.reset();
  impl.unasked = impl.waits = false;
  std::optional<Error> refusal = impl.Refusal(client, args, command);
  if (impl.budget.limited() && !refusal && impl.RefusesMemory(client, *command)) [[unlikely]]
    refusal = Error{Code::kNoMemory, ""};
  if (refusal) client.awaited_memory_bytes = client.awaited_log_bytes = 0;
  if (client.awaited_memory_bytes != 0 && impl.GoesOnWaiting(client)) [[unlikely]]
    return {.waits_for_memory = true};
  if (client.awaited_log_bytes != 0 && impl.GoesOnWaitingForLog(client)) [[unlikely]]
    return {.waits_for_log = true};
  if (!refusal && impl.Postpones(client, *command)) [[unlikely]]
    return {.postponed = true};
  const int64_t began_us = impl.Begin();

  ++client.commands;
  client.last_active_ms = impl.shard.now();
  if (client.reply_mode == ReplyMode::kSkipNext) [[unlikely]]
    client.reply_mode = ReplyMode::kSkip;
  if (command != nullptr) client.last_command = command->full_name;

  if (!refusal && (!client.in_multi || RunsInsideMulti(*command))) [[likely]] {
    impl.Call(client, args, *command, prepared, out);
  } else {
    if (refusal)
      impl.Refuse(client, command, std::move(*refusal), out);
    else
      impl.Queue(client, args, *command, out);
    impl.last_reading_us = impl.clock.MonotonicUs();
  }
  if (impl.waits) [[unlikely]]
    return {.postponed = true};

  if (client.reply_mode != ReplyMode::kOn) [[unlikely]] {
    out.resize(start);
    out += impl.pubsub.placed();
    if (client.reply_mode == ReplyMode::kSkip) client.reply_mode = ReplyMode::kOn;
  }
  // What a read records in passing (a session's slide) is nothing that its reply waits for.
  const bool reads = command != nullptr && (command->spec->flags & kReadonly) != 0;
  AckLevel level = impl.shard.promised();
  if (impl.asked) [[unlikely]] {
    level = impl.unasked ? std::max(level, *impl.asked) : *impl.asked;
    if (level == AckLevel::kDisk) impl.shard.NeedDisk(impl.shard.last_change());
  }
  return {.depends_on = reads ? newest : impl.shard.last_change(),
          .level = level,
          .duration_us = impl.last_reading_us - began_us,
          .waits_for_memory = client.awaited_memory_bytes != 0,
          .waits_for_log = client.awaited_log_bytes != 0};
}

void Dispatcher::Forget(ClientState& client) {
  impl_->watches.Unwatch(client);
  client.in_multi = false;
  client.multi_broken = false;
  client.queue_grows = false;
  client.queued = std::vector<std::vector<std::string>>();  // = {} would keep its memory
  client.queued_bytes = client.queued_memory_bytes = 0;
  client.queued_log_bytes = 0;
  client.queue_copies = false;
}

void Dispatcher::Leave(ClientState& client) {
  Forget(client);
  impl_->pubsub.Forget(client);
}

PubSub& Dispatcher::pubsub() { return impl_->pubsub; }
void Dispatcher::SetEventClasses(uint32_t classes) { impl_->key_events.set_classes(classes); }
bool Dispatcher::HearsExpiry() const { return impl_->key_events.HearsExpiry(); }

void Dispatcher::Watch(ClientState& client, std::string_view key) {
  impl_->watches.Watch(client, key);
}

void Dispatcher::Unwatch(ClientState& client) { impl_->watches.Unwatch(client); }

bool Dispatcher::WatchBroken(const ClientState& client) const {
  return impl_->watches.Broken(client);
}

Result<void> Dispatcher::ExecuteQueue(ClientState& client, Reply& reply) {
  CHECK(client.in_multi && !client.in_exec);
  const std::vector<std::vector<std::string>> queued = std::move(client.queued);
  // The words of the queue go as it ends: their room is the commands' own.
  MemoryBudget& budget = impl_->budget;
  budget.set_outside(budget.outside() - std::min({budget.outside(), client.queued_memory_bytes,
                                                  client.queued_counted_bytes}));
  Forget(client);  // before the commands run: they must not break the transaction's own watches
  client.in_exec = true;
  impl_->shard.OpenRecord();
  static_cast<void>(reply.Array(queued.size()));
  std::vector<std::string_view> words;
  for (const std::vector<std::string>& command_words : queued) {
    words.assign(command_words.begin(), command_words.end());
    const Args args(words);
    const Command* command = impl_->registry.Resolve(args);
    CHECK(command != nullptr);  // it was found when it was queued
    impl_->Call(client, args, *command, Prepared{}, reply.out());
  }
  impl_->shard.CloseRecord();
  client.in_exec = false;
  return {};
}

int64_t Dispatcher::LastReadingUs() const { return impl_->last_reading_us; }
const Registry& Dispatcher::registry() const { return impl_->registry; }
Shard& Dispatcher::shard() { return impl_->shard; }
LookupCounters& Dispatcher::lookups() { return impl_->lookups; }
const Dispatcher::Counters& Dispatcher::counters() const { return impl_->counters; }
void Dispatcher::CountError(std::string_view reply) { impl_->CountError(reply); }

void Dispatcher::ResetStats() {
  impl_->counters = {};
  const Keyspace::Counters& counted = impl_->shard.keys().counters();
  impl_->counters.expired_keys_before = counted.expired_keys;
  impl_->counters.freed_before = counted.freed_detached;
  impl_->lookups = {};
  impl_->shard.evictor().ResetCounters();
  for (const auto& command : impl_->registry.commands()) {
    command->stats = {};
    for (const auto& sub : command->subcommands) sub->stats = {};
  }
}

}  // namespace cloakroom
