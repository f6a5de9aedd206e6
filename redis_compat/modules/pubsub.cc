// SUBSCRIBE and its kin, PUBLISH, SPUBLISH and PUBSUB. Confirmations are messages, not replies: so
// CLIENT REPLY does not silence them, and each name has one of its own.

#include "redis_compat/command/pubsub.h"

#include "redis_compat/command/context.h"
#include "redis_compat/command/dispatcher.h"
#include "redis_compat/modules/all_modules.h"
#include "redis_compat/modules/help_reply.h"

namespace cloakroom {
namespace {

Result<void> SubscribeTo(CommandContext& ctx, Args args, Topic topic) {
  for (const std::string_view name : args.From(1))
    ctx.dispatcher.pubsub().Subscribe(ctx.client, topic, name);
  return {};
}

Result<void> UnsubscribeFrom(CommandContext& ctx, Args args, Topic topic) {
  PubSub& pubsub = ctx.dispatcher.pubsub();
  if (args.size() == 1) pubsub.UnsubscribeAll(ctx.client, topic);
  for (const std::string_view name : args.From(1)) pubsub.Unsubscribe(ctx.client, topic, name);
  return {};
}

/// SUBSCRIBE channel [channel ...] -> a confirmation for each.
Result<void> Subscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  return SubscribeTo(ctx, args, Topic::kChannel);
}

/// PSUBSCRIBE pattern [pattern ...] -> a confirmation for each.
Result<void> PSubscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  return SubscribeTo(ctx, args, Topic::kPattern);
}

/// SSUBSCRIBE shardchannel [shardchannel ...] -> a confirmation for each.
Result<void> SSubscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  if (ctx.client.in_exec)
    return Fail(Code::kInvalid, "SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
  return SubscribeTo(ctx, args, Topic::kShard);
}

/// UNSUBSCRIBE [channel [channel ...]] -> a confirmation for each; without names, for all.
Result<void> Unsubscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  return UnsubscribeFrom(ctx, args, Topic::kChannel);
}

/// PUNSUBSCRIBE [pattern [pattern ...]] -> the same.
Result<void> PUnsubscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  return UnsubscribeFrom(ctx, args, Topic::kPattern);
}

/// SUNSUBSCRIBE [shardchannel [shardchannel ...]] -> the same.
Result<void> SUnsubscribe(CommandContext& ctx, Args args, Reply& /*reply*/) {
  return UnsubscribeFrom(ctx, args, Topic::kShard);
}

/// PUBLISH channel message -> how many received it.
Result<void> Publish(CommandContext& ctx, Args args, Reply& reply) {
  return reply.Integer(
      static_cast<int64_t>(ctx.dispatcher.pubsub().Publish(args[1], args[2], false)));
}

/// SPUBLISH shardchannel message -> how many received it.
Result<void> SPublish(CommandContext& ctx, Args args, Reply& reply) {
  return reply.Integer(
      static_cast<int64_t>(ctx.dispatcher.pubsub().Publish(args[1], args[2], true)));
}

Result<void> ListChannels(CommandContext& ctx, Args args, Topic topic, Reply& reply) {
  if (args.size() > 3) return SubcommandSyntaxError("PUBSUB", args[1]);
  size_t count = 0;
  const size_t place = reply.DeferArray();
  ctx.dispatcher.pubsub().ForEach(topic, [&](std::string_view name) {
    if (args.size() == 3 && !GlobMatch(args[2], name, false)) return;
    static_cast<void>(reply.Bulk(name));
    ++count;
  });
  reply.SettleArray(place, count);
  return {};
}

Result<void> CountSubscribers(CommandContext& ctx, Args args, Topic topic, Reply& reply) {
  TRY_VOID(reply.Array((args.size() - 2) * 2));
  for (const std::string_view name : args.From(2)) {
    TRY_VOID(reply.Bulk(name));
    TRY_VOID(
        reply.Integer(static_cast<int64_t>(ctx.dispatcher.pubsub().SubscribersOf(topic, name))));
  }
  return {};
}

/// PUBSUB CHANNELS [pattern] -> the channels that somebody is subscribed to.
Result<void> PubSubChannels(CommandContext& ctx, Args args, Reply& reply) {
  return ListChannels(ctx, args, Topic::kChannel, reply);
}

/// PUBSUB SHARDCHANNELS [pattern] -> the same of shard channels.
Result<void> PubSubShardChannels(CommandContext& ctx, Args args, Reply& reply) {
  return ListChannels(ctx, args, Topic::kShard, reply);
}

/// PUBSUB NUMSUB [channel ...] -> each channel and how many are subscribed to it.
Result<void> PubSubNumSub(CommandContext& ctx, Args args, Reply& reply) {
  return CountSubscribers(ctx, args, Topic::kChannel, reply);
}

/// PUBSUB SHARDNUMSUB [shardchannel ...] -> the same of shard channels.
Result<void> PubSubShardNumSub(CommandContext& ctx, Args args, Reply& reply) {
  return CountSubscribers(ctx, args, Topic::kShard, reply);
}

/// PUBSUB NUMPAT -> how many patterns somebody is subscribed to.
Result<void> PubSubNumPat(CommandContext& ctx, Args /*args*/, Reply& reply) {
  return reply.Integer(static_cast<int64_t>(ctx.dispatcher.pubsub().Count(Topic::kPattern)));
}

Result<void> PubSubHelp(CommandContext& /*ctx*/, Args /*args*/, Reply& reply) {
  return ReplyHelp(reply, "PUBSUB",
                   {{"CHANNELS [<pattern>]", "Lists the channels that have subscribers."},
                    {"NUMPAT", "Counts the patterns that have subscribers."},
                    {"NUMSUB [<channel> ...]", "Counts the subscribers of channels."},
                    {"SHARDCHANNELS [<pattern>]", "Lists the shard channels with subscribers."},
                    {"SHARDNUMSUB [<shardchannel> ...]", "Counts those of shard channels."}});
}

constexpr KeyRange kNoKey{};
constexpr KeyRange kAllWords{1, -1, 1};
constexpr uint32_t kAnytime = kPubsub | kLoading | kStale;
constexpr uint32_t kSubscriber = kAnytime | kNoScript | kForSubscribers;
constexpr uint32_t kPublisher = kAnytime | kFast | kMayReplicate;

constexpr CommandSpec Row(std::string_view name, int arity, uint32_t flags, KeyRange keys,
                          std::string_view since, std::string_view summary, std::string_view syntax,
                          Handler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .keys = keys,
          .categories = "",
          .group = "pubsub",
          .since = since,
          .summary = summary,
          .syntax = syntax,
          .handler = handler};
}

constexpr CommandSpec kSubcommands[] = {
    Row("channels", -2, kAnytime, kNoKey, "2.8.0", "Lists the channels that have subscribers",
        "[pattern]", PubSubChannels),
    Row("numsub", -2, kAnytime, kNoKey, "2.8.0", "Counts the subscribers of channels",
        "[channel [channel ...]]", PubSubNumSub),
    Row("numpat", 2, kAnytime, kNoKey, "2.8.0", "Counts the patterns that have subscribers", "",
        PubSubNumPat),
    Row("shardchannels", -2, kAnytime, kNoKey, "7.0.0",
        "Lists the shard channels that have subscribers", "[pattern]", PubSubShardChannels),
    Row("shardnumsub", -2, kAnytime, kNoKey, "7.0.0", "Counts the subscribers of shard channels",
        "[shardchannel [shardchannel ...]]", PubSubShardNumSub),
    Row("help", 2, kLoading | kStale, kNoKey, "6.2.0", "Lists the subcommands", "", PubSubHelp),
};

// A shard channel belongs to a slot as a key does, and routes by it.
constexpr CommandSpec kPubSubCommands[] = {
    Row("subscribe", -2, kSubscriber, kNoKey, "2.0.0", "Listens to channels",
        "channel [channel ...]", Subscribe),
    Row("psubscribe", -2, kSubscriber, kNoKey, "2.0.0",
        "Listens to all channels whose names match patterns", "pattern [pattern ...]", PSubscribe),
    Row("ssubscribe", -2, kSubscriber, kAllWords, "7.0.0", "Listens to shard channels",
        "shardchannel [shardchannel ...]", SSubscribe),
    Row("unsubscribe", -1, kSubscriber, kNoKey, "2.0.0", "Listens to channels no longer",
        "[channel [channel ...]]", Unsubscribe),
    Row("punsubscribe", -1, kSubscriber, kNoKey, "2.0.0", "Listens to patterns no longer",
        "[pattern [pattern ...]]", PUnsubscribe),
    Row("sunsubscribe", -1, kSubscriber, kAllWords, "7.0.0", "Listens to shard channels no longer",
        "[shardchannel [shardchannel ...]]", SUnsubscribe),
    Row("publish", 3, kPublisher, kNoKey, "2.0.0", "Sends a message to those who listen",
        "channel message", Publish),
    Row("spublish", 3, kPublisher, KeyRange{1, 1, 1}, "7.0.0",
        "Sends a message to those who listen to a shard channel", "shardchannel message", SPublish),
    {.name = "pubsub",
     .arity = -2,
     .flags = 0,
     .keys = {},
     .categories = "",
     .group = "pubsub",
     .since = "2.8.0",
     .summary = "Tells who listens to what",
     .syntax = "",
     .handler = nullptr,
     .subcommands = kSubcommands},
};

}  // namespace

void RegisterPubSub(Registry& registry) { registry.Add(kPubSubCommands); }

}  // namespace cloakroom
